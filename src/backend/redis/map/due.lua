-- Maps of a place in which a key ends about now. KEYS: ends. ARGV: most maps.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now_ms()), 'LIMIT', 0, ARGV[1])
