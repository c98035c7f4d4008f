-- Sets texts of one incident. ARGV from 6: field, value, ...; an empty value deletes. While nothing is on, they are
-- prepared for the next incident, so those of the last one are put away first.
local state = read_state(keys.state)
if not state then
	return redis.error_reply('WRONGTYPE ' .. keys.state .. ' is not a hash')
end
redis.call('HLEN', keys.texts)
make_room(state, keys, site)
set_texts(state, keys, site, 6)
return 1
