-- Gives a connection slot back. Idempotent.
--
-- KEYS[1] the user's slots, KEYS[2] the slots that the node holds, KEYS[3] who is leaving,
-- KEYS[4] how many slots there are, KEYS[5] who has one
-- ARGV[1] node, ARGV[2] user, ARGV[3] connection, ARGV[4] grace ms
-- returns 1 when it was the user's last slot: from the end of the grace on a sweep finds them offline
redis.call('SREM', KEYS[2], ARGV[2] .. '\0' .. ARGV[3])
if redis.call('ZREM', KEYS[1], ARGV[1] .. '\0' .. ARGV[3]) == 0 then
  -- Not theirs any more (replaced, swept).
  return 0
end
redis.call('DECR', KEYS[4])
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('ZREM', KEYS[5], ARGV[2])
local time = redis.call('TIME')
redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[4]), ARGV[2])
return 1
