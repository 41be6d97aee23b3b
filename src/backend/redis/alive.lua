-- Says that a node is alive; 1 if nobody knew it.
-- KEYS: alive, nodes. ARGV: ttl ms, member.
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return redis.call('SADD', KEYS[2], ARGV[2])
