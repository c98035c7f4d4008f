-- Notes that a node lives. KEYS: nodes, events. ARGV: node, JSON, how long events with personal data are kept (s), how long the others
-- (s). Value: seconds since the epoch, space, JSON. Nodes long
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
-- The stream of all events and that of persons carry hashes of addresses and what was said of them.
local function trim(stream, keep)
	redis.pcall('XTRIM', stream, 'MINID', '=', string.format('%d', math.max(0, now - tonumber(keep)) * 1000))
end
trim(KEYS[2], ARGV[3])
for _, kept in ipairs(KEPT_STREAMS) do
	trim(KEYS[2] .. ':' .. kept, kept == 'persons' and ARGV[3] or ARGV[4])
end
return 1
