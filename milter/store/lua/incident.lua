-- How an incident opens, changes and ends: doc/contract.md 4, the same rules as incident_transition() in C. Put in front
-- of the scripts that run it, after the prelude.
--
-- keys, in the order of KEYS: flip, state, texts, events, known, updates.
-- site, in the order of ARGV: prefix, name, by, reopen (seconds), retention (seconds), hint (the state as the asking node
-- last knew it, '' where it knows none, in the order of STATE_FIELDS), hint_age (seconds since it knew it to be true). A
-- script's own arguments begin at FIRST.

local STATE_FIELDS = { 'word', 'flip', 'id', 'declared_at', 'reopened_at', 'resolved_at', 'ended_at', 'epoch',
	'updates_after', 'changed_at' }
local FIRST = 7 + #STATE_FIELDS
local AHEAD = 3600 -- seconds: no clock that is only a little wrong leads by more
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
		value = read_string(keys.flip, 256)
	else
		local values = read_fields(keys.flip, { site.name }, 256)
		value = values.err and values or values[1]
	end
	if type(value) == 'table' then
		return nil, 'type'
	end
	if type(value) == 'number' then
		return nil, 'word', ''
	end
	local word = parse_word(value)
	if not word then
		return nil, 'word', string.sub(value, 1, 64)
	end
	return word
end

local function new_state()
	return { word = 'none', flip = 'none', epoch = 0, changed = 0 }
end

-- The time in text, which a node wrote in this very form; nil for anything else, and for one that lies ahead.
local function known_time(text, now)
	local seconds = parse_time(text)
	return seconds and seconds <= now + AHEAD and format_time(seconds) == text and seconds or nil
end

local function valid_id(id, name, now)
	local seconds = parse_time(id)
	return seconds and seconds <= now + AHEAD and id == format_compact(seconds) .. '-' .. name
end

local function known_number(text)
	return string.match(text or '', '^%d+$') and #text <= 15 and tonumber(text) or nil
end

local function known_word(text)
	return text and parse_word(text) == text and text or nil
end

-- Makes a state of the values of STATE_FIELDS (false = absent); nil where they are none that a node has written whole, the
-- same as redis_state_parse() in C. A changed_at that lies far ahead, from a clock that was wrong, counts as unknown: it
-- would make every later state look old.
local function check_state(values, name, now)
	local text, state = {}, {}
	for i, value in ipairs(values) do
		if type(value) == 'number' then
			return nil
		end
		text[STATE_FIELDS[i]] = value or nil
	end
	for _, field in ipairs({ 'declared_at', 'reopened_at', 'resolved_at', 'ended_at' }) do
		state[field] = text[field] and known_time(text[field], now)
		if text[field] and not state[field] then
			return nil
		end
	end
	state.word, state.flip = known_word(text.word), known_word(text.flip)
	state.id, state.epoch, state.changed = text.id, known_number(text.epoch), known_number(text.changed_at or '0')
	state.updates_after = text.updates_after
	if not state.word or not state.flip or not state.epoch or not state.changed then
		return nil
	end
	if state.word ~= state.flip and not (state.word == 'none' and state.flip == 'resolved') then
		return nil
	end
	if state.id and not valid_id(state.id, name, now) or state.word ~= 'none' and not (state.id and state.declared_at)
		or state.word == 'resolved' and not state.resolved_at or state.word == 'none' and state.id and not state.ended_at
		or state.updates_after and not string.match(state.updates_after, '^%d+%-%d+$') then
		return nil
	end
	if state.changed > (now + AHEAD) * 1000 then
		state.changed = 0
	end
	return state
end

-- Returns the state; or nil and why: 'absent', 'type' (the key is no hash) or 'damaged'.
local function read_state(key, name, now)
	local values = read_fields(key, STATE_FIELDS, 128)
	if values.err then
		return nil, 'type'
	end
	local any = false
	for _, value in ipairs(values) do
		any = any or value
	end
	if not any then
		return nil, 'absent'
	end
	local state = check_state(values, name, now)
	return state, not state and 'damaged' or nil
end

-- What the node remembers, for a store that has lost its memory, or part of it: nil where it remembers nothing, or
-- nothing that a word could go on with now.
local function read_hint(site, now)
	local values = {}
	for i = 1, #STATE_FIELDS do
		values[i] = site.hint[i] and site.hint[i] ~= '' and site.hint[i] or false
	end
	local hint = check_state(values, site.name, now)
	if not hint or not hint.id then
		return nil
	end
	hint.usable = site.hint_age < site.reopen
		and (OPEN[hint.word] or now - (hint.resolved_at or hint.ended_at or 0) < site.reopen)
	return hint
end

