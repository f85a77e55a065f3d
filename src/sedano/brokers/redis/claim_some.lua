-- Claim ready messages of some tasks only, passing the others over.
--
-- KEYS, eight for each lane: as in claim.lua; touched are 1 (list), 2 (hash), 3 (zset), read are 6 (set) and
-- 8 (string).
-- ARGV: now, limit, first tag, incarnation, the names of the tasks in MessagePack.
-- Returns how many of each lane ..., the messages ....
--
-- A task's name is taken from the first "task" of the message's JSON, which is that of its headers: bodies are
-- in Base64. Names that JSON writes with a backslash are not found.
local now, limit, tag = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local lanes = #KEYS / 8
-- How deep to look into each list, and how much JSON: other clients wait meanwhile.
local DEPTH, MOST_BYTES = 1000, 4000000
local wanted = {}
for _, task in ipairs(cmsgpack.unpack(ARGV[5])) do
  wanted[task] = true
end

local function is_wanted(message)
  local _, after = string.find(message, '"task":', 1, true)
  local task = after and string.match(message, '^ ?"([^"\\]+)"', after + 1)
  return task and wanted[task]
end

local answer, messages = {}, {}
for lane = 0, lanes - 1 do
  local list, held, due = KEYS[lane * 8 + 1], KEYS[lane * 8 + 2], KEYS[lane * 8 + 3]
  local count = 0
  if limit > 0 and redis.call('EXISTS', KEYS[lane * 8 + 8]) == 0
    and redis.call('SISMEMBER', KEYS[lane * 8 + 6], ARGV[4]) == 1 then
    promote(list, due, ARGV[1])
    local seen = 0
    for start = -100, -DEPTH, -100 do
      local listed = redis.call('LRANGE', list, start, start + 99)
      for index = #listed, 1, -1 do
        local message = listed[index]
        seen = seen + #message
        local due_at, bare = due_time(message)
        if limit > 0 and tonumber(due_at or 0) <= now and is_wanted(message) then
          if due_at then
            bare = stamp(bare, 0, nil, due_at)
          end
          redis.call('HSET', held, string.format('%d', tag), bare)
          redis.call('LREM', list, -1, message)
          messages[#messages + 1] = bare
          tag, limit, count = tag + 1, limit - 1, count + 1
        end
      end
      -- What was taken out has moved the rest.
      if limit == 0 or seen > MOST_BYTES or #listed < 100 then
        break
      end
    end
  end
  answer[lane + 1] = count
end
for index = 1, #messages do
  answer[#answer + 1] = messages[index]
end
return answer
