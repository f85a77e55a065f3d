-- Be the one to publish messages of the schedule that were claimed, and have not been published.
--
-- KEYS: 1 list of such messages.
-- ARGV: for each: the message as it is in the list, the message as it is to be.
-- Returns for each 1 if it was there, else 0.
local taken = {}
for index = 1, #ARGV, 2 do
  local found = redis.call('LREM', KEYS[1], -1, ARGV[index])
  if found == 1 then
    redis.call('LPUSH', KEYS[1], ARGV[index + 1])
  end
  taken[#taken + 1] = found
end
return taken
