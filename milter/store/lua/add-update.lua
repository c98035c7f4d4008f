-- Adds to the feed of one incident. KEYS: updates, events, state. ARGV: name, text, author.
local function add()
	return redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', 1000, '*', 'text', ARGV[2], 'author', ARGV[3])
end

-- Ids only ever grow: behind an entry that says it is from the future every later one would say so too, and no node would
-- take its word. Such a feed begins anew.
local function from_the_future(id)
	if type(id) == 'table' then
		return string.find(id.err, 'exhausted') ~= nil
	end
	return tonumber(string.match(id, '^%d+')) > clock_ms() + 3600000
end

local id = add()
if from_the_future(id) then
	redis.call('DEL', KEYS[1])
	id = add()
end
if type(id) == 'table' then
	return id
end
local owner = read_fields(KEYS[3], { 'id' }, 64)[1]
add_event(KEYS[2], 'update', ARGV[1], ARGV[3], ARGV[2], type(owner) == 'string' and owner or '')
return 1
