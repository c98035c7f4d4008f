-- Sets the flip key, runs the transition, then sets texts. ARGV from FIRST: word, then field, value, ...; an empty value
-- deletes. Where nothing is on afterwards they are dropped: they speak of what is over, and the next incident would
-- take them for its own.
local keys, site = incident_arguments()
local word = ARGV[FIRST]

local function type_of(key)
	return redis.call('TYPE', key).ok
end

-- All that can go wrong is looked at before anything is written.
for _, key in ipairs({ keys.state, keys.texts, site.name ~= 'default' and keys.flip or keys.state }) do
	local kind = type_of(key)
	if kind ~= 'hash' and kind ~= 'none' then
		return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a hash: remove it with DEL')
	end
end

if site.name == 'default' then
	redis.call('SET', keys.flip, word)
else
	redis.call('HSET', keys.flip, site.name, word)
end
local answer = run_transition(keys, site, true)
local state = read_state(keys.state, site.name, clock()) or new_state()
if answer[2] == '' then
	add_event(keys.events, 'word', site.name, site.by, word, state.id or '')
end
if #ARGV > FIRST and state.word ~= 'none' then
	make_room(state, keys, site)
	set_texts(state, keys, site, FIRST + 1)
end
return answer
