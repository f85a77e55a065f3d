-- Note a message as held that this incarnation was given while it was blocked, or put it among the scheduled
-- ones if it may not run yet. Does nothing a second time.
--
-- KEYS, eight for the lane: as in claim.lua; touched are 2 (hash), 3 (zset) and 7 (list).
-- ARGV: the tag it gets, the time before which it may not run or ''.
-- Returns 0 if it is gone: others took this incarnation for dead.
local held, inbox = KEYS[2], KEYS[7]
if redis.call('HEXISTS', held, ARGV[1]) == 1 then
  return 1
end
local message = redis.call('LINDEX', inbox, -1)
if not message then
  return 0
end
local due_at
due_at, message = due_time(message)
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[3], ARGV[2], message)
  redis.call('RPOP', inbox)
  return 1
end
if due_at then
  message = stamp(message, 0, nil, due_at)
end
redis.call('HSET', held, ARGV[1], message)
redis.call('RPOP', inbox)
return 1
