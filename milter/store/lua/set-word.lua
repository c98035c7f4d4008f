-- Sets the flip key, runs the transition, then sets texts. ARGV from FIRST: word, then '?TIME' where the word is only to be
-- set while the state has not changed since then (milliseconds, 0 = there is none) and nobody has flipped, then field, value,
-- ...; an empty value deletes. Returns what the transition did, or { 'moved' }. Where nothing is on afterwards they are dropped:
-- they speak of what is over, and the next incident would take them for its own.
local keys, site = incident_arguments()
local word, first = ARGV[FIRST], FIRST + 1
local unmoved = tonumber(string.match(ARGV[first] or '', '^%?(%d+)$'))

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

if unmoved then
	first = first + 1
	local flip = read_flip(keys, site)
	local state = read_state(keys.state, site.name, clock()) or new_state()
	if flip ~= 'none' and flip ~= 'resolved' or state.changed ~= unmoved then
		return { 'moved' }
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
if #ARGV >= first and state.word ~= 'none' then
	make_room(state, keys, site)
	set_texts(state, keys, site, first)
end
return answer
