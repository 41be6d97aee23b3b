-- Takes a connection off the list, and announces it if it was on it.
-- KEYS: presence. ARGV: topic, client, entry that must be there or '' for any, message or ''.
if ARGV[3] ~= '' and redis.call('HGET', KEYS[1], ARGV[2]) ~= ARGV[3] then
  return 0
end
local gone = redis.call('HDEL', KEYS[1], ARGV[2])
if gone == 1 and ARGV[4] ~= '' then
  redis.call('PUBLISH', ARGV[1], ARGV[4])
end
return gone
