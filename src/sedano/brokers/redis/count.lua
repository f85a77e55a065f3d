-- Say how many messages of a lane a claim may bring. Changes nothing.
--
-- KEYS, eight for the lane: as in claim.lua; read are 1 (list), 3 (zset), 6 (set) and 8 (string).
-- ARGV: now, incarnation.
-- Returns -1 if the lease was lost.
if redis.call('SISMEMBER', KEYS[6], ARGV[2]) == 0 then
  return -1
end
if redis.call('EXISTS', KEYS[8]) == 1 then
  return 0
end
return redis.call('LLEN', KEYS[1]) + redis.call('ZCOUNT', KEYS[3], '-inf', ARGV[1])
