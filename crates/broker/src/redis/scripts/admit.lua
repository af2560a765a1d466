-- Takes one of a user's connection slots, which makes them online. Idempotent for one connection.
--
-- KEYS[1] nodes by lease end, KEYS[2] the user's slots by age, KEYS[3] the slots that the node holds, KEYS[4] who is online,
-- KEYS[5] who is leaving, KEYS[6] how many slots there are, KEYS[7] who has one, by when they came. What other nodes hold
--         is named here: it lies in the same shard.
-- ARGV[1] node, ARGV[2] user, ARGV[3] connection, ARGV[4] limit (0: none), ARGV[5] '1' to replace the oldest,
-- ARGV[6] name as the reader wants it, ARGV[7] what the shard's keys begin with
-- returns 'lapsed' where the node has no lease; else 'first' (the user was offline), 'admitted', 'refused', or
-- 'replaces <node> <connection>'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 'lapsed'
end
local slot = ARGV[1] .. '\0' .. ARGV[3]
local answer, limit = 'admitted', tonumber(ARGV[4])

-- A slot that is not the user's any more is not among its node's either, and not among all.
local function taken_from(node, connection)
  redis.call('SREM', ARGV[7] .. 'slotted:' .. node, ARGV[2] .. '\0' .. connection)
  redis.call('DECR', KEYS[6])
end

if limit > 0 and redis.call('ZCARD', KEYS[2]) >= limit then
  -- Slots of dead nodes that nobody has swept yet keep nobody out.
  for _, taken in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local node, connection = string.match(taken, '^([^%z]*)%z(.*)$')
    local ends = redis.call('ZSCORE', KEYS[1], node)
    if not ends or tonumber(ends) <= now then
      redis.call('ZREM', KEYS[2], taken)
      taken_from(node, connection)
    end
  end
end
if limit > 0 and not redis.call('ZSCORE', KEYS[2], slot) and redis.call('ZCARD', KEYS[2]) >= limit then
  if ARGV[5] ~= '1' then
    return 'refused'
  end
  local node, connection = string.match(redis.call('ZPOPMIN', KEYS[2])[1], '^([^%z]*)%z(.*)$')
  taken_from(node, connection)
  answer = 'replaces ' .. node .. ' ' .. connection
end
-- Strictly above the newest, so that slots of one millisecond keep their order.
local newest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
if redis.call('ZADD', KEYS[2], 'NX', math.max(now, tonumber(newest or 0) + 1), slot) == 1 then
  redis.call('INCR', KEYS[6])
end
redis.call('SADD', KEYS[3], ARGV[2] .. '\0' .. ARGV[3])
redis.call('ZADD', KEYS[7], 'NX', time[1] * 1000000 + time[2], ARGV[2])
if redis.call('HSET', KEYS[4], ARGV[2], ARGV[6]) == 1 and answer == 'admitted' then
  return 'first'
end
if not newest then
  -- Back within the grace: nobody hears of it.
  redis.call('ZREM', KEYS[5], ARGV[2])
end
return answer
