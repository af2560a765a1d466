-- Accepts a batch of drafts: deduplicate, number, journal, hot log, publish. Nothing else counts.
--
-- The loader puts `local INSTANCE = '<run id>'` before this text, so that another instance, or the same one after a
-- restart, does not know the script: NOSCRIPT is the sign to call the fence.
--
-- All shards of one call lie on this instance.
--
-- KEYS per shard: shard meta, journal; then per draft: room state, hot log, channel, dedupe key (or the room state)
-- ARGV[1] journal limit, ARGV[2] hot log length, ARGV[3] hot log ttl ms, ARGV[4] dedupe ttl ms, ARGV[5] number of shards;
--         then per draft: its shard (from 1), id, '1' when it has a clientId, body
-- returns per draft 'accepted' or 'repeated' and 'epoch-seq id'; or 'full' and ''
local shards = {}
for shard = 1, tonumber(ARGV[5]) do
  local meta, journal = KEYS[shard * 2 - 1], KEYS[shard * 2]
  local state = redis.call('HMGET', meta, 'epoch', 'floor', 'instance')
  if not state[1] or state[3] ~= INSTANCE then
    return redis.error_reply('FENCE this instance must begin a new epoch')
  end
  local vacant = tonumber(ARGV[1]) - redis.call('XLEN', journal)
  shards[shard] = {epoch = state[1], floor = tonumber(state[2]), vacant = vacant, journal = journal}
end
local results, rooms, touched = {}, {}, {}

-- Where a room stands; read once in a batch.
local function standing(shard, room, hot_log, channel)
  if not rooms[room] then
    local state = redis.call('HMGET', room, 'epoch', 'seq')
    local last = tonumber(state[2] or 0)
    if state[1] ~= shard.epoch then
      last = math.max(last, shard.floor)
    end
    rooms[room] = {last = last, hot_log = hot_log, channel = channel, frames = {}}
  end
  return rooms[room]
end

for draft = 0, (#ARGV - 5) / 4 - 1 do
  local key = #shards * 2 + draft * 4
  local room, hot_log, channel, dedupe = unpack(KEYS, key + 1, key + 4)
  local number, id, named, body = unpack(ARGV, 6 + draft * 4, 9 + draft * 4)
  local shard = shards[tonumber(number)]
  local state, epoch = standing(shard, room, hot_log, channel), shard.epoch
  local seq = string.format('%.0f', state.last + 1)
  local position = epoch .. '-' .. seq
  local told = position .. ' ' .. id
  local first = false
  if named == '1' and shard.vacant > 0 then
    -- Remembered, or told what was remembered before.
    first = redis.call('SET', dedupe, told, 'NX', 'GET', 'PX', ARGV[4])
  elseif named == '1' then
    first = redis.call('GET', dedupe)
  end
  if first then
    results[#results + 1] = 'repeated'
    results[#results + 1] = first
  elseif shard.vacant <= 0 then
    results[#results + 1] = 'full'
    results[#results + 1] = ''
  else
    redis.call('XADD', shard.journal, '*', 'p', position, 'b', body)
    redis.call('HSET', room, 'epoch', epoch, 'seq', seq)
    redis.call('XADD', hot_log, 'MAXLEN', '~', ARGV[2], position, 'b', body)
    local frames = state.frames
    if #frames == 0 then
      touched[#touched + 1] = state
    end
    frames[#frames + 1] = position .. ' ' .. #body .. '\n'
    frames[#frames + 1] = body
    state.last = state.last + 1
    shard.vacant = shard.vacant - 1
    results[#results + 1] = 'accepted'
    results[#results + 1] = told
  end
end
for _, state in ipairs(touched) do
  redis.call('PEXPIRE', state.hot_log, ARGV[3])
  redis.call('SPUBLISH', state.channel, table.concat(state.frames))
end
return results
