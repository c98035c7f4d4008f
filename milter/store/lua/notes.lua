-- One list of notes on mails: who wrote lately, who wrote in, who waits. Whatever somebody put there, no more of it leaves Redis at once
-- than a slice may have: what is longer than any note is left out.
--
-- KEYS: notes (hash, by key), index (sorted set: keys by when the mail came). ARGV: how, for how long a note is kept (s; 0 = as long as
-- the list), then what `how` takes.
--     note = AT SP PAGES SP PAGED_AT SP APART SP MAC SP PAYLOAD
local NOTES, INDEX = KEYS[1], KEYS[2]
local how, keep = ARGV[1], tonumber(ARGV[2])
local KEY_MAX, NOTE_MAX, SLICE, SLICE_BYTES, PRUNED = 64, 40960, 64, 256 * 1024, 100
local KINDS = { 'legal', 'media', 'account' } -- why a person is apart, in the order of facts_apart
local now = clock()
local past = keep > 0 and now - keep or false -- what came then or before is gone

-- Returns at, pages, paged_at, apart, mac, payload as strings; nothing where there is no note, or none that a node has written.
local function read_note(key)
	local at = tonumber(must('ZSCORE', INDEX, key))
	local size = must('HSTRLEN', NOTES, key)
	if not at or past and at <= past or size == 0 or size > NOTE_MAX then
		return nil
	end
	return string.match(redis.call('HGET', NOTES, key), '^(%d+) (%d+) (%d+) ([a-z,]*) (%S*) (.*)$')
end

local function write_note(key, ...)
	redis.call('HSET', NOTES, key, table.concat({ ... }, ' '))
end

local function take_out(keys)
	if #keys > 0 then
		redis.call('HDEL', NOTES, unpack(keys))
		redis.call('ZREM', INDEX, unpack(keys))
	end
end

-- Takes out what is past its time, and the oldest of more than max (0 = any number): some at a time, for who adds one is not to wait
-- for thousands.
local function prune(max)
	if past then
		take_out(must('ZRANGEBYSCORE', INDEX, '-inf', past, 'LIMIT', 0, PRUNED))
	end
	local over = must('ZCARD', INDEX) - max
	if max > 0 and over > 0 then
		take_out(redis.call('ZRANGE', INDEX, 0, math.min(over, PRUNED) - 1))
	end
end

local function joined(one, other)
	local both, kinds = ',' .. one .. ',' .. other .. ',', {}
	for _, kind in ipairs(KINDS) do
		if string.find(both, ',' .. kind .. ',', 1, true) then
			kinds[#kinds + 1] = kind
		end
	end
	return table.concat(kinds, ',')
end

-- 'add', what becomes of one that is there ('first': it stays, 'newest'), key, at, apart, mac, payload, how many there may be (0 = any
-- number), what becomes of too many ('drop' the oldest, 'refuse'), life of the list (s). Returns 1 where it was not there, 0 where it was,
-- -1 where it is refused.
local function add(stays, key, at, apart, mac, payload, max, overfull, life)
	local old_at, pages, paged_at, old_apart, old_mac, old_payload = read_note(key)
	if old_at and stays == 'first' then
		return 0
	end
	-- A node's clock may be ahead: none is younger than now.
	at, max = math.min(tonumber(at), now), tonumber(max)
	apart = joined(old_apart or '', apart)
	if old_at and tonumber(old_at) > at then
		at, mac, payload = tonumber(old_at), old_mac, old_payload
	end
	prune(0)
	if not old_at and max > 0 and overfull == 'refuse' and must('ZCARD', INDEX) >= max then
		return -1
	end
	write_note(key, string.format('%d', at), pages or '0', paged_at or '0', apart, mac, payload)
	redis.call('ZADD', INDEX, at, key)
	if overfull == 'drop' then
		prune(max)
	end
	redis.call('EXPIRE', NOTES, life)
	redis.call('EXPIRE', INDEX, life)
	return old_at and 0 or 1
end

-- Returns { cursor, { { key, the six of its note }, ... }, { keys there was no room for } }.
local function answer_with(cursor, keys)
	local notes, rest, bytes, seen = {}, {}, 0, {}
	for _, key in ipairs(keys) do
		if bytes > SLICE_BYTES then
			rest[#rest + 1] = key
		elseif not seen[key] then
			seen[key] = true
			local note = { key, read_note(key) }
			if note[2] then
				notes[#notes + 1] = note
				bytes = bytes + #note[7]
			end
		end
	end
	return { cursor, notes, rest }
end

-- 'slice', cursor.
local function slice(cursor)
	local part, keys = must('ZSCAN', INDEX, cursor, 'COUNT', SLICE), {}
	for i = 1, #part[2], 2 do
		if #part[2][i] <= KEY_MAX then
			keys[#keys + 1] = part[2][i]
		end
	end
	return answer_with(part[1], keys)
end

-- 'end', key, ...: takes these out. Returns them as a slice; keys there was no room for are still there.
local function end_these(keys)
	local answer = answer_with('0', keys)
	local found = {}
	for i, note in ipairs(answer[2]) do
		found[i] = note[1]
	end
	take_out(found)
	return answer
end

-- 'page', key, pages, now: one page more, where there have been that many. Returns 1 where there is.
local function page(key, pages, paged_at)
	local at, so_far, _, apart, mac, payload = read_note(key)
	if not at or tonumber(so_far) ~= tonumber(pages) then
		return 0
	end
	write_note(key, at, string.format('%d', tonumber(pages) + 1), paged_at, apart, mac, payload)
	return 1
end

if how == 'add' then
	return add(unpack(ARGV, 3))
elseif how == 'slice' then
	return slice(ARGV[3])
elseif how == 'get' then
	return answer_with('0', { unpack(ARGV, 3) })
elseif how == 'end' then
	return end_these({ unpack(ARGV, 3) })
end
return page(unpack(ARGV, 3))
