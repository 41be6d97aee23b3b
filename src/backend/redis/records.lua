-- The records of a kind that are not over: key, value, key, value.
-- KEYS: hash.
local now = now_ms()
local all = redis.call('HGETALL', KEYS[1])
local found = {}
for at = 1, #all, 2 do
  local _, _, value = read_record(all[at + 1], now)
  if value then
    found[#found + 1] = all[at]
    found[#found + 1] = value
  end
end
return found
