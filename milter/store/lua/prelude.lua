-- Put in front of every script. Keys whose names are known before the script runs come in KEYS; the rest are made
-- from the prefix.

-- Seconds since the epoch by the clock of Redis: the one clock that all nodes share.
local function clock()
	return tonumber(redis.call('TIME')[1])
end

-- pcall: a history that cannot be written must not keep an incident from opening.
local function add_event(key, what, name, by, detail, id)
	redis.pcall('XADD', key, 'MAXLEN', '~', 10000, '*', 'what', what, 'name', name, 'by', by, 'detail', detail, 'id', id)
end

-- The value of a field in the flat list that a stream entry is.
local function field(list, name)
	for i = 1, #list, 2 do
		if list[i] == name then
			return list[i + 1]
		end
	end
	return nil
end

-- A mark is 'TOKEN SECONDS', or 'TOKEN SECONDS sent' once its letter is out. Returns the three, the last as true or
-- false; nothing where there is no mark. What reads otherwise is somebody's mark all the same.
local function read_mark(key)
	local mark = redis.call('GET', key)
	if not mark then
		return nil
	end
	local at, sent = string.match(mark, '^%S+ (%d+) ?(%S*)$')
	return string.match(mark, '^%S*'), tonumber(at), sent == 'sent'
end

-- A delayed job is JSON [payload, mac, tries, why]. Returns the four as strings; nothing where a strange hand wrote.
local function read_delayed(member)
	local ok, job = pcall(cjson.decode, member)
	if not ok or type(job) ~= 'table' or type(job[1]) ~= 'string' or type(job[2]) ~= 'string' then
		return nil
	end
	return job[1], job[2], tostring(job[3] or 0), tostring(job[4] or '')
end
