-- Begins a new epoch in a shard when this Redis is not the instance that numbered last, or has lost the shard.
-- Idempotent for one instance, whoever calls it first.
--
-- KEYS[1] the shard's meta hash
-- ARGV[1] '1': nothing was ever kept anywhere, so numbering may begin at epoch 1
-- returns the instance (run id)
local instance = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'instance')
if meta[1] and meta[2] == instance then
  return instance
end
local epoch, floor = 1, 0
if meta[1] or ARGV[1] ~= '1' then
  -- Seconds since 2025-01-01 as the high part: it rises across restarts and promotions without anything remembered.
  local generation = tonumber(redis.call('TIME')[1]) - 1735689600
  epoch = math.max(tonumber(meta[1] or 0) + 1, generation)
  -- Of the epoch, not of the generation: two fences within a second must not share a floor.
  floor = epoch * 4194304
end
redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', epoch), 'floor', string.format('%.0f', floor),
  'instance', instance)
return instance
