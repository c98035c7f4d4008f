-- Sets texts of one incident. ARGV from FIRST: field, value, ...; an empty value deletes. While nothing is on, they are
-- prepared for the next incident, so those of the last one are put away first.
local keys, site = incident_arguments()
local state, wrong = read_state(keys.state, site.name, clock())
if wrong == 'type' then
	return redis.error_reply('WRONGTYPE ' .. keys.state .. ' is not a hash: remove it with DEL')
end
if wrong == 'damaged' then
	return redis.error_reply('WRONGTYPE ' .. keys.state .. ' is no state that can be read: say the word again first')
end
state = state or new_state()
redis.call('HLEN', keys.texts)
make_room(state, keys, site)
set_texts(state, keys, site, FIRST)
return 1
