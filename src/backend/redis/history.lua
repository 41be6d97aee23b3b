-- A part of a channel's history: epoch, offset, messages in the order asked for.
-- KEYS: log, meta. ARGV: new epoch, size, bytes, ttl ms, ttl of meta ms, since or '', limit or '', reverse or ''.
local log, meta = KEYS[1], KEYS[2]
local now = now_ms()
local epoch = epoch_of(log, meta, ARGV[1])
redis.call('PEXPIRE', meta, ARGV[5])
trim(log, meta, now, tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))
-- The offset of the first entry within count and age: a trim may have left some before it.
local function first(newest, size, age_ms)
  local function is_fresh(entry)
    return now < tonumber(entry[2][2]) + age_ms
  end
  local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local low, high = math.max(newest - size + 1, 1), newest + 1
  if not head or (is_fresh(head) and redis.call('XLEN', log) <= size) then
    return 1
  end
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', log, string.format('%.0f-0', middle), '+', 'COUNT', 1)[1]
    if not entry or is_fresh(entry) then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

local page = {epoch, redis.call('HGET', meta, 'o')}
local since, limit, reverse = ARGV[6], ARGV[7], ARGV[8] ~= ''
-- Redis takes neither a count of 0 nor a range that ends before 0-0.
if limit == '0' or (reverse and since == '0') then
  return page
end
local oldest = first(tonumber(page[2]), tonumber(ARGV[2]), tonumber(ARGV[4]))
return filled(page, log, oldest, since, limit, reverse)
