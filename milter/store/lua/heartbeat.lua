-- Notes that a node lives. KEYS: nodes. ARGV: node, JSON. Value: seconds since the epoch, space, JSON. Nodes long
-- gone are dropped once there are many, so that names that never come back (containers) do not pile up.
local now = clock()
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d ', now) .. ARGV[2])
if redis.call('HLEN', KEYS[1]) > 64 then
	local list = redis.call('HGETALL', KEYS[1])
	for i = 1, #list, 2 do
		if (tonumber(string.match(list[i + 1], '^%d+')) or 0) < now - 86400 then
			redis.call('HDEL', KEYS[1], list[i])
		end
	end
end
return 1
