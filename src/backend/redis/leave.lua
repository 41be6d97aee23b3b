-- Takes a connection off the list, and announces it if it was on it.
-- KEYS: presence, channels of the node at this place. ARGV: topic, channel, client, entry that must be there or '' for
--   any, message or '', '1' if the node has no other connection in the channel.
if ARGV[6] ~= '' then
  redis.call('SREM', KEYS[2], ARGV[2])
end
if ARGV[4] ~= '' and redis.call('HGET', KEYS[1], ARGV[3]) ~= ARGV[4] then
  return 0
end
local gone = redis.call('HDEL', KEYS[1], ARGV[3])
if gone == 1 and ARGV[5] ~= '' then
  redis.call('SPUBLISH', ARGV[1], ARGV[5])
end
return gone
