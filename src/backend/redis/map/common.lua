-- What scripts of a map share. KEYS of a map: values, order, ends, versions, log, meta, and those
-- maps of the same place in which keys end.
-- A value is '<what is told of its removal>\n<message>'; `order` has the keys, all with the score 0; `meta` has the epoch `e`,
-- the offset `o`, bytes of the log `b` and of the values `s`, and how the map is kept `x`: '<1 if ephemeral> <size> <bytes> <ttl>'.
local values, order, ends, versions, log, meta, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]

local function whole(number)
  return string.format('%.0f', number)
end

-- The epoch of a map; a new one, and nothing in it, where there is none. It lives for `ttl` ms, until something is put.
local function life(made, ttl)
  local epoch = redis.call('HGET', meta, 'e')
  if not epoch then
    epoch = made
    -- First what a full Redis refuses: once a script has written, Redis lets it go on.
    redis.call('HSET', meta, 'e', epoch, 'o', '0', 'b', '0', 's', '0')
    redis.call('PEXPIRE', meta, ttl)
    redis.call('DEL', values, order, ends, versions, log)
  end
  return epoch
end

-- Gives a change its offset, keeps and announces it.
local function tell(topic, head, epoch, now, before, body)
  local ephemeral, size, bytes, ttl = string.match(redis.call('HGET', meta, 'x') or '', '^(1?) (%d+) (%d+) (%d+)$')
  local offset = '0'
  if ephemeral == '' then
    offset = whole(redis.call('HINCRBY', meta, 'o', 1))
  end
  local message = head .. offset .. ' ' .. before .. ' ' .. whole(now) .. ' ' .. epoch .. '\n' .. body
  if ephemeral == '' then
    append(log, meta, offset .. '-0', now, message)
    trim(log, meta, now, tonumber(size), tonumber(bytes), tonumber(ttl))
    redis.call('PEXPIRE', log, ttl)
  end
  redis.call('SPUBLISH', topic, message)
  return offset, message
end

-- Takes a key out; returns the offset.
local function take(topic, head, epoch, now, key, value)
  local offset = tell(topic, head, epoch, now, '0', string.match(value, '^[^\n]*'))
  redis.call('HDEL', values, key)
  redis.call('ZREM', order, key)
  redis.call('ZREM', ends, key)
  redis.call('HDEL', versions, key)
  redis.call('HINCRBY', meta, 's', -#value)
  return offset
end

-- Where a change of this name stands, if it is known in this life of the map.
local function known_at(name, epoch)
  local known = name and redis.call('GET', name)
  if known and string.sub(known, 1, #epoch + 1) == epoch .. ' ' then
    return string.sub(known, #epoch + 2)
  end
end
