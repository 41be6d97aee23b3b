-- Lists a connection as present, and announces it if it was not, or with other facts.
-- KEYS: presence. ARGV: topic, client, entry, ttl ms, message or ''.
local before = redis.call('HGET', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if before ~= ARGV[3] and ARGV[5] ~= '' then
  redis.call('PUBLISH', ARGV[1], ARGV[5])
end
return 0
