-- Stands before the scripts that take and give back seats: what a room's subscribers are told when somebody came or left, in
-- the step that made it so. The frame is read in `frames.rs`.
local function census(word, count, user, name)
  local body = string.format('%.0f', count) .. '\0' .. user .. '\0' .. name
  return word .. ' ' .. #body .. '\n' .. body
end

