-- Take an incarnation's right to claim away, and show what it holds.
--
-- KEYS, eight for each lane: as in claim.lua; touched are 1 (list), 6 (set) and 7 (list), read is 2 (hash).
-- ARGV: incarnation.
-- Returns for each lane {tag, message, tag, message, ...}.
local answer = {}
for lane = 0, #KEYS / 8 - 1 do
  redis.call('SREM', KEYS[lane * 8 + 6], ARGV[1])
  for _, message in ipairs(redis.call('LRANGE', KEYS[lane * 8 + 7], 0, -1)) do
    redis.call('RPUSH', KEYS[lane * 8 + 1], message)
    redis.call('LPOP', KEYS[lane * 8 + 7])
  end
  answer[lane + 1] = redis.call('HGETALL', KEYS[lane * 8 + 2])
end
return answer
