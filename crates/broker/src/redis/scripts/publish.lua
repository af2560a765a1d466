-- Accepts a batch of drafts of one shard: deduplicate, number, journal, hot log, publish. Nothing else counts.
--
-- The loader puts `local INSTANCE = '<run id>'` before this text, so that another instance, or the same one after a
-- restart, does not know the script: NOSCRIPT is the sign to call the fence.
--
-- KEYS[1] shard meta, KEYS[2] journal; then per draft: room state, hot log, channel, dedupe key (or the room state)
-- ARGV[1] journal limit, ARGV[2] hot log length, ARGV[3] hot log ttl ms, ARGV[4] dedupe ttl ms;
--         then per draft: id, '1' when it has a clientId, body
-- returns per draft 'accepted' or 'repeated' and 'epoch-seq id'; or 'full' and ''
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'floor', 'instance')
if not meta[1] or meta[3] ~= INSTANCE then
  return redis.error_reply('FENCE this instance must begin a new epoch')
end
local epoch, floor = meta[1], tonumber(meta[2])
local vacant = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[2])
local results, rooms, touched = {}, {}, {}

-- Where a room stands; read once in a batch.
local function standing(room, hot_log, channel)
  if not rooms[room] then
    local state = redis.call('HMGET', room, 'epoch', 'seq')
    local last = tonumber(state[2] or 0)
    if state[1] ~= epoch then
      last = math.max(last, floor)
    end
    rooms[room] = {last = last, hot_log = hot_log, channel = channel, frames = {}}
  end
  return rooms[room]
end

for draft = 0, (#KEYS - 2) / 4 - 1 do
  local room, hot_log, channel, dedupe = unpack(KEYS, 3 + draft * 4, 6 + draft * 4)
  local id, named, body = unpack(ARGV, 5 + draft * 3, 7 + draft * 3)
  local state = standing(room, hot_log, channel)
  local seq = string.format('%.0f', state.last + 1)
  local position = epoch .. '-' .. seq
  local told = position .. ' ' .. id
  local first = false
  if named == '1' and vacant > 0 then
    -- Remembered, or told what was remembered before.
    first = redis.call('SET', dedupe, told, 'NX', 'GET', 'PX', ARGV[4])
  elseif named == '1' then
    first = redis.call('GET', dedupe)
  end
  if first then
    results[#results + 1] = 'repeated'
    results[#results + 1] = first
  elseif vacant <= 0 then
    results[#results + 1] = 'full'
    results[#results + 1] = ''
  else
    redis.call('XADD', KEYS[2], '*', 'p', position, 'b', body)
    redis.call('HSET', room, 'epoch', epoch, 'seq', seq)
    redis.call('XADD', hot_log, 'MAXLEN', '~', ARGV[2], position, 'b', body)
    local frames = state.frames
    if #frames == 0 then
      touched[#touched + 1] = state
    end
    frames[#frames + 1] = position .. ' ' .. #body .. '\n'
    frames[#frames + 1] = body
    state.last = state.last + 1
    vacant = vacant - 1
    results[#results + 1] = 'accepted'
    results[#results + 1] = told
  end
end
for _, state in ipairs(touched) do
  redis.call('PEXPIRE', state.hot_log, ARGV[3])
  redis.call('SPUBLISH', state.channel, table.concat(state.frames))
end
return results
