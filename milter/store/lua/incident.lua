-- How an incident opens, changes and ends: design.md 4.3, the same rules as incident_transition() in C. Put in front
-- of the scripts that run it, after the prelude.
--
-- keys: flip, state, texts, events, known, updates. site: prefix, name, by, reopen (seconds), retention (seconds).

local STATE_FIELDS = { 'word', 'flip', 'id', 'declared_at', 'reopened_at', 'resolved_at', 'ended_at', 'epoch',
	'updates_after' }
local OPEN = { P1 = true, P2 = true, P3 = true }
local WORDS = { p1 = 'P1', p2 = 'P2', p3 = 'P3', resolved = 'resolved', none = 'none' }

-- Days from 1970-01-01 to a date of the Gregorian calendar. The year counts from March, so that the leap day comes
-- last.
local function days_of(year, month, day)
	if month <= 2 then
		year, month = year - 1, month + 12
	end
	return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
		+ math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function date_of(seconds)
	local days = math.floor(seconds / 86400)
	local rest = seconds - days * 86400
	local year, month = 1970 + math.floor(days / 366), 1
	while days_of(year + 1, 1, 1) <= days do
		year = year + 1
	end
	while month < 12 and days_of(year, month + 1, 1) <= days do
		month = month + 1
	end
	return year, month, days - days_of(year, month, 1) + 1,
		math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60
end

local function format_time(seconds)
	return string.format('%04d-%02d-%02dT%02d:%02d:%02dZ', date_of(seconds))
end

local function format_compact(seconds)
	return string.format('%04d%02d%02dT%02d%02d%02dZ', date_of(seconds))
end

-- Reads either form at the start of text (a time that a node wrote, or an id); nil for anything else.
local function parse_time(text)
	local y, m, d, h, min, s = string.match(text or '', '^(%d%d%d%d)%-?(%d%d)%-?(%d%d)T(%d%d):?(%d%d):?(%d%d)Z')
	if not y then
		return nil
	end
	return days_of(tonumber(y), tonumber(m), tonumber(d)) * 86400 + tonumber(h) * 3600 + tonumber(min) * 60 + tonumber(s)
end

-- The word in text (false = absent), or nil for what is none. No word needs more than a few bytes.
local function parse_word(text)
	if not text then
		return 'none'
	end
	if #text > 256 then
		return nil
	end
	text = string.lower(string.match(text, '^[ \t\r\n\v\f]*(.-)[ \t\r\n\v\f]*$'))
	return text == '' and 'none' or WORDS[text]
end

-- Returns the flip word, or nil and why it cannot be read.
local function read_flip(keys, site)
	local value
	if site.name == 'default' then
		value = redis.pcall('GET', keys.flip)
	else
		value = redis.pcall('HGET', keys.flip, site.name)
	end
	if type(value) == 'table' then
		return nil, 'type'
	end
	local word = parse_word(value)
	if not word then
		return nil, 'word', string.sub(value, 1, 64)
	end
	return word
end

-- Returns the state, times as numbers; nil where the key is no hash.
local function read_state(key)
	local values = redis.pcall('HMGET', key, unpack(STATE_FIELDS))
	if values.err then
		return nil
	end
	local state = {}
	for i, name in ipairs(STATE_FIELDS) do
		state[name] = values[i] or nil
	end
	state.word = parse_word(state.word) or 'none'
	state.flip = parse_word(state.flip) or 'none'
	state.declared_at = parse_time(state.declared_at)
	state.reopened_at = parse_time(state.reopened_at)
	state.resolved_at = parse_time(state.resolved_at)
	state.ended_at = parse_time(state.ended_at)
	state.epoch = tonumber(state.epoch) or 0
	return state
end

-- The state as strings in the order of STATE_FIELDS, '' where unset.
local function state_values(state)
	local function time(seconds)
		return seconds and format_time(seconds) or ''
	end
	return { state.word, state.flip, state.id or '', time(state.declared_at), time(state.reopened_at),
		time(state.resolved_at), time(state.ended_at), string.format('%d', state.epoch), state.updates_after or '' }
end

