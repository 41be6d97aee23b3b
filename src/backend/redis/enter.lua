-- Lists a connection as present, and announces it if it was not, or with other facts.
-- KEYS: presence, channels of the node at this place. ARGV: topic, channel, client, entry, ttl ms, message or ''.
redis.call('SADD', KEYS[2], ARGV[2])
local before = redis.call('HGET', KEYS[1], ARGV[3])
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if before ~= ARGV[4] and ARGV[6] ~= '' then
  redis.call('SPUBLISH', ARGV[1], ARGV[6])
end
return 0
