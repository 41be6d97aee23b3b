-- Appends samples for the other nodes.
-- KEYS: stream, meta. ARGV: parcel, entries, bytes, age ms, ttl ms.
local stream, meta = KEYS[1], KEYS[2]
local now = now_ms()
append(stream, meta, '*', now, ARGV[1])
trim(stream, meta, now, tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))
redis.call('PEXPIRE', stream, ARGV[5])
redis.call('PEXPIRE', meta, ARGV[5])
