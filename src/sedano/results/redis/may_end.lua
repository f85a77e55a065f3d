-- may_end: whether a chord is still this member's to end, and so for an hour nobody else's.
-- `chord.lua` of `sedano.redis` stands in front of it.
--
-- KEYS: the six of the chord, as in chord.lua, the group's own first.
-- ARGV: the member.
if not is_to_end(KEYS[1], ARGV[1]) then
  return 0
end
local claim = KEYS[1] .. '.c'
-- The first takes no memory, of which there may be none.
if redis.call('EXPIRE', claim, ENDING) == 0 then
  redis.call('SET', claim, ARGV[1], 'EX', ENDING)
end
return 1
