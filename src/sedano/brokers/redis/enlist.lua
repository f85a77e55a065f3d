-- Let a node claim from further queues: noted with the node first, so that whoever takes over knows.
--
-- KEYS: 1 hash the node, then one set for each lane: incarnations that may claim.
-- ARGV: incarnation, all queues of the node in JSON.
-- Returns 0 if others took it for dead.
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'doomed') == 1 then
  return 0
end
redis.call('HSET', KEYS[1], 'queues', ARGV[2])
for lane = 2, #KEYS do
  redis.call('SADD', KEYS[lane], ARGV[1])
end
return 1
