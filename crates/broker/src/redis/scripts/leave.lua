-- Gives a seat back. Idempotent. `census.lua` stands before this text.
--
-- KEYS[1] the room's seats, KEYS[2] its people, KEYS[3] their names, KEYS[4] what the node holds, KEYS[5] the room's channel
-- ARGV[1] node, ARGV[2] user, ARGV[3] room
-- returns 1 when it was the user's last seat in the room, and the distinct users left in it
redis.call('SREM', KEYS[4], ARGV[3] .. '\0' .. ARGV[2])
if redis.call('SREM', KEYS[1], ARGV[1] .. '\0' .. ARGV[2]) == 0
  or redis.call('HINCRBY', KEYS[2], ARGV[2], -1) > 0 then
  return { 0, redis.call('HLEN', KEYS[2]) }
end
local name = redis.call('HGET', KEYS[3], ARGV[2]) or '"'
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[3], ARGV[2])
local count = redis.call('HLEN', KEYS[2])
tell(KEYS[5], 'left', count, ARGV[2], name)
return { 1, count }
