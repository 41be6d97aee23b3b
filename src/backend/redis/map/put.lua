-- Puts a value. Returns reason or '', epoch, offset; the reasons '!keys' and '!bytes' are limits.
-- KEYS: a map's, then the publisher's name of the change, if it has one.
-- ARGV: topic, head, body, what is told of its removal, key, new epoch, mode, version, epoch of versions, '1' if ephemeral,
--   ttl of keys ms or '', size, bytes, ttl of the log ms, ttl of meta ms or '', most keys, most bytes, '1' if delta, ttl of the name ms,
--   channel, ttl of what is made though nothing is put ms.
local topic, head, body, gone, key, made = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local mode, version, version_epoch, ephemeral, key_ttl = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local now = now_ms()
local epoch = life(made, ARGV[21])

-- What has an end may outlive it by so much, ms: the nodes take it out before.
local SLACK = 3600000

local function live_on()
  if key_ttl ~= '' then
    redis.call('ZADD', due, 'LT', whole(now + tonumber(key_ttl)), ARGV[20])
  end
  for _, name in ipairs({values, order, ends, versions}) do
    if key_ttl == '' then
      redis.call('PERSIST', name)
    else
      redis.call('PEXPIRE', name, whole(tonumber(key_ttl) + SLACK))
    end
  end
  if ARGV[15] == '' then
    redis.call('PERSIST', meta)
  else
    redis.call('PEXPIRE', meta, whole(math.max(tonumber(ARGV[15]), tonumber(key_ttl) + 2 * SLACK)))
  end
end

local function answer(reason, offset)
  return {reason, epoch, offset or redis.call('HGET', meta, 'o')}
end

-- Whether a number, written without zeros before it, is above another one; they may be larger than what Lua counts to.
local function is_above(a, b)
  return #b < #a or (#a == #b and b < a)
end

local known = known_at(KEYS[8], epoch)
if known then
  return answer('idempotency', known)
end
local before = redis.call('HGET', values, key)
local newest, of = string.match(before and redis.call('HGET', versions, key) or '', '^(%d+) (.*)$')
if ephemeral == '' and version ~= '0' and newest and not is_above(version, newest)
  and (version_epoch == '' or version_epoch == of) then
  return answer('version')
end
if before and (mode == 'new' or mode == 'renew') then
  if mode == 'renew' and key_ttl ~= '' then
    redis.call('ZADD', ends, whole(now + tonumber(key_ttl)), key)
    live_on()
  end
  return answer('key_exists')
end
if not before and mode == 'exists' then
  return answer('key_not_found')
end
local keys = redis.call('HLEN', values)
if not before and tonumber(ARGV[16]) <= keys then
  return answer('!keys')
end
if keys == 0 then
  -- They may have ended by themselves, while no node was there to take them out.
  redis.call('HSET', meta, 's', '0')
end
local held = tonumber(redis.call('HGET', meta, 's') or '0') - #(before or '')
if tonumber(ARGV[17]) < held + #gone + #body then
  return answer('!bytes')
end
redis.call('HSET', meta, 'x', ephemeral .. ' ' .. ARGV[12] .. ' ' .. ARGV[13] .. ' ' .. ARGV[14])
local at = ARGV[18] ~= '' and before and string.match(before, '^[^\n]*\n..(%d+) ') or '0'
local offset, message = tell(topic, head, epoch, now, at, body)
local value = gone .. '\n' .. message
redis.call('HSET', values, key, value)
redis.call('HINCRBY', meta, 's', #value - #(before or ''))
redis.call('ZADD', order, 0, key)
if key_ttl ~= '' then
  redis.call('ZADD', ends, whole(now + tonumber(key_ttl)), key)
else
  -- From when values of the map still ended.
  redis.call('ZREM', ends, key)
end
if version ~= '0' then
  redis.call('HSET', versions, key, version .. ' ' .. version_epoch)
end
live_on()
if KEYS[8] then
  redis.call('SET', KEYS[8], epoch .. ' ' .. offset, 'PX', ARGV[19])
end
return answer('', offset)
