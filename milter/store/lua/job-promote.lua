-- Sets the mark of kind resolved for a job of kind active. ARGV: prefix, payload, hash, mark's life. Returns 1 where
-- it is ours.
local job = cjson.decode(ARGV[2])
local key = ARGV[1] .. 'acked:' .. job.id .. ':resolved:' .. ARGV[3]
if redis.call('SET', key, job.token .. ' ' .. string.format('%d', clock()), 'NX', 'EX', ARGV[4]) then
	return 1
end
return string.match(redis.call('GET', key), '^%S+') == job.token and 1 or 0
