-- Lists a connection as present, and announces it if it was not.
-- KEYS: presence. ARGV: topic, client, entry, ttl ms, message or ''.
local new = redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if new == 1 and ARGV[5] ~= '' then
  redis.call('PUBLISH', ARGV[1], ARGV[5])
end
return new
