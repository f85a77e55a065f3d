-- Carry out settlements of claims. Whatever is not held any more is lost and changes nothing: the fence.
--
-- KEYS, eight for each lane: as in claim.lua; touched are
--   1 list    where messages go back to
--   2 hash    what is held
--   3 zset    where messages go that are due later
--   4 hash    where messages are parked
--   5 hash    where dead letters go
-- and read is 6 (set). On a single server also the keys that results, follow-ups and chords name themselves.
-- ARGV: now, the settlements in MessagePack, incarnation, then documents and messages, which they name by their
-- place:
--   {'finish', lane, tag, results, follow-ups, workflow}
--   {'requeue', lane, tag, due or '', crashes, results, 1 if its task may have begun or 0}
--   {'bury', lane, tag, key, reason, crashes, results, follow-ups, workflow}
--   {'park', lane, tag, field}
--   {'record', lane, tag or '', results, follow-ups, workflow}
--   {'done', lane, tags, results}: to be removed, and the results of the first ones stored: that can be done twice
-- a result is {key, place of the document, milliseconds it is kept, state};
-- a follow-up is {list, place of the message, due zset, due or ''}; lanes count from 0;
-- a workflow, if there is one, is {extensions, parts, end}, of chords by the key of their group, as in chord.lua:
-- an extension is {chord, members, by}, a part {number, chord, place of the document, member, score, ordered,
-- milliseconds}, the end {chord, member} or {}.
-- Returns the tags of the lost ones, and the numbers of the parts that completed their chords: their messages are
-- still held.
local now = ARGV[1]
local settlements = cmsgpack.unpack(ARGV[2])
local lost, completing, returning = {}, {}, {}
-- Of each lane: the tags that are still to be removed.
local removing = {}
for lane = 0, #KEYS / 8 - 1 do
  removing[lane] = {}
end

-- Everything new is written before anything is taken away: when memory is full, the writing fails, and
-- what a script did before its failure stays done.
local function follow_up(results, publications)
  for _, result in ipairs(results) do
    store_result({result[1], ARGV[result[2]], result[3], result[4]})
  end
  for _, one in ipairs(publications) do
    if one[4] == '' then
      redis.call('LPUSH', one[1], ARGV[one[2]])
    else
      redis.call('ZADD', one[3], one[4], ARGV[one[2]])
    end
  end
end

-- What a settlement brings about. Returns whether its message is kept, as it completed a chord, and whether all but
-- that had been done before, or is not to be done: its own chord was ended by somebody else.
--
-- If the message was kept and the answer was lost, a settlement comes again: the message says so, as claims of chords
-- last for some seconds only. That the member was counted does not: so was that of a dead letter that is replayed.
local function bring_about(results, publications, workflow, message)
  if not workflow then
    follow_up(results, publications)
    return false, false
  end
  local extensions, parts, ending = workflow[1], workflow[2], workflow[3]
  local first = parts[1]
  local again = message and is_kept(message)
  if ending[1] then
    again = not is_to_end(ending[1], ending[2])
    if again and not (first and has_part(first[2], first[4])) then
      return false, again
    end
  end
  if not again then
    for _, extension in ipairs(extensions) do
      extend_chord(extension[1], extension[2], extension[3])
    end
    follow_up(results, publications)
  end
  local completes = false
  for _, part in ipairs(parts) do
    if add_part(part[2], ARGV[part[3]], unpack(part, 4)) then
      completing[#completing + 1] = part[1]
      completes = true
    end
  end
  if ending[1] and not again then
    end_chord(ending[1])
  end
  return completes, again
end

-- The message stays held: it has completed a chord, whose end is to come.
local function keep(held, tag, message)
  redis.call('HSET', held, tag, stamp(message, 0, KEPT))
end

local carry_out = {}

function carry_out.finish(one, held, message)
  if bring_about(one[4], one[5], one[6], message) then
    keep(held, one[3], message)
    return
  end
  if #one[5] > 0 or one[6] then
    -- At once: should a later one fail, this one must not follow up again.
    redis.call('HDEL', held, one[3])
  else
    table.insert(removing[one[2]], one[3])
  end
end

function carry_out.requeue(one, held, message)
  local lane, redelivered = one[2], one[7] == 1 and '1' or nil
  follow_up(one[6], {})
  if one[4] ~= '' then
    redis.call('ZADD', KEYS[lane * 8 + 3], one[4], stamp(message, one[5], redelivered, now))
    redis.call('HDEL', held, one[3])
  else
    returning[#returning + 1] = {one[3], lane, stamp(message, one[5], redelivered, now)}
  end
end

function carry_out.bury(one, held, message)
  local completes, again = bring_about(one[7], one[8], one[9], message)
  if not again then
    redis.call('HSET', KEYS[one[2] * 8 + 5], one[4], one[5] .. '\n' .. stamp(message, one[6]))
  end
  if completes then
    keep(held, one[3], message)
  else
    redis.call('HDEL', held, one[3])
  end
end

function carry_out.park(one, held, message)
  redis.call('HSET', KEYS[one[2] * 8 + 4], one[4], message)
  redis.call('HDEL', held, one[3])
end

function carry_out.record(one, held, message)
  if bring_about(one[4], one[5], one[6], message) and held then
    keep(held, one[3], message)
  end
end

-- While an incarnation may claim, what it holds is only removed by itself: nothing need be looked up.
function carry_out.done(one)
  local held, results = KEYS[one[2] * 8 + 2], one[4]
  if redis.call('SISMEMBER', KEYS[one[2] * 8 + 6], ARGV[3]) == 0 then
    for place, tag in ipairs(one[3]) do
      if redis.call('HEXISTS', held, tag) == 1 then
        follow_up({results[place]}, {})
        redis.call('HDEL', held, tag)
      else
        lost[#lost + 1] = tag
      end
    end
    return
  end
  follow_up(results, {})
  for first = 1, #one[3], 1000 do
    redis.call('HDEL', held, unpack(one[3], first, math.min(first + 999, #one[3])))
  end
end

for _, one in ipairs(settlements) do
  local kind, tag = one[1], one[3]
  if kind == 'done' then
    carry_out.done(one)
  elseif tag == '' then
    carry_out.record(one)
  else
    local held = KEYS[one[2] * 8 + 2]
    local stands
    if (kind == 'finish' or kind == 'record') and not one[6] then
      stands = redis.call('HEXISTS', held, tag) == 1
    else
      stands = redis.call('HGET', held, tag)
    end
    if stands then
      carry_out[kind](one, held, stands)
    else
      lost[#lost + 1] = tag
    end
  end
end

for lane, tags in pairs(removing) do
  for first = 1, #tags, 1000 do
    redis.call('HDEL', KEYS[lane * 8 + 2], unpack(tags, first, math.min(first + 999, #tags)))
  end
end

-- Back to the front, the one that was claimed first foremost.
table.sort(returning, function(one, other) return tonumber(one[1]) > tonumber(other[1]) end)
for _, one in ipairs(returning) do
  redis.call('RPUSH', KEYS[one[2] * 8 + 1], one[3])
  redis.call('HDEL', KEYS[one[2] * 8 + 2], one[1])
end
return {lost, completing}
