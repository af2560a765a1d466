-- Takes and gives back seats and slots of one shard, any number of steps in one call, each as if it were called alone.
-- `census.lua`, `shard.lua`, `enter.lua`, `leave.lua`, `admit.lua` and `release.lua` stand before this text.
--
-- KEYS[1] nodes by lease end. The keys and channels of the node, of rooms and of users are built here: they lie in the same
--         shard.
-- ARGV[1] what the shard's keys begin with, ARGV[2] node, then the steps, each a word and what it takes:
--         'enter' room user name · 'leave' room user · 'admit' user connection limit replaces name ·
--         'release' user connection grace
-- returns an answer to each step: that of its own file, or 'lapsed' where it takes something and the node has no lease. What
-- has no lease would never be swept; and a node that lost its lease has lost what it held.
local steps = {
  enter = { takes = 3, leased = true, go = enter },
  leave = { takes = 2, go = leave },
  admit = { takes = 5, leased = true, go = admit },
  release = { takes = 3, go = release },
}
local leased = redis.call('ZSCORE', KEYS[1], node)
local answers, at = {}, 3
while at <= #ARGV do
  local step = steps[ARGV[at]]
  if step.leased and not leased then
    answers[#answers + 1] = 'lapsed'
  else
    answers[#answers + 1] = step.go(unpack(ARGV, at + 1, at + step.takes))
  end
  at = at + step.takes + 1
end
tell_all()
return answers
