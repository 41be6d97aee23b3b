-- Gives a publication its offset, keeps it, and announces it.
-- KEYS: log, meta. ARGV: topic, head, body, new epoch, size, bytes, ttl ms, ttl of meta ms.
local log, meta = KEYS[1], KEYS[2]
local now = now_ms()
local epoch = epoch_of(log, meta, ARGV[4])
local offset = string.format('%.0f', redis.call('HINCRBY', meta, 'o', 1))
local message = ARGV[2] .. place(offset, epoch) .. '\n' .. ARGV[3]
append(log, meta, offset .. '-0', now, message)
trim(log, meta, now, tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]))
redis.call('PEXPIRE', log, ARGV[7])
redis.call('PEXPIRE', meta, ARGV[8])
redis.call('SPUBLISH', ARGV[1], message)
return {epoch, offset}
