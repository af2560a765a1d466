-- Removes the seats and slots of one node whose lease lapsed (or of the named one), a bounded number per call.
-- Whoever calls first gets each departure; nobody else does.
--
-- KEYS[1] nodes by lease end. The keys of the rooms swept are built here: they lie in the same shard.
-- ARGV[1] what the shard's keys begin with, ARGV[2] the node to sweep whatever its lease, '' for lapsed ones, ARGV[3] seats per call, ARGV[4] the caller,
--         which never sweeps itself for a lapsed lease: it renews and compares
-- returns '1' when there is more to sweep, then room and user of each departure
local node = ARGV[2]
if node == '' then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  for _, lapsed in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 2)) do
    if lapsed ~= ARGV[4] then
      node = lapsed
    end
  end
  if node == '' then
    return { '0' }
  end
end
local base, limit = ARGV[1], tonumber(ARGV[3])
local departures = { '1' }
local seats = redis.call('SPOP', base .. 'held:' .. node, limit)
for _, seat in ipairs(seats) do
  local room, user = string.match(seat, '^([^%z]*)%z(.*)$')
  if redis.call('SREM', base .. 'seats:' .. room, node .. '\0' .. user) == 1 then
    if redis.call('HINCRBY', base .. 'people:' .. room, user, -1) <= 0 then
      redis.call('HDEL', base .. 'people:' .. room, user)
      redis.call('HDEL', base .. 'names:' .. room, user)
      departures[#departures + 1] = room
      departures[#departures + 1] = user
    end
  end
end
local slots = redis.call('SPOP', base .. 'slotted:' .. node, limit)
for _, slot in ipairs(slots) do
  local user, connection = string.match(slot, '^(.*)%z([^%z]*)$')
  redis.call('ZREM', base .. 'slots:' .. user, node .. '\0' .. connection)
end
if #seats < limit and #slots < limit then
  redis.call('ZREM', KEYS[1], node)
  if ARGV[2] ~= '' then
    departures[1] = '0'
  end
end
return departures
