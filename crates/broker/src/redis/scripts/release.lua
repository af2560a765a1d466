-- Gives a connection slot back. Idempotent.
--
-- KEYS[1] the user's slots, KEYS[2] the slots that the node holds
-- ARGV[1] node, ARGV[2] user, ARGV[3] connection
redis.call('ZREM', KEYS[1], ARGV[1] .. '\0' .. ARGV[3])
redis.call('SREM', KEYS[2], ARGV[2] .. '\0' .. ARGV[3])
return 1
