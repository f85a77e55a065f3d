-- Put back what an incarnation was given while it was blocked and does not want now.
--
-- KEYS, eight for each lane: as in claim.lua; touched are 1 (list) and 7 (list).
for lane = 0, #KEYS / 8 - 1 do
  for _, message in ipairs(redis.call('LRANGE', KEYS[lane * 8 + 7], 0, -1)) do
    redis.call('RPUSH', KEYS[lane * 8 + 1], message)
    redis.call('LPOP', KEYS[lane * 8 + 7])
  end
end
return 0
