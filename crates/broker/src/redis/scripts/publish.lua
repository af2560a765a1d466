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
local results, payloads, channels, hot_logs = {}, {}, {}, {}

local function accept(room, hot_log, channel, body)
  local state = redis.call('HMGET', room, 'epoch', 'seq')
  local last = tonumber(state[2] or 0)
  if state[1] ~= epoch then
    last = math.max(last, floor)
  end
  local seq = string.format('%.0f', last + 1)
  local position = epoch .. '-' .. seq
  redis.call('XADD', KEYS[2], '*', 'p', position, 'b', body)
  redis.call('HSET', room, 'epoch', epoch, 'seq', seq)
  redis.call('XADD', hot_log, 'MAXLEN', '~', ARGV[2], position, 'b', body)
  if not payloads[channel] then
    payloads[channel] = {}
    channels[#channels + 1] = channel
    hot_logs[#hot_logs + 1] = hot_log
  end
  local frames = payloads[channel]
  frames[#frames + 1] = position .. ' ' .. #body .. '\n'
  frames[#frames + 1] = body
  vacant = vacant - 1
  return position
end

for draft = 0, (#KEYS - 2) / 4 - 1 do
  local room, hot_log, channel, dedupe = unpack(KEYS, 3 + draft * 4, 6 + draft * 4)
  local id, named, body = unpack(ARGV, 5 + draft * 3, 7 + draft * 3)
  local first = named == '1' and redis.call('GET', dedupe)
  if first then
    results[#results + 1] = 'repeated'
    results[#results + 1] = first
  elseif vacant <= 0 then
    results[#results + 1] = 'full'
    results[#results + 1] = ''
  else
    local told = accept(room, hot_log, channel, body) .. ' ' .. id
    if named == '1' then
      redis.call('SET', dedupe, told, 'PX', ARGV[4])
    end
    results[#results + 1] = 'accepted'
    results[#results + 1] = told
  end
end
for index, channel in ipairs(channels) do
  redis.call('PEXPIRE', hot_logs[index], ARGV[3])
  redis.call('SPUBLISH', channel, table.concat(payloads[channel]))
end
return results
