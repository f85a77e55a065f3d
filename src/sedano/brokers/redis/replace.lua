-- Put one message in the place of another that nobody holds.
--
-- KEYS: 1 where the other lies (list, zset or hash); 2 list where the new one goes to.
-- ARGV: the new one, the command that takes the other away, what follows the key in it.
-- Returns 0 if the other is gone.
--
-- Written before anything is taken away: when memory is full, the writing fails.
redis.call('LPUSH', KEYS[2], ARGV[1])
if redis.call(ARGV[2], KEYS[1], unpack(ARGV, 3)) == 0 then
  redis.call('LREM', KEYS[2], 1, ARGV[1])
  return 0
end
return 1
