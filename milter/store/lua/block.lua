-- Keeps letters from an address whose mail came back, or lets them go again. KEYS: bounced, events, statistics of all.
-- ARGV: hash, by, seconds ('' = let go), why. Returns 1 where it was blocked before.
if ARGV[3] == '' then
	local found = redis.call('DEL', KEYS[1])
	if found == 1 then
		add_event(KEYS[2], 'unblocked', ARGV[1], ARGV[2], '', '')
	end
	return found
end
local before = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[4], 'EX', ARGV[3])
redis.pcall('HINCRBY', KEYS[3], 'bounced', 1)
add_event(KEYS[2], 'bounced', ARGV[1], ARGV[2], ARGV[4], '')
return before
