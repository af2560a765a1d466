-- From now on a room's hot log shows one entry without its body. Idempotent.
--
-- KEYS[1] hot log, KEYS[2] what is erased in it, by seq
-- ARGV[1] position, ARGV[2] seq
-- returns 1, or 0 when the hot log does not hold the entry
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
  return 0
end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
-- What the hot log has let go of needs no mark: there are never more marks than entries. A mark that outlives its entry
-- hides nothing, since no number is issued twice; one that did not live as long would show what was withdrawn.
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. string.match(oldest, '%-(%d+)$'))
return 1
