-- The live nodes, and how many slots each holds in this shard.
--
-- KEYS[1] nodes by lease end. What they hold is named here: it lies in the same shard.
-- ARGV[1] what the shard's keys begin with
-- returns node and slots of each
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf')) do
  reply[#reply + 1] = node
  reply[#reply + 1] = redis.call('SCARD', ARGV[1] .. 'slotted:' .. node)
end
return reply
