-- Say whether anything is ready in some lanes, and when something will be. Changes nothing.
--
-- KEYS, for n lanes:
--   1 to n          set     incarnations that may claim
--   n + 1 to 2n     string  there if the lane is paused
--   2n + 1 to 3n    zset    scheduled messages by due time
--   3n + 1 to ...   list    ready messages: of some of the lanes, from the first one
-- ARGV: now, incarnation, n.
-- Returns {-1} if the lease was lost, else {1 or 0: ready, next due time or '', 1 or 0 for each lane: paused}.
local lanes = tonumber(ARGV[3])
local answer = {0, ''}
local next_due = nil
for lane = 1, lanes do
  if redis.call('SISMEMBER', KEYS[lane], ARGV[2]) == 0 then
    return {-1}
  end
  answer[lane + 2] = redis.call('EXISTS', KEYS[lanes + lane])
  -- Read even if the lane is paused: whoever reads a key is told of its changes.
  local first = redis.call('ZRANGE', KEYS[2 * lanes + lane], 0, 0, 'WITHSCORES')
  local list = KEYS[3 * lanes + lane]
  local filled = list and redis.call('EXISTS', list) == 1
  if answer[lane + 2] == 0 then
    if filled then
      answer[1] = 1
    end
    if first[2] and (not next_due or tonumber(first[2]) < next_due) then
      next_due = tonumber(first[2])
      answer[2] = first[2]
    end
  end
end
if next_due and next_due <= tonumber(ARGV[1]) then
  answer[1] = 1
end
return answer
