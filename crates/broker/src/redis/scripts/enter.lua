-- Takes a seat: (node, room, user). Idempotent. `census.lua` stands before this text.
--
-- KEYS[1] nodes by lease end, KEYS[2] the room's seats, KEYS[3] its people, KEYS[4] their names, KEYS[5] what the node holds,
-- KEYS[6] the room's channel
-- ARGV[1] node, ARGV[2] user, ARGV[3] name as the reader wants it, ARGV[4] room
-- returns 'lapsed' where the node has no lease; else 1 when the user is new in the room, and the distinct users in it
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  -- A seat without a lease would never be swept; and a node that lost its lease has lost seats.
  return 'lapsed'
end
local edge = 0
if redis.call('SADD', KEYS[2], ARGV[1] .. '\0' .. ARGV[2]) == 1 then
  redis.call('SADD', KEYS[5], ARGV[4] .. '\0' .. ARGV[2])
  if redis.call('HINCRBY', KEYS[3], ARGV[2], 1) == 1 then
    edge = 1
  end
end
redis.call('HSET', KEYS[4], ARGV[2], ARGV[3])
local count = redis.call('HLEN', KEYS[3])
if edge == 1 then
  tell(KEYS[6], 'came', count, ARGV[2], ARGV[3])
end
return { edge, count }
