-- Part of other scripts. Touches no keys.
--
-- A message that has been in Sedano's hands begins with {"sedano":[crashes,redelivered,ready since, and what
-- else its publisher said. Redelivered is 0, or 1 if its task may have begun before, or KEPT. One that may not run
-- yet has the field due in front. It is changed as text: decoding and encoding it would not give back the same JSON.
local STAMP = '^{"sedano": ?%[(%d+), ?(%d+), ?([%d%.eE+-]+)()'
-- It has completed a chord, and is held until that is ended.
local KEPT = '2'

-- The message with its stamp changed: crashes are added, nil leaves a value as it is.
local function stamp(message, crashes, redelivered, since)
  local old_crashes, old_redelivered, old_since, after = string.match(message, STAMP)
  if after then
    return '{"sedano":[' .. string.format('%d', tonumber(old_crashes) + crashes) .. ','
      .. (redelivered or old_redelivered) .. ',' .. (since or old_since) .. string.sub(message, after)
  end
  if string.sub(message, 1, 1) ~= '{' then
    return message
  end
  return '{"sedano":[' .. string.format('%d', crashes) .. ',' .. (redelivered or '0') .. ','
    .. (since or '0') .. '],' .. string.sub(message, 2)
end

local function is_kept(message)
  local _, redelivered = string.match(message, STAMP)
  return redelivered == KEPT
end

-- When a message may run that begins with {"due":..., and the message without that field; nil and the message
-- if it does not.
local function due_time(message)
  if string.byte(message, 3) == 100 then
    local due, after = string.match(message, '^{"due": ?([%d%.eE+-]+), ?()')
    if tonumber(due) then
      return due, '{' .. string.sub(message, after)
    end
  end
  return nil, message
end
