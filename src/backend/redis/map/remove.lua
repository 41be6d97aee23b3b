-- Takes a key out. Returns reason or '', epoch, offset.
-- KEYS: a map's, then the remover's name of the change, if it has one.
-- ARGV: topic, head, key, new epoch, ttl of what a reader makes ms, ttl of the name ms.
local now = now_ms()
local epoch = life(ARGV[4], ARGV[5])
local known = known_at(KEYS[8], epoch)
if known then
  return {'idempotency', epoch, known}
end
local value = redis.call('HGET', values, ARGV[3])
if not value then
  return {'key_not_found', epoch, redis.call('HGET', meta, 'o')}
end
local offset = take(ARGV[1], ARGV[2], epoch, now, ARGV[3], value)
if KEYS[8] then
  redis.call('SET', KEYS[8], epoch .. ' ' .. offset, 'PX', ARGV[6])
end
return {'', epoch, offset}
