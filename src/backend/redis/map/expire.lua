-- Takes out keys whose time is over, some at a time, and notes when the next one ends.
-- KEYS: a map's. ARGV: topic, head, most keys, channel.
local now = now_ms()
local epoch = redis.call('HGET', meta, 'e')
if not epoch then
  redis.call('DEL', values, order, ends, versions, log)
end
for _, key in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', whole(now), 'LIMIT', 0, ARGV[3])) do
  local value = redis.call('HGET', values, key)
  if value then
    take(ARGV[1], ARGV[2], epoch, now, key, value)
  else
    redis.call('ZREM', ends, key)
  end
end
local next = redis.call('ZRANGE', ends, 0, 0, 'WITHSCORES')[2]
if next then
  redis.call('ZADD', due, next, ARGV[4])
else
  redis.call('ZREM', due, ARGV[4])
end
return 0
