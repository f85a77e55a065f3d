-- Note a message as held that this incarnation was given while it was blocked, or put it among the scheduled
-- ones if it may not run yet. Does nothing a second time.
--
-- KEYS, eight for the lane: as in claim.lua; touched are 2 (hash), 3 (zset) and 7 (list).
-- ARGV: the tag it gets, the time before which it may not run or '', the SHA-1 of the message.
-- By its content, as nothing else tells it from others that lie there unclaimed, if this is sent again.
-- Returns 0 if it is gone: others took this incarnation for dead.
local held, inbox = KEYS[2], KEYS[7]
if redis.call('HEXISTS', held, ARGV[1]) == 1 then
  return 1
end
local given
for _, one in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
  if redis.sha1hex(one) == ARGV[3] then
    given = one
  end
end
if not given then
  return 0
end
local due_at, message = due_time(given)
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[3], ARGV[2], message)
else
  redis.call('HSET', held, ARGV[1], due_at and stamp(message, 0, nil, due_at) or message)
end
redis.call('LREM', inbox, -1, given)
return 1
