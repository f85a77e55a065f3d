-- Change the state of one entry of the schedule, if it is in the state that was expected.
--
-- KEYS: 1 hash of entries -> state, 2 string: how often entries were changed.
-- ARGV: entry, the state it is in, the state it gets, 1 to count this as a change or 0.
-- Returns 1 if it was in that state, else 0.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] == '1' then
  redis.call('INCR', KEYS[2])
end
return 1
