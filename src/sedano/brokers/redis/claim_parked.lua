-- Claim messages that were parked, of tasks that this node knows.
--
-- KEYS, eight for each lane: as in claim.lua; touched are 2 (hash), 4 (hash), read 6 (set) and 8 (string).
-- ARGV: limit, first tag, incarnation, the names of the tasks in MessagePack.
-- Returns {how many of each lane ..., the messages ...}.
local limit, tag, incarnation = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local lanes = #KEYS / 8
local known = nil
local answer, messages = {}, {}
for lane = 0, lanes - 1 do
  local held, parked = KEYS[lane * 8 + 2], KEYS[lane * 8 + 4]
  local count = 0
  if redis.call('EXISTS', parked) == 1 and redis.call('EXISTS', KEYS[lane * 8 + 8]) == 0
    and redis.call('SISMEMBER', KEYS[lane * 8 + 6], incarnation) == 1 then
    if not known then
      known = {}
      for _, task in ipairs(cmsgpack.unpack(ARGV[4])) do
        known[task] = true
      end
    end
    local fields = redis.call('HKEYS', parked)
    table.sort(fields)
    for _, field in ipairs(fields) do
      if limit > 0 and known[string.match(field, '\n(.*)$')] then
        local message = redis.call('HGET', parked, field)
        redis.call('HSET', held, string.format('%d', tag), message)
        redis.call('HDEL', parked, field)
        messages[#messages + 1] = message
        tag, limit, count = tag + 1, limit - 1, count + 1
      end
    end
  end
  answer[lane + 1] = count
end
for index = 1, #messages do
  answer[#answer + 1] = messages[index]
end
return answer
