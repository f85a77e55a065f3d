-- Part of other scripts. Counts the members of chords as Celery 5.7 does, so that workers of both complete one
-- together.
--
-- Keys of a chord, all of one slot; <group> is celery-taskset-meta-<id>:
--   <group>     string   the group, where it was saved
--   <group>.j   zset     what the members ended with, by their index; a list if `result_chord_ordered` is off
--   <group>.t   string   how many members it has more than it was begun with
--   <group>.s   string   how many members it was begun with
--   <group>.d   set      the members that were counted: <task id>:<index>; what it was extended by: +<id>
--   <group>.c   string   the member that is to end it, for some seconds; 'done' once it has been ended
local ENDED = 'done'
-- Seconds. As Celery's for the default of `result_chord_join_timeout`.
local CLAIM, ENDING, KEPT_ENDED = 6, 3600, 300
-- Milliseconds. Of extensions that come before anything says how long the chord is kept.
local ONE_DAY = 86400000

local function has_part(group, member)
  return redis.call('GET', group .. '.c') ~= ENDED and redis.call('SISMEMBER', group .. '.d', member) == 1
end

-- by: what it is extended by, which counts once; '' counts each time. Noted among the members, where no id begins
-- with a plus.
local function extend_chord(group, members, by)
  if redis.call('GET', group .. '.c') == ENDED then
    return
  end
  if by ~= '' and redis.call('SADD', group .. '.d', '+' .. by) == 0 then
    return
  end
  redis.call('INCRBY', group .. '.t', members)
  local left = redis.call('PTTL', group .. '.s')
  left = left == -2 and redis.call('PTTL', group .. '.j') or left
  left = left == -2 and ONE_DAY or left
  for _, key in ipairs({group .. '.t', group .. '.d'}) do
    if left > 0 and redis.call('PTTL', key) == -1 then
      redis.call('PEXPIRE', key, left)
    end
  end
end

-- Whether the parts are a sorted set: as whoever counted the first has begun it.
local function are_ordered(parts, ordered)
  local kind = redis.call('TYPE', parts).ok
  if kind == 'none' then
    return ordered
  end
  return kind == 'zset'
end

local function keep_part(parts, score, ordered, document)
  if not ordered then
    redis.call('RPUSH', parts, document)
    return
  end
  -- Of equal documents a sorted set would keep one. To JSON a space more is nothing. With the score that it has
  -- already it is this member's, counted by a Celery that keeps no set of members.
  while redis.call('ZADD', parts, 'NX', score, document) == 0
    and tonumber(redis.call('ZSCORE', parts, document)) ~= tonumber(score) do
    document = document .. ' '
  end
end

local function keep_chord_for(group, milliseconds)
  for _, suffix in ipairs({'.j', '.t', '.s', '.d'}) do
    redis.call('PEXPIRE', group .. suffix, milliseconds)
  end
  -- Users read a saved group: it is never kept for less than it was.
  local left = redis.call('PTTL', group)
  if left >= 0 and left < milliseconds then
    redis.call('PEXPIRE', group, milliseconds)
  end
end

-- Count a member; whether it has completed its chord.
--
-- document: what it ended with, or '' if that was told before. score: its place among the parts. ordered: 1 if
-- they are to be kept by it, or 0. milliseconds: how long the chord is kept from now on (0: as long as it is).
local function add_part(group, document, member, score, ordered, milliseconds)
  local parts, claim = group .. '.j', group .. '.c'
  local ending = redis.call('GET', claim)
  if ending == ENDED then
    return false
  end
  local by_score = are_ordered(parts, tonumber(ordered) == 1)
  if document ~= '' and redis.call('SISMEMBER', group .. '.d', member) == 0 then
    keep_part(parts, score, by_score, document)
    redis.call('SADD', group .. '.d', member)
  end
  if tonumber(milliseconds) > 0 then
    keep_chord_for(group, tonumber(milliseconds))
  end
  local size = redis.call('GET', group .. '.s')
  if not size or (ending and ending ~= member) then
    return false
  end
  local count = redis.call(by_score and 'ZCARD' or 'LLEN', parts)
  if count < tonumber(size) + tonumber(redis.call('GET', group .. '.t') or 0) then
    return false
  end
  redis.call('SET', claim, member, 'EX', CLAIM)
  return true
end

-- Whether a chord is this member's to end: it has completed it, and nobody else has since.
local function is_to_end(group, member)
  local ending = redis.call('GET', group .. '.c')
  if ending then
    return ending == member
  end
  return redis.call('EXISTS', group .. '.s') == 1
end

local function end_chord(group)
  -- In this order a server whose memory is full takes it as well: what has written once may go on.
  redis.call('DEL', group .. '.j', group .. '.t', group .. '.s', group .. '.d')
  redis.call('SET', group .. '.c', ENDED, 'EX', KEPT_ENDED)
end
