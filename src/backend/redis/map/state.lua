-- A page of a map's state: epoch, offset, cursor, values.
-- KEYS: a map's. ARGV: new epoch, ttl of what a reader makes ms, ttl of meta ms or '', cursor, limit, bytes or '', key or ''.
local is_new = redis.call('EXISTS', meta) == 0
local epoch = life(ARGV[1], ARGV[2])
if not is_new and ARGV[3] ~= '' and redis.call('PTTL', meta) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', meta, ARGV[3])
end
local page = {epoch, redis.call('HGET', meta, 'o'), ''}
if ARGV[7] ~= '' then
  page[4] = redis.call('HGET', values, ARGV[7]) or nil
  return page
end
local limit, bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
if limit == 0 then
  return page
end
local from = ARGV[4] == '' and '-' or '(' .. ARGV[4]
local held, last = 0, nil
for _, key in ipairs(redis.call('ZRANGEBYLEX', order, from, '+', 'LIMIT', 0, limit + 1)) do
  local value = redis.call('HGET', values, key)
  if value then
    held = held + #value
    if #page - 3 == limit or (bytes and bytes < held and last) then
      page[3] = last
      break
    end
    page[#page + 1] = value
    last = key
  end
end
return page
