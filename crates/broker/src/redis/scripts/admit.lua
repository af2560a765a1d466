-- Takes one of a user's connection slots, which makes them online. Idempotent for one connection. A part of `moves.lua`.
--
-- `limit`: slots of one user, 0 for any number. `replaces`: '1' where the oldest gives way.
-- Returns 'first' (the user was offline), 'admitted', 'refused', or 'replaces <node> <connection>'.

-- A slot that is not the user's any more is not among its node's either, and not among all.
local function taken_from(owner, user, connection)
  redis.call('SREM', base .. 'slotted:' .. owner, user .. '\0' .. connection)
  redis.call('DECR', base .. 'connected')
end

-- Slots of dead nodes that nobody has swept yet keep nobody out.
local function sweep_slots(slots, user)
  for _, taken in ipairs(redis.call('ZRANGE', slots, 0, -1)) do
    local owner, connection = string.match(taken, '^([^%z]*)%z(.*)$')
    local ends = redis.call('ZSCORE', KEYS[1], owner)
    if not ends or tonumber(ends) <= now then
      redis.call('ZREM', slots, taken)
      taken_from(owner, user, connection)
    end
  end
  return redis.call('ZCARD', slots)
end

local function admit(user, connection, limit, replaces, name)
  local slots, slot = base .. 'slots:' .. user, node .. '\0' .. connection
  local answer, most = 'admitted', tonumber(limit)
  local taken = redis.call('ZCARD', slots)
  if most > 0 and taken >= most then
    taken = sweep_slots(slots, user)
  end
  if most > 0 and taken >= most and not redis.call('ZSCORE', slots, slot) then
    if replaces ~= '1' then
      return 'refused'
    end
    local owner, oldest = string.match(redis.call('ZPOPMIN', slots)[1], '^([^%z]*)%z(.*)$')
    taken_from(owner, user, oldest)
    answer, taken = 'replaces ' .. owner .. ' ' .. oldest, taken - 1
  end
  -- Strictly above the newest, so that slots of one millisecond keep their order.
  local newest = taken > 0 and redis.call('ZREVRANGE', slots, 0, 0, 'WITHSCORES')[2]
  if redis.call('ZADD', slots, 'NX', math.max(now, tonumber(newest or 0) + 1), slot) == 1 then
    redis.call('INCR', base .. 'connected')
  end
  redis.call('SADD', base .. 'slotted:' .. node, user .. '\0' .. connection)
  redis.call('ZADD', base .. 'present', 'NX', time[1] * 1000000 + time[2], user)
  if redis.call('HSET', base .. 'online', user, name) == 1 and answer == 'admitted' then
    return 'first'
  end
  if not newest then
    -- Back within the grace: nobody hears of it.
    redis.call('ZREM', base .. 'leaving', user)
  end
  return answer
end

