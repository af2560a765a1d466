-- Takes tokens from a user's bucket, by this server's own clock. All that is kept is when the bucket is full again; a full
-- one needs no key. (Generic cell rate algorithm, ITU-T I.371.)
--
-- KEYS[1] the bucket
-- ARGV[1] microseconds per token, ARGV[2] tokens wanted, not more than ARGV[3], ARGV[3] tokens that it holds
-- returns 0, or the microseconds to wait; then nothing is taken
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local token = tonumber(ARGV[1])
local whole = token * tonumber(ARGV[3])
-- An empty bucket at worst, whatever another clock or another rate has written.
local full = math.min(tonumber(redis.call('GET', KEYS[1]) or now), now + whole)
full = math.max(full, now) + token * tonumber(ARGV[2])
if full > now + whole then
  return full - now - whole
end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 1000)))
return 0
