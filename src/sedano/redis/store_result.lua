-- Part of other scripts. Stores one result and tells those who wait for it, unless a SUCCESS is there.
--
-- The result is {key, document, milliseconds it is kept (0: for good), state: '' where the document tells it}.
-- Keys, all of one slot:
--   <key>                    string   the document; its changes are published in the channel of the same name
--   <key>:success:{<key>}    string   lives as long as a SUCCESS whose document does not say so in a form that is
--                                     known here (that of a serializer of the user's own)

local function success_mark(key)
  return key .. ':success:{' .. key .. '}'
end

-- Whether a document is a SUCCESS; nil if it is in no known form. `whole` gives all of the document.
local function is_success(head, whole)
  local _, status_ends = string.find(head, 'status', 1, true)
  if status_ends and status_ends < 24 then
    -- JSON, pickle, msgpack. The state is Celery's first field: only a few bytes stand between it and its name,
    -- fewer than any other state and the name of the next field would take.
    local after = string.sub(head, status_ends + 1, status_ends + 14)
    local from, to = string.find(after, 'SUCCESS', 1, true)
    return from ~= nil and not string.find(string.sub(head, status_ends + to + 1), '^[%u_]')
  end
  local document = whole()
  if string.sub(document, 1, 1) == '{' then
    -- The JSON of another encoder, that puts the fields in another order.
    local readable, fields = pcall(cjson.decode, document)
    if readable and fields['status'] then
      return fields['status'] == 'SUCCESS'
    end
  end
  -- YAML, whose fields are sorted.
  local state = string.match('\n' .. document, '\nstatus: ([^\n]+)')
  return state and state == 'SUCCESS'
end

local function holds_success(key)
  local head = redis.call('GETRANGE', key, 0, 63)
  if head == '' then
    return false
  end
  local success = is_success(head, function() return redis.call('GET', key) end)
  if success == nil then
    return redis.call('EXISTS', success_mark(key)) == 1
  end
  return success
end

local function set_until(key, milliseconds, value, ...)
  if milliseconds == 0 then
    return redis.call('SET', key, value, ...)
  end
  return redis.call('SET', key, value, 'PX', milliseconds, ...)
end

local function store_result(result)
  local key, document, milliseconds, state = result[1], result[2], tonumber(result[3]), result[4]
  -- Mostly nothing is there, and one command does all.
  if state ~= '' or not set_until(key, milliseconds, document, 'NX') then
    if holds_success(key) then
      return
    end
    set_until(key, milliseconds, document)
  end
  if state == 'SUCCESS' then
    set_until(success_mark(key), milliseconds, '1')
  elseif state ~= '' then
    redis.call('DEL', success_mark(key))
  end
  redis.call('PUBLISH', key, document)
end
