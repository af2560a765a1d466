-- Renews, takes or leaves one shard's writing lease, by this server's own clock.
--
-- KEYS[1] the writer hash
-- ARGV[1] worker, ARGV[2] 'renew', 'take' or 'release', ARGV[3] lease ms
-- returns the fence when the worker holds the lease now, '' when it does not and somebody else does, 'free' when nobody does
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'worker', 'fence', 'until')
local stands = held[1] and held[1] ~= '' and tonumber(held[3]) > now
if stands and held[1] ~= ARGV[1] then
  return ''
end
if ARGV[2] == 'release' then
  if stands then
    redis.call('HSET', KEYS[1], 'worker', '', 'until', '0')
  end
  return 'free'
end
local ends = string.format('%.0f', now + tonumber(ARGV[3]))
if stands then
  redis.call('HSET', KEYS[1], 'until', ends)
  return held[2]
end
if ARGV[2] ~= 'take' then
  return 'free'
end
-- Above every earlier fence even when this Redis has forgotten them: the clock's milliseconds.
local fence = string.format('%.0f', math.max(tonumber(held[2] or 0) + 1, now))
redis.call('HSET', KEYS[1], 'worker', ARGV[1], 'fence', fence, 'until', ends)
return fence
