-- Stops or lets go all acknowledgements. KEYS: pause, events, whether the events say so (snapshot.lua). ARGV: reason ('' = resume),
-- by.
if ARGV[1] == '' then
	redis.call('DEL', KEYS[1], KEYS[3])
	add_event(KEYS[2], 'resume', '', ARGV[2], '', '')
else
	redis.call('SET', KEYS[1], ARGV[1])
	redis.call('SET', KEYS[3], '1')
	add_event(KEYS[2], 'pause', '', ARGV[2], ARGV[1], '')
end
return 1
