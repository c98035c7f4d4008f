-- Reads the history, oldest first: the stream of all events, and what is kept of it by kind (add_event), each event once.
-- KEYS: events. ARGV: from where (an id, or '(' and the id after which it goes on), how many.
-- Returns { where the next slice begins ('' after the last), { { ms, what, name, by, detail }, ... } }.
local from, count = ARGV[1], tonumber(ARGV[2])
local FIELD_MAX = 4096
local found, seen = {}, {}

local function add_entries(list)
	for _, entry in ipairs(list) do
		if not seen[entry[1]] then
			local ms, n = string.match(entry[1], '^(%d+)-(%d+)$')
			seen[entry[1]] = true
			found[#found + 1] = { id = entry[1], ms = tonumber(ms), n = tonumber(n), fields = entry[2] }
		end
	end
end

add_entries(must('XRANGE', KEYS[1], from, '+', 'COUNT', count))
for _, kept in ipairs(KEPT_STREAMS) do
	local list = redis.pcall('XRANGE', KEYS[1] .. ':' .. kept, from, '+', 'COUNT', count)
	add_entries(list.err and {} or list)
end
table.sort(found, function(a, b)
	return a.ms < b.ms or a.ms == b.ms and a.n < b.n
end)
local events = {}
for i = 1, math.min(count, #found) do
	local event = { string.format('%d', found[i].ms) }
	for k, name in ipairs({ 'what', 'name', 'by', 'detail' }) do
		event[k + 1] = string.sub(field(found[i].fields, name) or '', 1, FIELD_MAX)
	end
	events[i] = event
end
-- A stream that has more gave as many as were asked for.
return { #found >= count and '(' .. found[count].id or '', events }
