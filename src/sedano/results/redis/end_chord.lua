-- end_chord: forget a chord, if it is this member's to end. `chord.lua` of `sedano.redis` stands in front of it.
--
-- KEYS: the six of the chord, as in chord.lua, the group's own first.
-- ARGV: the member.
if is_to_end(KEYS[1], ARGV[1]) then
  end_chord(KEYS[1])
end