local function write_state(key, state)
	local set, unset = {}, {}
	for i, value in ipairs(state_values(state)) do
		if value == '' then
			unset[#unset + 1] = STATE_FIELDS[i]
		else
			set[#set + 1], set[#set + 2] = STATE_FIELDS[i], value
		end
	end
	redis.call('HSET', key, unpack(set))
	if #unset > 0 then
		redis.call('HDEL', key, unpack(unset))
	end
end

-- Texts of an earlier incident go out of the way and are kept for a while.
local function archive_texts(keys, site, id)
	local old = redis.pcall('HGET', keys.texts, 'id')
	if type(old) == 'string' and old ~= '' and old ~= id then
		local past = site.prefix .. 'past:' .. old
		redis.call('RENAME', keys.texts, past)
		redis.call('EXPIRE', past, site.retention)
	end
end

-- From here on what stands in the texts' hash belongs to incident id. A key of a wrong type is left to its owner.
local function own_texts(keys, site, id)
	archive_texts(keys, site, id)
	redis.pcall('HSET', keys.texts, 'id', id)
end

-- Before texts are set by hand: they belong to the incident that is on, or are prepared for the next one.
local function make_room(state, keys, site)
	if state.word ~= 'none' and state.id then
		own_texts(keys, site, state.id)
	else
		archive_texts(keys, site, '')
	end
end

-- Sets texts from ARGV (field, value, ...; an empty value deletes) and leaves an event.
local function set_texts(state, keys, site, first)
	local changed = {}
	for i = first, #ARGV, 2 do
		if ARGV[i + 1] == '' then
			redis.call('HDEL', keys.texts, ARGV[i])
		else
			redis.call('HSET', keys.texts, ARGV[i], ARGV[i + 1])
		end
		changed[#changed + 1] = ARGV[i]
	end
	if #changed > 0 then
		add_event(keys.events, 'texts', site.name, site.by, table.concat(changed, ' '), state.id or '')
	end
end

-- The newest entry of the feed: what was said before this incident opened or came back, even in this very second.
local function newest_update(key)
	local list = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 1)
	return not list.err and list[1] and list[1][1] or nil
end

-- Names whose incident ended long ago no longer need to be looked for.
local function prune_known(keys, site, now)
	local names = redis.pcall('SMEMBERS', keys.known)
	if names.err then
		return
	end
	for _, name in ipairs(names) do
		local state = read_state(site.prefix .. 'state:' .. name)
		if not state or (state.word == 'none' and (state.ended_at or 0) < now - 30 * 86400) then
			redis.call('SREM', keys.known, name)
		end
	end
end

local function open_incident(state, keys, site, word, now)
	local ended = state.resolved_at or state.ended_at
	state.updates_after = newest_update(keys.updates)
	if state.id and ended and math.max(0, now - ended) < site.reopen then
		state.word, state.reopened_at, state.resolved_at, state.ended_at = word, now, nil, nil
		own_texts(keys, site, state.id)
		return 'reopened'
	end
	local time = math.max(now, (parse_time(state.id) or 0) + 1)
	prune_known(keys, site, now)
	state.id = format_compact(time) .. '-' .. site.name
	state.word, state.declared_at, state.reopened_at, state.resolved_at, state.ended_at = word, now, nil, nil, nil
	own_texts(keys, site, state.id)
	return 'opened'
end

-- Applies word to state; returns the event's name, or nil.
local function apply(state, keys, site, word, now)
	local before = state.word
	state.flip = word
	if OPEN[word] then
		if not OPEN[before] then
			return open_incident(state, keys, site, word, now)
		end
		state.word = word
		return before ~= word and 'severity' or nil
	end
	if word == 'resolved' then
		if not OPEN[before] then
			return 'resolved-nothing'
		end
		state.word, state.resolved_at = 'resolved', now
		return 'resolved'
	end
	if before == 'none' then
		return nil
	end
	state.word, state.ended_at, state.epoch = 'none', now, state.epoch + 1
	return 'ended'
end

-- Re-reads the flip key and brings the state after it. Returns { 'ok', event or '', state... } or { 'unread', why,
-- value }.
local function run_transition(keys, site)
	local word, why, value = read_flip(keys, site)
	if not word then
		return { 'unread', why, value or '' }
	end
	local state = read_state(keys.state)
	if not state then
		return { 'unread', 'state', '' }
	end
	local event
	if word ~= state.flip then
		event = apply(state, keys, site, word, clock())
		write_state(keys.state, state)
		redis.pcall('SADD', keys.known, site.name)
		if event then
			local detail = word .. (state.id and ' ' .. state.id or '')
			add_event(keys.events, event, site.name, site.by, detail, state.id or '')
		end
	end
	local answer = state_values(state)
	table.insert(answer, 1, event or '')
	table.insert(answer, 1, 'ok')
	return answer
end

local keys = { flip = KEYS[1], state = KEYS[2], texts = KEYS[3], events = KEYS[4], known = KEYS[5], updates = KEYS[6] }
local site = { prefix = ARGV[1], name = ARGV[2], by = ARGV[3], reopen = tonumber(ARGV[4]), retention = tonumber(ARGV[5]) }
