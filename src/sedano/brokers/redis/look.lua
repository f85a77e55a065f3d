-- Say whether anything is ready in some lanes, and when something will be. Changes nothing.
--
-- KEYS, eight for each lane: as in claim.lua; read are 1 (list), 3 (zset), 6 (set), 7 (list), 8 (string).
-- ARGV: now, incarnation.
-- Returns {-1} if the lease was lost, else {1 or 0: ready, next due time or '', 1 or 0 for each lane: paused}.
local lanes = #KEYS / 8
local answer = {0, ''}
local next_due = nil
for lane = 0, lanes - 1 do
  if redis.call('SISMEMBER', KEYS[lane * 8 + 6], ARGV[2]) == 0 then
    return {-1}
  end
  if redis.call('EXISTS', KEYS[lane * 8 + 8]) == 1 then
    answer[lane + 3] = 1
  else
    answer[lane + 3] = 0
    if redis.call('EXISTS', KEYS[lane * 8 + 1], KEYS[lane * 8 + 7]) > 0 then
      answer[1] = 1
    end
    local first = redis.call('ZRANGE', KEYS[lane * 8 + 3], 0, 0, 'WITHSCORES')
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
