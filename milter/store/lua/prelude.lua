-- Put in front of every script. Keys whose names are known before the script runs come in KEYS; the rest are made
-- from the prefix.

-- Seconds since the epoch by the clock of Redis: the one clock that all nodes share.
local function clock()
	return tonumber(redis.call('TIME')[1])
end

-- What the rest depends on. Where it failed, the error names its key.
local function sound(answer, key)
	if type(answer) == 'table' and answer.err then
		error(answer.err .. ' (' .. key .. ')', 0)
	end
	return answer
end

local function must(command, key, ...)
	return sound(redis.pcall(command, key, ...), key)
end

local function clock_ms()
	local now = redis.call('TIME')
	return tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
end

-- What a strange hand may have written is measured before it is read: 100 MB in one key would hold up Redis, and every
-- node that is sent it. A value longer than max comes back as its size, a number; an error as the table that pcall made.
local function read_string(key, max)
	local value = redis.pcall('GETRANGE', key, 0, max)
	if value == '' then
		return redis.call('GET', key)
	end
	return type(value) == 'string' and #value > max and redis.call('STRLEN', key) or value
end

-- What a key takes of memory, judged by no more than 256 pieces of it; false where there is none, huge where the server
-- does not say. A hash or set that is no heavier than LIGHT has no more pieces than that: nothing in it was missed.
local LIGHT = 10 * 1024
local function weight(key)
	local bytes = redis.pcall('MEMORY', 'USAGE', key, 'SAMPLES', 256)
	return type(bytes) == 'table' and math.huge or bytes
end

-- One by one, for a hash that may hold anything.
local function read_heavy_fields(key, names, max)
	local values = {}
	for i, name in ipairs(names) do
		local size = redis.pcall('HSTRLEN', key, name)
		if type(size) == 'table' then
			return size
		end
		values[i] = size > max and size or redis.call('HGET', key, name)
	end
	return values
end

-- The values of a hash's fields (false = absent), each as read_string would give it; or the error of the whole.
local function read_fields(key, names, max)
	local bytes = weight(key)
	if bytes and bytes > LIGHT then
		return read_heavy_fields(key, names, max)
	end
	local values = bytes and redis.pcall('HMGET', key, unpack(names)) or {}
	if values.err then
		return values
	end
	for i = 1, #names do
		local value = values[i] or false
		values[i] = value and #value > max and #value or value
	end
	return values
end

-- The newest entry of a feed, { id, fields }; false where there is none, the error where it is no stream, its weight where
-- an entry of it must be larger than a thousand updates.
local function newest_entry(key)
	local bytes = weight(key)
	if not bytes or bytes > 16 * 1024 * 1024 and bytes < math.huge then
		return bytes
	end
	local list = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 1)
	return list.err and list or list[1] or false
end

-- What machines do all day long (a letter that came back, a customer who was answered) stands in the stream of all events
-- alone, and pushes out there what is older. What people did is kept a second time, by kind, in a stream of its own that a
-- flood of another kind does not touch. The name of that stream is what follows 'events:'.
local KEPT_AS = { answered = false, bounced = false, account = 'accounts', ['account-removed'] = 'accounts', alarm = 'alarms',
	['all-clear'] = 'alarms', ['notice-done'] = 'alarms', unblocked = 'persons', forgot = 'persons', exported = 'persons' }
local KEPT_STREAMS = { 'audit', 'accounts', 'alarms', 'persons' }

-- pcall: a history that cannot be written must not keep an incident from opening. An event has the same id in both streams,
-- by which events.lua knows it again.
local function add_event(key, what, name, by, detail, id)
	local function add(stream, max, at)
		return redis.pcall('XADD', stream, 'MAXLEN', '~', max, at, 'what', what, 'name', name, 'by', by, 'detail', detail, 'id', id)
	end
	local at, kept = add(key, 10000, '*'), KEPT_AS[what]
	if kept == nil then
		kept = 'audit'
	end
	if kept and (type(at) == 'table' or type(add(key .. ':' .. kept, 20000, at)) == 'table') then
		-- The stream of all was lost, and the clock is behind what is kept here.
		add(key .. ':' .. kept, 20000, '*')
	end
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

-- One more of a counter in the statistics of an incident, which whichever comes first gives their end. One that cannot be
-- kept changes nothing.
local function count_in(stats, name, stats_life)
	local n = redis.pcall('HINCRBY', stats, name, 1)
	if n == 1 then
		redis.pcall('EXPIRE', stats, stats_life)
	end
	return n
end

-- Counts a customer who gets a letter.
local function count_queued(stats, stats_life, affected, hash, life)
	if redis.pcall('SADD', affected, hash) == 1 then
		count_in(stats, 'affected', stats_life)
	end
	if count_in(stats, 'queued', stats_life) == 1 then
		redis.pcall('EXPIRE', affected, life)
	end
end

-- A mark is 'TOKEN SECONDS', or 'TOKEN SECONDS sent' once its letter is out. Returns the three, the last as true or
-- false; nothing where there is no mark. What reads otherwise is somebody's mark all the same, and one that is longer than
-- any that a node writes is nobody's token.
local function read_mark(key)
	local mark = sound(read_string(key, 256), key)
	if not mark then
		return nil
	end
	if type(mark) == 'number' then
		return '', nil, false
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

-- What is longer than job.c's PAYLOAD_MAX is no job, whoever put it there: this much goes to a replier, which refuses
-- it, and that much is kept to look at.
local PAYLOAD_MAX, PAYLOAD_HEAD = 65536, 1024

-- The words of a job in an entry of the stream, whatever else stands there: payload, mac, tries, why.
local function job_of(list)
	return string.sub(field(list, 'payload') or '', 1, PAYLOAD_MAX + 1), string.sub(field(list, 'mac') or '', 1, 256),
		string.sub(field(list, 'tries') or '0', 1, 20), string.sub(field(list, 'why') or '', 1, 1024)
end

local function bury_job(dead, payload, mac, tries, why)
	if #payload > PAYLOAD_MAX then
		payload = string.sub(payload, 1, PAYLOAD_HEAD)
	end
	must('XADD', dead, 'MAXLEN', '~', 10000, '*', 'payload', payload, 'mac', mac, 'tries', tries, 'why', why)
end

-- The token that a payload names, unverified; '' where it names none.
local function token_of(payload)
	local known, job = pcall(cjson.decode, payload)
	return known and type(job) == 'table' and type(job.token) == 'string' and job.token or ''
end
