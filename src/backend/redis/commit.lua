-- Stores events and records in one step, and announces what is new: events first, then records.
-- KEYS: ends, then one hash for each kind, then log, meta, author key of each append, then the claim of each record.
-- ARGV: topic, head, size, bytes, ttl ms, ttl of meta ms, ttl of author keys ms, number of kinds, of appends, of records,
--   then the names of the kinds; then new epoch, body, '1' or '' for whether it has an author key, of each append;
--   then kind, key, value or '', expires ms or '', message, of each record.
local topic, head = ARGV[1], ARGV[2]
local size, bytes, ttl = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local kinds, appends, records = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local now = now_ms()
local key_at, arg_at = 2, 11
local hashes = {}
for _ = 1, kinds do
  hashes[ARGV[arg_at]] = KEYS[key_at]
  key_at, arg_at = key_at + 1, arg_at + 1
end
local messages, reply = {}, {}
for _ = 1, appends do
  local log, meta, author = KEYS[key_at], KEYS[key_at + 1], KEYS[key_at + 2]
  local made, body, has_key = ARGV[arg_at], ARGV[arg_at + 1], ARGV[arg_at + 2] ~= ''
  key_at, arg_at = key_at + 3, arg_at + 3
  local epoch = epoch_of(log, meta, made)
  local known = has_key and redis.call('GET', author)
  -- What another life of the stream knew is not there any more.
  if known and string.sub(known, 1, #epoch + 1) == epoch .. ' ' then
    reply[#reply + 1] = epoch
    reply[#reply + 1] = string.sub(known, #epoch + 2)
    reply[#reply + 1] = ''
  else
    local offset = string.format('%.0f', redis.call('HINCRBY', meta, 'o', 1))
    local message = head .. place(offset, epoch) .. '\n' .. body
    append(log, meta, offset .. '-0', now, message)
    trim(log, meta, now, size, bytes, ttl)
    redis.call('PEXPIRE', log, ARGV[5])
    redis.call('PEXPIRE', meta, ARGV[6])
    if has_key then
      redis.call('SET', author, epoch .. ' ' .. offset, 'PX', ARGV[7])
    end
    messages[#messages + 1] = message
    reply[#reply + 1] = epoch
    reply[#reply + 1] = offset
    reply[#reply + 1] = '1'
  end
end
for _ = 1, records do
  local claim = KEYS[key_at]
  local kind, key, value = ARGV[arg_at], ARGV[arg_at + 1], ARGV[arg_at + 2]
  local expires, message = ARGV[arg_at + 3], ARGV[arg_at + 4]
  key_at, arg_at = key_at + 1, arg_at + 5
  local hash = hashes[kind]
  local taken = true
  if kind == 'notified' and value ~= '' then
    -- A node that stalled must not take the log of what was told back.
    local _, _, before = read_record(redis.call('HGET', hash, key), now)
    taken = not before or (cjson.decode(before).turn or 0) < (cjson.decode(value).turn or 0)
  end
  if taken then
    local member = kind .. ' ' .. key
    if value == '' then
      redis.call('HDEL', hash, key)
      redis.call('ZREM', KEYS[1], member)
    else
      redis.call('HSET', hash, key, expires .. ' ' .. string.format('%.0f', now) .. '\n' .. value)
      if expires == '' then
        redis.call('ZREM', KEYS[1], member)
      else
        redis.call('ZADD', KEYS[1], expires, member)
      end
    end
    if kind == 'notified' then
      redis.call('DEL', claim)
    end
    messages[#messages + 1] = message
  end
end
if 0 < records then
  -- A few of those that are over: more than a commit adds.
  local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 64)
  for _, member in ipairs(over) do
    local space = string.find(member, ' ', 1, true)
    redis.call('HDEL', hashes[string.sub(member, 1, space - 1)], string.sub(member, space + 1))
    redis.call('ZREM', KEYS[1], member)
  end
end
for _, message in ipairs(messages) do
  redis.call('SPUBLISH', topic, message)
end
return reply
