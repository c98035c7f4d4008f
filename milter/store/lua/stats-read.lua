-- Reads what was counted of support mail; the keys are those of stats-write.lua. What is larger than any that nodes write does not leave
-- Redis: an error names its key.
--
-- ARGV: how, then what `how` takes.
local how = ARGV[1]
local FIELDS_MAX, BYTES_MAX, KEY_MAX, THREAD_MAX, SLICE = 50000, 8 * 1024 * 1024, 64, 1024, 200

local function too_large(key)
	error('WRONGTYPE it holds more than nodes count: remove it with DEL (' .. key .. ')', 0)
end

-- The fields of a hash that is no larger than nodes make it, all of them weighed. A server that does not say what a key weighs is
-- believed.
local function read_hash(key)
	if must('HLEN', key) > FIELDS_MAX then
		too_large(key)
	end
	local bytes = redis.pcall('MEMORY', 'USAGE', key, 'SAMPLES', 0)
	if type(bytes) == 'number' and bytes > BYTES_MAX then
		too_large(key)
	end
	return redis.call('HGETALL', key)
end

-- 'hashes'. KEYS: hashes. Returns the fields and values of each.
local function hashes()
	local all = {}
	for i, key in ipairs(KEYS) do
		all[i] = read_hash(key)
	end
	return all
end

-- 'distinct', since. KEYS: accounts by their last mail, then HyperLogLogs. Returns { senders, accounts }.
local function recent(since)
	local senders = redis.pcall('PFCOUNT', unpack(KEYS, 2))
	if type(senders) == 'table' then
		for i = 2, #KEYS do
			must('PFCOUNT', KEYS[i])
		end
	end
	return { sound(senders, KEYS[2]), must('ZCOUNT', KEYS[1], since, '+inf') }
end

-- 'whole'. KEYS: totals of accounts, HyperLogLog of the incident. Returns { senders, accounts }.
local function of_incident()
	return { must('PFCOUNT', KEYS[2]), must('HLEN', KEYS[1]) }
end

-- 'threads', cursor. KEYS: customers, the same by their first mail. Returns { cursor, hash, text, hash, text, ... }.
local function threads(cursor)
	local part = must('ZSCAN', KEYS[2], cursor, 'COUNT', SLICE)
	local answer = { part[1] }
	for i = 1, #part[2], 2 do
		local hash = part[2][i]
		local size = #hash <= KEY_MAX and must('HSTRLEN', KEYS[1], hash) or 0
		if size > 0 and size <= THREAD_MAX then
			answer[#answer + 1] = hash
			answer[#answer + 1] = redis.call('HGET', KEYS[1], hash)
		end
	end
	return answer
end

-- 'outbound'. KEYS: outbound. Returns when, as text.
local function outbound()
	local at = sound(read_string(KEYS[1], 64), KEYS[1])
	return type(at) == 'string' and at or '0'
end

if how == 'hashes' then
	return hashes()
elseif how == 'distinct' then
	return recent(ARGV[2])
elseif how == 'whole' then
	return of_incident()
elseif how == 'threads' then
	return threads(ARGV[2])
end
return outbound()
