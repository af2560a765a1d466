-- Gives a seat back. Idempotent.
--
-- KEYS[1] the room's seats, KEYS[2] its people, KEYS[3] their names, KEYS[4] what the node holds
-- ARGV[1] node, ARGV[2] user, ARGV[3] room
-- returns 1 when it was the user's last seat in the room, and the distinct users left in it
local edge = 0
redis.call('SREM', KEYS[4], ARGV[3] .. '\0' .. ARGV[2])
if redis.call('SREM', KEYS[1], ARGV[1] .. '\0' .. ARGV[2]) == 1 then
  if redis.call('HINCRBY', KEYS[2], ARGV[2], -1) <= 0 then
    redis.call('HDEL', KEYS[2], ARGV[2])
    redis.call('HDEL', KEYS[3], ARGV[2])
    edge = 1
  end
end
return { edge, redis.call('HLEN', KEYS[2]) }
