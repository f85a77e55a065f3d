-- Give back what was claimed by a call whose answer was lost.
--
-- KEYS, eight for each lane: as in claim.lua; touched are 1 (list) and 2 (hash).
-- ARGV: first tag, last tag.
-- Returns how many.
local given_back = 0
for lane = 0, #KEYS / 8 - 1 do
  local held = KEYS[lane * 8 + 2]
  for tag = tonumber(ARGV[2]), tonumber(ARGV[1]), -1 do
    local field = string.format('%d', tag)
    local message = redis.call('HGET', held, field)
    if message then
      redis.call('RPUSH', KEYS[lane * 8 + 1], message)
      redis.call('HDEL', held, field)
      given_back = given_back + 1
    end
  end
end
return given_back
