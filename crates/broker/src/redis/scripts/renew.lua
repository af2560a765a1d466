-- Renews a node's lease on one shard, by this server's own clock.
--
-- KEYS[1] nodes by lease end
-- ARGV[1] node, ARGV[2] lease ms
-- returns 1 when the lease stood, 0 when it is new or had lapsed: then seats may have been swept
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
if ends and tonumber(ends) > now then
  return 1
end
return 0
