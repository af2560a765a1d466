-- Stands before the scripts that take and give back seats: tells a room's subscribers that somebody came or left, in the
-- step that made it so. The frame is read in `frames.rs`.
local function tell(channel, word, count, user, name)
  local body = string.format('%.0f', count) .. '\0' .. user .. '\0' .. name
  redis.call('SPUBLISH', channel, word .. ' ' .. #body .. '\n' .. body)
end

