-- Moves delayed jobs that are due into the stream. KEYS: retry, acks.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', clock(), 'LIMIT', 0, 100)
for _, member in ipairs(due) do
	local ok, job = pcall(cjson.decode, member)
	if ok and type(job) == 'table' and type(job[1]) == 'string' and type(job[2]) == 'string' then
		redis.call('XADD', KEYS[2], '*', 'payload', job[1], 'mac', job[2],
			'tries', tostring(job[3] or 0), 'why', tostring(job[4] or ''))
	end
	redis.call('ZREM', KEYS[1], member)
end
return #due
