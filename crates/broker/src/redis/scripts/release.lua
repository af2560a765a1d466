-- Gives a connection slot back. Idempotent. A part of `moves.lua`.
--
-- Returns 1 when it was the user's last slot: from the end of the grace (ms) on a sweep finds them offline.
local function release(user, connection, grace)
  local slots = base .. 'slots:' .. user
  redis.call('SREM', base .. 'slotted:' .. node, user .. '\0' .. connection)
  if redis.call('ZREM', slots, node .. '\0' .. connection) == 0 then
    -- Not theirs any more (replaced, swept).
    return 0
  end
  redis.call('DECR', base .. 'connected')
  if redis.call('EXISTS', slots) == 1 then
    return 0
  end
  redis.call('ZREM', base .. 'present', user)
  redis.call('ZADD', base .. 'leaving', now + tonumber(grace), user)
  return 1
end

