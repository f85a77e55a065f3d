-- Claim up to a number of ready messages of some lanes.
--
-- KEYS, eight for each lane:
--   1 list    ready messages, served from the right
--   2 hash    what this incarnation holds: tag -> message
--   3 zset    scheduled messages by due time
--   4 hash    parked messages (not touched)
--   5 hash    dead letters (not touched)
--   6 set     incarnations that may claim
--   7 list    inbox: what this incarnation was given while it was blocked
--   8 string  there if the lane is paused
-- ARGV: now, limit, first tag, incarnation, 1 to claim what is left in the inboxes or 0, then the priority step
-- of each lane (ascending).
-- Returns {0} if the lease was lost, else {1, how many of each lane ..., the messages ...}.
local now, limit, tag, incarnation = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local lanes = #KEYS / 8

for lane = 0, lanes - 1 do
  if redis.call('SISMEMBER', KEYS[lane * 8 + 6], incarnation) == 0 then
    return {0}
  end
end

-- A script must not keep the server from others for long.
local EARLY_IN_ONE_CLAIM = 2000
local early = 0

-- How many messages of a lane may be ready, when the inbox and what is ripe have joined them.
local function count_ready(lane)
  local list, due, inbox = KEYS[lane * 8 + 1], KEYS[lane * 8 + 3], KEYS[lane * 8 + 7]
  if ARGV[5] == '1' then
    for _, message in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
      redis.call('RPUSH', list, message)
      redis.call('LPOP', inbox)
    end
  end
  if redis.call('EXISTS', KEYS[lane * 8 + 8]) == 1 then
    return 0
  end
  promote(list, due, ARGV[1])
  return redis.call('LLEN', list)
end

-- Written to the held ones before they leave the list: when memory is full, the writing fails, and
-- what a script did before its failure stays done.
local messages = {}
local function take(lane, wanted)
  local list, held, due = KEYS[lane * 8 + 1], KEYS[lane * 8 + 2], KEYS[lane * 8 + 3]
  local count = 0
  while count < wanted and early < EARLY_IN_ONE_CLAIM do
    local taken = redis.call('LRANGE', list, -math.min(wanted - count, 1000), -1)
    local fields = {}
    for index = #taken, 1, -1 do
      local due_at, message = due_time(taken[index])
      if due_at and tonumber(due_at) > now then
        redis.call('ZADD', due, due_at, message)
        early = early + 1
      else
        if due_at then
          message = stamp(message, 0, nil, due_at)
        end
        fields[#fields + 1] = string.format('%d', tag)
        fields[#fields + 1] = message
        messages[#messages + 1] = message
        tag, count = tag + 1, count + 1
      end
    end
    if #fields > 0 then
      redis.call('HSET', held, unpack(fields))
    end
    if #taken == 0 then
      break
    end
    redis.call('LTRIM', list, 0, -#taken - 1)
  end
  return count
end

local counts = {}
local lane = 0
while lane < lanes do
  -- The lanes of one step are equals: they share what room there is.
  local step, ready, sharing = ARGV[6 + lane], {}, 0
  local last = lane
  while last < lanes and ARGV[6 + last] == step do
    counts[last + 1] = 0
    ready[last] = limit > 0 and count_ready(last) or 0
    if ready[last] > 0 then
      sharing = sharing + 1
    end
    last = last + 1
  end
  local quota = {}
  while limit > 0 and sharing > 0 do
    local share = math.max(1, math.floor(limit / sharing))
    sharing = 0
    for equal = lane, last - 1 do
      local given = math.min(share, ready[equal], limit)
      quota[equal] = (quota[equal] or 0) + given
      ready[equal] = ready[equal] - given
      limit = limit - given
      if ready[equal] > 0 then
        sharing = sharing + 1
      end
    end
  end
  for equal = lane, last - 1 do
    if quota[equal] and quota[equal] > 0 then
      counts[equal + 1] = take(equal, quota[equal])
    end
  end
  lane = last
end

local answer = {1}
for index = 1, lanes do
  answer[#answer + 1] = counts[index]
end
for index = 1, #messages do
  answer[#answer + 1] = messages[index]
end
return answer
