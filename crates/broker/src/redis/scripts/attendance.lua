-- How many slots, users with one and live nodes there are, from what the scripts that give and take slots keep in step; and
-- the users who came last. Without those, the cost does not depend on how many there are.
--
-- KEYS[1] nodes by lease end, KEYS[2] how many slots there are, KEYS[3] who has one, by when they came, KEYS[4] who is online.
--         The slots of the users shown are named here: they lie in the same shard.
-- ARGV[1] what the shard's keys begin with, ARGV[2] users to show
-- returns slots, users, nodes; then of each user shown, newest first: when they came, user, name, slots
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {
  tonumber(redis.call('GET', KEYS[2]) or 0),
  redis.call('ZCARD', KEYS[3]),
  redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%.0f', now), '+inf'),
}
local limit = tonumber(ARGV[2])
if limit == 0 then
  return reply
end
local newest = redis.call('ZREVRANGE', KEYS[3], 0, limit - 1, 'WITHSCORES')
for place = 1, #newest, 2 do
  local user = newest[place]
  local name = redis.call('HGET', KEYS[4], user)
  if name then
    reply[#reply + 1] = tonumber(newest[place + 1])
    reply[#reply + 1] = user
    reply[#reply + 1] = name
    reply[#reply + 1] = redis.call('ZCARD', ARGV[1] .. 'slots:' .. user)
  end
end
return reply
