-- Asks to tell of an alert: what came of it, and a number: the turn, or ms until it is worth asking again.
-- KEYS: hash of what was told, claim. ARGV: key, target, node, lease ms, settle ms.
local now = now_ms()
local _, at, value = read_record(redis.call('HGET', KEYS[1], ARGV[1]), now)
local told = value and cjson.decode(value) or {}
local target, node, settle = ARGV[2], ARGV[3], tonumber(ARGV[5])
-- What can follow what was told last; the same as in claim.rs.
local follows = {
  pending = told.state ~= 'pending' and told.state ~= 'firing',
  firing = told.state ~= 'firing',
  resolved = told.state == 'firing',
  cleared = told.state == 'pending',
}
if not follows[target] then
  return {'done', 0}
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= node then
  return {'held', math.max(redis.call('PTTL', KEYS[2]), 1)}
end
local goes_on = told.state == 'pending' and target == 'firing'
if told.state and told.node ~= node and not goes_on and now < at + settle then
  return {'settling', at + settle - now}
end
redis.call('SET', KEYS[2], node, 'PX', ARGV[4])
return {'granted', (told.turn or 0) + 1}
