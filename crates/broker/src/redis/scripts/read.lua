-- One atomic look at a room: its head, the oldest position in the hot log, and a stretch of entries.
--
-- KEYS[1] shard meta, KEYS[2] room state, KEYS[3] hot log, KEYS[4] what is erased in it, by seq
-- ARGV[1] 'after' or 'newest', ARGV[2] the position (after) or the exclusive seq, '' for none (newest), ARGV[3] limit
-- returns head, oldest ('' for none), the erased positions among the entries, then position and body of each entry,
-- oldest first
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'floor')
if not meta[1] then
  return redis.error_reply('FENCE the shard is not there')
end
local state = redis.call('HMGET', KEYS[2], 'epoch', 'seq')
local seq = tonumber(state[2] or 0)
if state[1] ~= meta[1] then
  seq = math.max(seq, tonumber(meta[2]))
end
local limit = tonumber(ARGV[3])
local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)
local reply = { meta[1] .. '-' .. string.format('%.0f', seq), oldest[1] and oldest[1][1] or '', {} }

local function number(entry)
  return string.match(entry[1], '%-(%d+)$')
end

-- Oldest first, from either end of the list.
local function show(entries, first, last, step)
  if #entries == 0 then
    return reply
  end
  reply[3] = redis.call('ZRANGEBYSCORE', KEYS[4], number(entries[first]), number(entries[last]))
  for index = first, last, step do
    reply[#reply + 1] = entries[index][1]
    reply[#reply + 1] = entries[index][2][2]
  end
  return reply
end

if not oldest[1] then
  -- The hot log has run out, and its marks with it. A look must not fail where nothing can be written now.
  redis.pcall('DEL', KEYS[4])
  return reply
end
if limit == 0 then
  return reply
end
if ARGV[1] == 'after' then
  local entries = redis.call('XRANGE', KEYS[3], '(' .. ARGV[2], '+', 'COUNT', limit)
  return show(entries, 1, #entries, 1)
end
-- Numbers rise across epochs, so walking backwards by id walks backwards by seq.
local below = tonumber(ARGV[2]) or math.huge
local found, last = {}, '+'
while #found < limit do
  local page = redis.call('XREVRANGE', KEYS[3], last, '-', 'COUNT', 128)
  for _, entry in ipairs(page) do
    if #found < limit and tonumber(number(entry)) < below then
      found[#found + 1] = entry
    end
  end
  if #page < 128 then
    break
  end
  last = '(' .. page[#page][1]
end
return show(found, #found, 1, -1)
