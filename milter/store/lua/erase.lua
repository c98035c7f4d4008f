-- Finds, and takes away, letters to one person: some at a time, for others wait for Redis meanwhile.
--
-- KEYS: acks, retry, dead. ARGV: what (pending, delayed, dead), where to go on ('' = at the beginning), the words in the payload that name
-- the person, 1 where what is found goes.
-- Returns { where to go on ('' = that was all), { payload, ... } }.
local acks, retry, dead = KEYS[1], KEYS[2], KEYS[3]
local what, cursor, needle, drop = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local SLICE = 500
local found = {}

local function is_his(payload)
	return payload and #payload <= PAYLOAD_MAX and string.find(payload, needle, 1, true)
end

-- From a replier's hand too: job-end.lua sees to the letter that is just leaving.
local function from_stream(key)
	local entries = must('XRANGE', key, cursor == '' and '-' or '(' .. cursor, '+', 'COUNT', SLICE)
	for _, entry in ipairs(entries) do
		local payload = job_of(entry[2])
		if is_his(payload) then
			found[#found + 1] = payload
			if drop then
				redis.pcall('XACK', key, 'replier', entry[1])
				redis.call('XDEL', key, entry[1])
			end
		end
	end
	return #entries == SLICE and entries[SLICE][1] or ''
end

local function from_delayed()
	local part = must('ZSCAN', retry, cursor == '' and '0' or cursor, 'COUNT', SLICE)
	for i = 1, #part[2], 2 do
		local payload = read_delayed(part[2][i])
		if is_his(payload) then
			found[#found + 1] = payload
			if drop then
				redis.call('ZREM', retry, part[2][i])
			end
		end
	end
	return part[1] == '0' and '' or part[1]
end

local go_on = what == 'delayed' and from_delayed() or what ~= 'delayed' and from_stream(what == 'dead' and dead or acks) or ''
return { go_on, found }
