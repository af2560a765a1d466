-- Takes a seat: (node, room, user). Idempotent. A part of `moves.lua`.
--
-- Returns 1 when the user is new in the room, and the distinct users in it.
local function enter(room, user, name)
  local people, edge = base .. 'people:' .. room, 0
  if redis.call('SADD', base .. 'seats:' .. room, node .. '\0' .. user) == 1 then
    redis.call('SADD', base .. 'held:' .. node, room .. '\0' .. user)
    if redis.call('HINCRBY', people, user, 1) == 1 then
      edge = 1
    end
  end
  redis.call('HSET', base .. 'names:' .. room, user, name)
  local count = redis.call('HLEN', people)
  if edge == 1 then
    note(room, 'came', count, user, name)
  end
  return { edge, count }
end

