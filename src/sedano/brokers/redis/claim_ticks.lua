-- Claim ticks of the schedule, each with the publication of its message.
--
-- KEYS: 1 hash of entries -> state, then for each tick the list its message goes to, or the first key again if it
-- has none.
-- ARGV: now, then for each tick: entry, since, due, message ('' if it is left out).
-- A state is 'since last-run runs paused', with '-' for an entry that has not run; times are POSIX seconds, compared
-- as they are written.
-- Returns for each tick 1 if it was claimed, else 0.
local claimed = {}
for index = 0, #KEYS - 2 do
  local entry, since, due, message = unpack(ARGV, 2 + index * 4, 5 + index * 4)
  local state = redis.call('HGET', KEYS[1], entry)
  claimed[index + 1] = 0
  if state then
    local at, last, runs, paused = string.match(state, '^(%S+) (%S+) (%d+) (%d)$')
    if at == since and paused == '0' then
      if message ~= '' then
        -- First: when memory is full, writing fails, and nothing has been claimed.
        redis.call('LPUSH', KEYS[2 + index], message)
        last, runs = ARGV[1], string.format('%d', runs + 1)
      end
      redis.call('HSET', KEYS[1], entry, table.concat({due, last, runs, '0'}, ' '))
      claimed[index + 1] = 1
    end
  end
end
return claimed
