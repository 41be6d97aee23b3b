-- Gives a claim back, if the node still holds it.
-- KEYS: claim. ARGV: node.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 0
