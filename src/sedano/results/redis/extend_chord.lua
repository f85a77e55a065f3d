-- extend_chord: a chord gets more members. `chord.lua` of `sedano.redis` stands in front of it.
--
-- KEYS: the six of the chord, as in chord.lua, the group's own first.
-- ARGV: how many, and by what.
extend_chord(KEYS[1], ARGV[1], ARGV[2])
