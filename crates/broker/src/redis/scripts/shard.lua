-- Stands before the parts of `moves.lua`, behind `census.lua`: whose steps these are, and when; and who is told of them.
local base, node = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- What each room's subscribers are told at the end: one payload, however many came and left.
local rooms, told = {}, {}

local function note(room, word, count, user, name)
  if not told[room] then
    rooms[#rooms + 1], told[room] = room, ''
  end
  told[room] = told[room] .. census(word, count, user, name)
end

local function tell_all()
  for _, room in ipairs(rooms) do
    redis.call('SPUBLISH', base .. 'say:' .. room, told[room])
  end
end

