-- Who may start now, of a task whose limit all nodes keep together, and when the others are to come back: as
-- sedano.brokers.turns, which says what its moments are.
--
-- KEYS: 1 hash next_start and tail, POSIX seconds; it ends when both have long passed, as they say nothing more then.
-- ARGV: now by the clock of the node (as due times), seconds from one start to the next, how many ask, how many of
-- them can start at the most, then EARLY, TOGETHER, FARTHEST, CLOCKS_AGREE and UNUSED.
-- Returns for each of them '0' if it may start, or when it is to come back.
local now, seconds, count, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local early, together = math.max(seconds / 2, tonumber(ARGV[5])), tonumber(ARGV[6])
local farthest, clocks_agree = math.max(2 * seconds, tonumber(ARGV[7])), tonumber(ARGV[8])
local unused = math.max(2 * seconds, tonumber(ARGV[9]))

local moments = redis.call('HMGET', KEYS[1], 'next_start', 'tail')
local next_start, tail = tonumber(moments[1] or 0), tonumber(moments[2] or 0)
if next_start > now + seconds + early + clocks_agree then
  next_start, tail = 0, 0
end
if now > next_start + unused or tail > now + farthest + seconds + clocks_agree then
  tail = 0
end

local turns = {}
while #turns < math.min(count, most) and now >= next_start - early do
  next_start = math.max(now, next_start) + seconds
  turns[#turns + 1] = '0'
end
tail = math.max(tail, next_start, now)
while #turns < count and tail <= now + farthest do
  local due = seconds >= together and tail or math.ceil(tail / together) * together
  turns[#turns + 1] = string.format('%.6f', due)
  tail = tail + seconds
end
local others = count - #turns
for place = 0, others - 1 do
  turns[#turns + 1] = string.format('%d', math.ceil(now + farthest * (0.5 + 0.5 * place / others)))
end

redis.call('HSET', KEYS[1], 'next_start', string.format('%.6f', next_start), 'tail', string.format('%.6f', tail))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', (math.max(next_start, tail) - now + clocks_agree) * 1000))
return turns
