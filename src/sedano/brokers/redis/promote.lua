-- Part of other scripts. Makes scheduled messages ready whose time has come: they go to the front of the list,
-- the one that was due first foremost. Touches the keys that it is given: a list and a zset.
local function promote(list, due, now)
  local ripe = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1000)
  for index = #ripe - 1, 1, -2 do
    redis.call('RPUSH', list, stamp(ripe[index], 0, nil, ripe[index + 1]))
    redis.call('ZREM', due, ripe[index])
  end
end
