-- Removes the seats and slots of one node whose lease lapsed (or of the named one, which retires), and finds users whose
-- grace is over; a bounded number per call. Whoever calls first is told; nobody else is. `census.lua` stands before this text.
--
-- KEYS[1] nodes by lease end, KEYS[2] who is online, KEYS[3] who is leaving, KEYS[4] how many slots there are,
-- KEYS[5] who has one. The keys and channels of the rooms and users swept are built here: they lie in the same shard.
-- ARGV[1] what the shard's keys begin with, ARGV[2] the node to sweep whatever its lease, '' for lapsed ones,
-- ARGV[3] seats, slots and users per call, ARGV[4] the caller, which never sweeps itself for a lapsed lease: it renews and
--         compares, ARGV[5] grace ms of the named node's users; there is none for those who vanished
-- returns '1' when there is more to sweep, how many seats were their user's last, then user and name of each who is offline
local base, named, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply, node = { '0', 0 }, named

local function go_offline(user)
  redis.call('ZREM', KEYS[3], user)
  local name = redis.call('HGET', KEYS[2], user)
  if name then
    redis.call('HDEL', KEYS[2], user)
    reply[#reply + 1] = user
    reply[#reply + 1] = name
  end
end

local function give_back_seat(room, user)
  if redis.call('SREM', base .. 'seats:' .. room, node .. '\0' .. user) == 0 then
    return
  end
  local people, names = base .. 'people:' .. room, base .. 'names:' .. room
  if redis.call('HINCRBY', people, user, -1) > 0 then
    return
  end
  local name = redis.call('HGET', names, user) or '"'
  redis.call('HDEL', people, user)
  redis.call('HDEL', names, user)
  redis.call('SPUBLISH', base .. 'say:' .. room, census('left', redis.call('HLEN', people), user, name))
  reply[2] = reply[2] + 1
end

local function give_back_slot(user, connection)
  local slots = base .. 'slots:' .. user
  if redis.call('ZREM', slots, node .. '\0' .. connection) == 0 then
    return
  end
  redis.call('DECR', KEYS[4])
  if redis.call('EXISTS', slots) == 1 then
    return
  end
  redis.call('ZREM', KEYS[5], user)
  if named == '' then
    go_offline(user)
  else
    redis.call('ZADD', KEYS[3], now + tonumber(ARGV[5]), user)
  end
end

if named == '' then
  local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, limit)
  for _, user in ipairs(due) do
    if redis.call('EXISTS', base .. 'slots:' .. user) == 1 then
      redis.call('ZREM', KEYS[3], user)
    else
      go_offline(user)
    end
  end
  if #due == limit then
    reply[1] = '1'
  end
  for _, lapsed in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 2)) do
    if lapsed ~= ARGV[4] then
      node = lapsed
    end
  end
  if node == '' then
    return reply
  end
end
local seats = redis.call('SPOP', base .. 'held:' .. node, limit)
for _, seat in ipairs(seats) do
  give_back_seat(string.match(seat, '^([^%z]*)%z(.*)$'))
end
local slots = redis.call('SPOP', base .. 'slotted:' .. node, limit)
for _, slot in ipairs(slots) do
  give_back_slot(string.match(slot, '^(.*)%z([^%z]*)$'))
end
local finished = #seats < limit and #slots < limit
if finished then
  redis.call('ZREM', KEYS[1], node)
end
-- Behind a lapsed node there may be another one.
if named == '' or not finished then
  reply[1] = '1'
end
return reply
