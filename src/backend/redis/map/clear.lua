-- Takes everything out of a map, and announces it. KEYS: a map's. ARGV: topic, message.
if redis.call('DEL', values, order, ends, versions, log, meta) ~= 0 then
  redis.call('SPUBLISH', ARGV[1], ARGV[2])
end
return 0
