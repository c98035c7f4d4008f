-- Reads all that a node has to know, in one round trip and bounded: whatever somebody put under these keys, no more of it
-- leaves Redis than could be of use. A flip word that differs from a state that can be trusted is acted on at once; one
-- beside a state that is gone, damaged or older than what the node has seen is left for transition.lua, which is told what
-- the node remembers.
--
-- KEYS: flip, flips (the hash), pause, known, life, events, whether the events say that it is paused. The keys of each
-- incident are made from the prefix.
-- ARGV: prefix, a random text, who changed what was changed by hand, reopen (s), retention (s), number of a text's fields,
--       the fields, then for each incident that the node knows: name, changed_at as last seen (0 = unknown).
-- Returns { now (ms), life, flip, flips (field, value, ...), 1 where not all of them were looked at, pause, why the
-- known names are not read, then for each incident: name, state, texts, newest update (id, text) }. A value is a string,
-- false where there is none, its size where it is too long, or the error that reading it gave.
local FLIP, FLIPS, PAUSE, KNOWN, LIFE, EVENTS, PAUSE_SEEN = unpack(KEYS, 1, 7)
local prefix, random, by, reopen, retention = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local NAMES_MAX, NAME_MAX, WORD_MAX, STATE_MAX, TEXT_MAX, LIFE_MAX = 64, 64, 256, 128, 4096, 64
local NAMES_WEIGHT = 256 * 1024
local text_count = tonumber(ARGV[6])
local text_fields = { unpack(ARGV, 7, 6 + text_count) }
local now = clock_ms()

-- Made anew where it is missing: a store that lost its memory is another store. pcall: a server that refuses to write is
-- read all the same.
local function read_life()
	local life = read_string(LIFE, LIFE_MAX)
	if life then
		return life
	end
	return not redis.pcall('SET', LIFE, random, 'NX').err and random
end

local names, seen = {}, {}
local function add_name(name)
	if not seen[name] and #names < NAMES_MAX and #name <= 32 and string.match(name, '^[a-z0-9][a-z0-9_-]*$') then
		seen[name] = true
		names[#names + 1] = name
	end
end

-- Names whose field among the flips may be gone while their state is not; and why they could not be read.
local function read_known()
	local bytes = weight(KNOWN)
	if bytes and bytes > LIGHT and bytes < math.huge then
		return {}, bytes
	end
	local members = bytes and redis.pcall('SMEMBERS', KNOWN) or {}
	if members.err then
		return {}, members
	end
	return members, false
end

local function add_names(list, first, step)
	for i = first, #list, step do
		add_name(list[i])
	end
end

-- Too many, or too large: those that are known already are asked for one by one.
local function read_known_flips()
	local flips = {}
	for i, value in ipairs(read_fields(FLIPS, names, WORD_MAX)) do
		if value then
			flips[#flips + 1], flips[#flips + 2] = names[i], value
		end
	end
	return flips
end

-- Returns the flips, and 1 where only those of known names were looked at. Adds the names.
local function read_flips(known)
	local bytes = weight(FLIPS)
	local count = bytes and redis.pcall('HLEN', FLIPS) or 0
	if type(count) == 'table' then
		add_names(known, 1, 1)
		return count, 0
	end
	if count > NAMES_MAX or count > 0 and bytes > NAMES_WEIGHT and bytes < math.huge then
		add_names(known, 1, 1)
		return read_known_flips(), 1
	end
	local flips = count > 0 and redis.call('HGETALL', FLIPS) or {}
	add_names(flips, 1, 2)
	add_names(known, 1, 1)
	for i = 1, #flips, 2 do
		flips[i] = string.sub(flips[i], 1, NAME_MAX)
		flips[i + 1] = #flips[i + 1] > WORD_MAX and #flips[i + 1] or flips[i + 1]
	end
	return flips, 0
end

local function read_update(key)
	local entry = newest_entry(key)
	if type(entry) ~= 'table' or entry.err then
		return entry
	end
	local text = field(entry[2], 'text') or false
	return { entry[1], text and #text > TEXT_MAX and #text or text }
end

local seen_before = {}
for i = 7 + text_count, #ARGV, 2 do
	seen_before[ARGV[i]] = tonumber(ARGV[i + 1]) or 0
end

-- Acts on the flip word of one incident, where that can be done by what is in the store alone. Returns the values of the
-- state as they are then.
local function follow(name, flip, values)
	local word = (not flip or type(flip) == 'string') and parse_word(flip)
	if not word or values.err or not values[2] or word == values[2] then
		return values
	end
	local state, before = check_state(values, name, math.floor(now / 1000)), seen_before[name] or 0
	if not state or state.changed > 0 and before > state.changed and before <= now + AHEAD * 1000 then
		return values
	end
	local keys = { state = prefix .. 'state:' .. name, texts = prefix .. 'incident:' .. name, events = EVENTS, known = KNOWN,
		updates = prefix .. 'updates:' .. name }
	local site = { prefix = prefix, name = name, by = by, reopen = reopen, retention = retention }
	-- A server that refuses to write leaves it as it was; transition.lua will say why.
	return pcall(move_to, state, keys, site, word, now, false) and state_fields_of(state) or values
end

-- Reads the pause. One that somebody set or took away by hand is noted among the events by whoever sees it first.
local function read_pause()
	local value = read_string(PAUSE, TEXT_MAX)
	local reason = type(value) == 'string' and string.match(value, '^%s*(.-)%s*$') or value and '?' or ''
	local paused = reason ~= '' and reason ~= '0' and string.lower(reason) ~= 'off'
	local noted = redis.pcall('GET', PAUSE_SEEN)
	if type(noted) == 'table' or paused == (noted == '1') then
		return value
	end
	local written = redis.pcall('SET', PAUSE_SEEN, paused and '1' or '0')
	if written.ok then
		add_event(EVENTS, paused and 'pause' or 'resume', '', by, paused and string.sub(reason, 1, 1024) or '', '')
	end
	return value
end

-- The node's own names come first: whatever else is there, what is on stays in sight.
add_name('default')
add_names(ARGV, 7 + text_count, 2)
local known, unread = read_known()
local flips, partial = read_flips(known)
local words = {}
for i = 1, #flips, 2 do
	words[flips[i]] = flips[i + 1]
end
words.default = read_string(FLIP, WORD_MAX)
local answer = { now, read_life(), words.default, flips, partial, read_pause(), unread }
for _, name in ipairs(names) do
	local n = #answer
	local state = read_fields(prefix .. 'state:' .. name, STATE_FIELDS, STATE_MAX)
	-- Where the flips cannot be read, nothing is known of their words.
	if name == 'default' or not flips.err then
		state = follow(name, words[name] or false, state)
	end
	answer[n + 1] = name
	answer[n + 2] = state
	answer[n + 3] = read_fields(prefix .. 'incident:' .. name, text_fields, TEXT_MAX)
	answer[n + 4] = read_update(prefix .. 'updates:' .. name)
end
return answer
