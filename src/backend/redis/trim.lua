-- What scripts share. An entry of a stream is {'t', <ms>, 'd', <payload>}; the field `b` of `meta` holds the bytes of
-- all payloads.

-- Entries that one call takes off a stream: Redis does nothing else meanwhile. As many as a commit of the journal.
local TRIM_MAX = 256

local function now_ms()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- Takes the oldest entries off a stream until count, bytes and age are within bounds, at most TRIM_MAX.
local function trim(stream, meta, now, size, bytes_max, age_ms)
  local count = redis.call('XLEN', stream)
  local bytes = tonumber(redis.call('HGET', meta, 'b') or '0')
  for _ = 1, math.min(count, TRIM_MAX) do
    local head = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    local fresh = now < tonumber(head[2][2]) + age_ms
    if fresh and count <= size and bytes <= bytes_max then
      break
    end
    redis.call('XDEL', stream, head[1])
    count = count - 1
    bytes = bytes - #head[2][4]
  end
  -- An empty stream holds nothing, whatever was counted while it expired.
  if count == 0 then
    bytes = 0
  end
  redis.call('HSET', meta, 'b', string.format('%.0f', bytes))
end

local function append(stream, meta, id, now, payload)
  if redis.call('XLEN', stream) == 0 then
    redis.call('HSET', meta, 'b', '0')
  end
  redis.call('XADD', stream, id, 't', string.format('%.0f', now), 'd', payload)
  redis.call('HINCRBY', meta, 'b', #payload)
end

-- The epoch of a channel; a new one, and an empty stream, where there is none.
local function epoch_of(log, meta, made)
  local epoch = redis.call('HGET', meta, 'e')
  if not epoch then
    epoch = made
    -- First what a full Redis refuses: once a script has written, Redis lets it go on.
    redis.call('HSET', meta, 'e', epoch, 'o', '0', 'b', '0')
    redis.call('DEL', log)
  end
  return epoch
end

-- A record that is kept as '<expires ms or nothing> <written ms>\n<value>': nothing, if it is over or not there.
local function read_record(kept, now)
  if not kept then
    return nil
  end
  local expires, at, value = string.match(kept, '^(%d*) (%d+)\n(.*)$')
  if not value or (expires ~= '' and tonumber(expires) <= now) then
    return nil
  end
  return expires, tonumber(at), value
end

-- Where a publication stands, as its message says it: its offset, and behind the first one of a stream its epoch, by which
-- readers of another life of the stream learn that theirs is over.
local function place(offset, epoch)
  return offset == '1' and '1 ' .. epoch or offset
end

-- A page with the messages of a log behind what it has: from `oldest` on, after `since` or before it, at most `limit`; texts, ''
-- for none.
local function filled(page, log, oldest, since, limit, reverse)
  local start = string.format('%.0f-0', oldest)
  local command, from, to = 'XRANGE', start, '+'
  if reverse then
    command, from, to = 'XREVRANGE', '+', start
  end
  if since ~= '' and (reverse or oldest <= tonumber(since)) then
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
end
