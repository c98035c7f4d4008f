-- Moves delayed jobs that are due into the stream, and now and then drops buried ones that are past their time.
-- KEYS: retry, acks, dead. ARGV: how long buried jobs are kept (s), '' = not looked at this time.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', clock(), 'LIMIT', 0, 100)
for _, member in ipairs(due) do
	local ok, job = pcall(cjson.decode, member)
	if ok and type(job) == 'table' and type(job[1]) == 'string' and type(job[2]) == 'string' then
		redis.call('XADD', KEYS[2], '*', 'payload', job[1], 'mac', job[2],
			'tries', tostring(job[3] or 0), 'why', tostring(job[4] or ''))
	end
	redis.call('ZREM', KEYS[1], member)
end
-- Exact, for a buried job carries an address, and '~' would keep up to a hundred of them for ever.
if ARGV[1] ~= '' then
	redis.pcall('XTRIM', KEYS[3], 'MINID', string.format('%d', (clock() - tonumber(ARGV[1])) * 1000))
end
return #due
