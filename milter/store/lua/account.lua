-- Puts or removes one account. KEYS: accounts, events. ARGV: key, by, JSON ('' = remove). Returns 1 where it was there.
if ARGV[3] == '' then
	local found = redis.call('HDEL', KEYS[1], ARGV[1])
	if found == 1 then
		add_event(KEYS[2], 'account-removed', '', ARGV[2], ARGV[1], '')
	end
	return found
end
local new = redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
add_event(KEYS[2], 'account', '', ARGV[2], ARGV[1], '')
return 1 - new
