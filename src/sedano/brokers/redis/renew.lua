-- Say that a node lives.
--
-- KEYS: 1 hash the node, 2 zset all nodes by the end of their lease.
-- ARGV: incarnation, now, end of the lease, tags of what it is running in JSON.
-- Returns 0 if others took it for dead.
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'doomed') == 1 then
  return 0
end
redis.call('HSET', KEYS[1], 'renewed_at', ARGV[2], 'expires_at', ARGV[3], 'running', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return 1
