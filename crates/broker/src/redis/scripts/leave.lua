-- Gives a seat back. Idempotent. A part of `moves.lua`.
--
-- Returns 1 when it was the user's last seat in the room, and the distinct users left in it.
local function leave(room, user)
  local people, names = base .. 'people:' .. room, base .. 'names:' .. room
  redis.call('SREM', base .. 'held:' .. node, room .. '\0' .. user)
  if redis.call('SREM', base .. 'seats:' .. room, node .. '\0' .. user) == 0
    or redis.call('HINCRBY', people, user, -1) > 0 then
    return { 0, redis.call('HLEN', people) }
  end
  local name = redis.call('HGET', names, user) or '"'
  redis.call('HDEL', people, user)
  redis.call('HDEL', names, user)
  local count = redis.call('HLEN', people)
  note(room, 'left', count, user, name)
  return { 1, count }
end

