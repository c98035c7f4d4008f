-- Moves delayed jobs that are due into the stream, and now and then drops buried ones that are past their time.
-- KEYS: retry, acks, dead. ARGV: how long buried jobs are kept (s), '' = not looked at this time.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', clock(), 'LIMIT', 0, 100)
for _, member in ipairs(due) do
	local payload, mac, tries, why = read_delayed(member)
	if payload then
		redis.call('XADD', KEYS[2], '*', 'payload', payload, 'mac', mac, 'tries', tries, 'why', why)
	end
	redis.call('ZREM', KEYS[1], member)
end
-- Exact, for a buried job carries an address, and '~' would keep up to a hundred of them for ever.
if ARGV[1] ~= '' then
	redis.pcall('XTRIM', KEYS[3], 'MINID', string.format('%d', (clock() - tonumber(ARGV[1])) * 1000))
end
return #due
