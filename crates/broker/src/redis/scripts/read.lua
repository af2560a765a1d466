-- One atomic look at a room: its head, the oldest position in the hot log, and a stretch of entries.
--
-- KEYS[1] shard meta, KEYS[2] room state, KEYS[3] hot log
-- ARGV[1] 'after' or 'newest', ARGV[2] the position (after) or the exclusive seq, '' for none (newest), ARGV[3] limit
-- returns head, oldest ('' for none), then position and body of each entry, oldest first
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
local reply = { meta[1] .. '-' .. string.format('%.0f', seq), oldest[1] and oldest[1][1] or '' }

local function add(entry)
  reply[#reply + 1] = entry[1]
  reply[#reply + 1] = entry[2][2]
end

if limit == 0 or not oldest[1] then
  return reply
end
if ARGV[1] == 'after' then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '(' .. ARGV[2], '+', 'COUNT', limit)) do
    add(entry)
  end
  return reply
end
-- Numbers rise across epochs, so walking backwards by id walks backwards by seq.
local below = tonumber(ARGV[2]) or math.huge
local found, last = {}, '+'
while #found < limit do
  local page = redis.call('XREVRANGE', KEYS[3], last, '-', 'COUNT', 128)
  for _, entry in ipairs(page) do
    if #found < limit and tonumber(string.match(entry[1], '%-(%d+)$')) < below then
      found[#found + 1] = entry
    end
  end
  if #page < 128 then
    break
  end
  last = '(' .. page[#page][1]
end
for index = #found, 1, -1 do
  add(found[index])
end
return reply
