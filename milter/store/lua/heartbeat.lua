-- Notes that a node lives. KEYS: nodes. ARGV: node, JSON. Value: seconds since the epoch, space, JSON. Nodes long
-- gone are dropped once there are many, so that names that never come back (containers) do not pile up: some at each
-- beat, for a beat must not grow with them.
local now = clock()
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d ', now) .. ARGV[2])
if redis.call('HLEN', KEYS[1]) > 64 then
	for _, node in ipairs(redis.call('HRANDFIELD', KEYS[1], 32)) do
		local at = redis.call('HSTRLEN', KEYS[1], node) <= 16384 and string.match(redis.call('HGET', KEYS[1], node), '^%d+')
		if (tonumber(at or 0) or 0) < now - 86400 then
			redis.call('HDEL', KEYS[1], node)
		end
	end
end
return 1
