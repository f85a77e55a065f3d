-- Declare a node dead whose lease has run out: it can renew it no more.
--
-- KEYS: 1 hash the node.
-- ARGV: now, or '' to declare it dead in any case.
-- Returns the node's fields (none if it is gone already), or nil if it lives.
if ARGV[1] ~= '' and tonumber(redis.call('HGET', KEYS[1], 'expires_at') or '0') >= tonumber(ARGV[1]) then
  return false
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'doomed', '1')
end
return redis.call('HGETALL', KEYS[1])
