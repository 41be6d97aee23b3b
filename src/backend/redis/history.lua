-- A part of a channel's history: epoch, offset, messages in the order asked for.
-- KEYS: log, meta. ARGV: new epoch, size, bytes, ttl ms, ttl of meta ms, since or '', limit or '', reverse or ''.
local log, meta = KEYS[1], KEYS[2]
local now = now_ms()
local epoch = epoch_of(log, meta, ARGV[1])
redis.call('PEXPIRE', meta, ARGV[5])
trim(log, meta, now, tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))
local page = {epoch, redis.call('HGET', meta, 'o')}
local since, limit, reverse = ARGV[6], ARGV[7], ARGV[8] ~= ''
-- Redis takes neither a count of 0 nor a range that ends before 0-0.
if limit == '0' or (reverse and since == '0') then
  return page
end
local command, from, to = 'XRANGE', '-', '+'
if reverse then
  command, from, to = 'XREVRANGE', '+', '-'
end
if since ~= '' then
  from = '(' .. since .. '-0'
end
local entries
if limit == '' then
  entries = redis.call(command, log, from, to)
else
  entries = redis.call(command, log, from, to, 'COUNT', limit)
end
for _, entry in ipairs(entries) do
  page[#page + 1] = entry[2][4]
end
return page
