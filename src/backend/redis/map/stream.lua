-- A part of what changed in a map: epoch, offset, messages in the order asked for.
-- KEYS: a map's. ARGV: new epoch, ttl of what a reader makes ms, size, bytes, ttl of the log ms, since or '', limit or '', reverse or ''.
local epoch = life(ARGV[1], ARGV[2])
trim(log, meta, now_ms(), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
local page = {epoch, redis.call('HGET', meta, 'o')}
local since, limit, reverse = ARGV[6], ARGV[7], ARGV[8] ~= ''
-- Redis takes neither a count of 0 nor a range that ends before 0-0.
if limit == '0' or (reverse and since == '0') then
  return page
end
-- A trim may have left some that do not count any more.
local oldest = math.max(tonumber(page[2]) - tonumber(ARGV[3]) + 1, 1)
return filled(page, log, oldest, since, limit, reverse)
