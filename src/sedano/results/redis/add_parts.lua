-- add_parts: count members of chords, in their order. `chord.lua` of `sedano.redis` stands in front of it.
--
-- KEYS, six for each member: those of its chord, as in chord.lua, the group's own first.
-- ARGV, five for each: as `add_part` takes them.
-- Returns 1 for those that have completed their chord, 0 for the others.
local completed = {}
for number = 1, #KEYS / 6 do
  local group, first = KEYS[6 * number - 5], 5 * number - 4
  completed[number] = add_part(group, unpack(ARGV, first, first + 4)) and 1 or 0
end
return completed