-- The state as strings in the order of STATE_FIELDS, '' where unset.
local function state_values(state)
	local function time(seconds)
		return seconds and format_time(seconds) or ''
	end
	return { state.word, state.flip, state.id or '', time(state.declared_at), time(state.reopened_at),
		time(state.resolved_at), time(state.ended_at), string.format('%d', state.epoch), state.updates_after or '',
		string.format('%d', state.changed) }
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
	local old = read_fields(keys.texts, { 'id' }, 64)[1]
	if old and old ~= '' and old ~= id then
		-- What a strange hand wrote makes no strange key.
		local past = site.prefix .. 'past:' .. string.gsub(tostring(old), '[^%w_-]', '_')
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
	local changed, promised = {}, nil
	for i = first, #ARGV, 2 do
		if ARGV[i + 1] == '' then
			redis.call('HDEL', keys.texts, ARGV[i])
		else
			redis.call('HSET', keys.texts, ARGV[i], ARGV[i + 1])
			if ARGV[i] == 'next_update_at' then
				promised = ARGV[i + 1]
			end
		end
		changed[#changed + 1] = ARGV[i]
	end
	if #changed > 0 then
		add_event(keys.events, 'texts', site.name, site.by, table.concat(changed, ' '), state.id or '')
	end
	if promised then
		add_event(keys.events, 'promise', site.name, site.by, promised, state.id or '')
	end
end

-- The newest entry of the feed: what was said before this incident opened or came back, even in this very second. An
-- entry that says it is from the future hides none that comes now.
local function newest_update(key, now_ms)
	local entry = newest_entry(key)
	if type(entry) == 'number' then
		return string.format('%d-0', now_ms)
	end
	if not entry or entry.err or tonumber(string.match(entry[1], '^%d+')) > now_ms + AHEAD * 1000 then
		return nil
	end
	return entry[1]
end

-- Names whose incident ended long ago no longer need to be looked for.
local function prune_known(keys, site, now)
	local bytes = weight(keys.known)
	local names = bytes and bytes <= 256 * 1024 and redis.pcall('SMEMBERS', keys.known) or {}
	for _, name in ipairs(names) do
		local state, wrong = read_state(site.prefix .. 'state:' .. name, name, now)
		if wrong == 'absent' or wrong == 'type' or state and state.word == 'none' and (state.ended_at or 0) < now - 30 * 86400 then
			redis.call('SREM', keys.known, name)
		end
	end
end

local function open_incident(state, keys, site, word, now)
	local ended = state.resolved_at or state.ended_at
	state.updates_after = newest_update(keys.updates, clock_ms())
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

-- Returns the state to go on from, and whether it is the one that the node remembers. That stands in where the store has
-- none that can be read, or an older one: its word may have been given again since, and then the incident goes on under
-- its own name, for under a new one everybody would be answered once more.
local function recall(state, hint)
	if hint and hint.usable and (not state or state.changed > 0 and hint.changed > state.changed) then
		return hint, true
	end
	return state, false
end

-- Writes what became of state at now (ms), with its events. recalled: it is the node's memory. Returns the name of the
-- last event, or ''.
local function move_to(state, keys, site, word, now, recalled)
	local goes_on, event = recalled and state.word ~= 'none', nil
	if word ~= state.flip then
		event = apply(state, keys, site, word, math.floor(now / 1000))
	end
	if goes_on then
		own_texts(keys, site, state.id)
	end
	-- Later than all that was seen before, also where the clock is not.
	state.changed = math.max(now, state.changed + 1)
	write_state(keys.state, state)
	redis.pcall('SADD', keys.known, site.name)
	local detail = word .. (state.id and ' ' .. state.id or '')
	if goes_on then
		add_event(keys.events, 'continued', site.name, site.by, detail, state.id)
	end
	if event then
		add_event(keys.events, event, site.name, site.by, detail, state.id or '')
	end
	return event or goes_on and 'continued' or ''
end

-- The state as the list that read_fields would give.
local function state_fields_of(state)
	local values = state_values(state)
	for i, value in ipairs(values) do
		values[i] = value ~= '' and value
	end
	return values
end

-- Re-reads the flip key and brings the state after it. insist: an operator gave the word, which makes a state of what
-- cannot be read and confirms one that stays the same. Returns { 'ok', event or '', state (false = unset) } or { 'unread',
-- why, value }.
local function run_transition(keys, site, insist)
	local now = clock_ms()
	local word, why, value = read_flip(keys, site)
	if not word then
		return { 'unread', why, value or '' }
	end
	local hint = read_hint(site, math.floor(now / 1000))
	local state, wrong = read_state(keys.state, site.name, math.floor(now / 1000))
	local recalled, event = false, ''
	if wrong == 'type' then
		return { 'unread', 'state', '' }
	end
	state, recalled = recall(state, hint)
	if not state and wrong == 'damaged' and not insist then
		return { 'unread', 'state', '' }
	end
	state = state or new_state()
	if word ~= state.flip or recalled or insist then
		state.changed = math.max(state.changed, hint and hint.changed or 0)
		event = move_to(state, keys, site, word, now, recalled)
	end
	return { 'ok', event, unpack(state_fields_of(state)) }
end

-- What the scripts of one incident are given, see above.
local function incident_arguments()
	local keys = { flip = KEYS[1], state = KEYS[2], texts = KEYS[3], events = KEYS[4], known = KEYS[5], updates = KEYS[6] }
	local site = { prefix = ARGV[1], name = ARGV[2], by = ARGV[3], reopen = tonumber(ARGV[4]), retention = tonumber(ARGV[5]),
		hint = { unpack(ARGV, 6, FIRST - 2) }, hint_age = tonumber(ARGV[FIRST - 1]) }
	return keys, site
end
