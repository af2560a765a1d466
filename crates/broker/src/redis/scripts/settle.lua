-- Forgets what is committed, if the caller still holds the shard.
--
-- KEYS[1] the writer hash, KEYS[2] the journal
-- ARGV[1] worker, ARGV[2] fence, ARGV[3] the first id to keep
-- returns 1, or 0 when the lease is not held any more
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'worker', 'fence', 'until')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or tonumber(held[3]) <= now then
  return 0
end
redis.call('XTRIM', KEYS[2], 'MINID', '=', ARGV[3])
return 1
