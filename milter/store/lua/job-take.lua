-- Takes the next job for a replier: moves what is due into the stream, then takes over what a dead replier has left, or
-- reads what is new.
--
-- KEYS: acks, retry, dead. ARGV: consumer, for how long a job has to be left alone to be taken over (ms; '' = nothing is
--       this time), where the last look for such jobs ended, how long buried jobs are kept (s; '' = no tidying up this
--       time), how long consumers that hold nothing are kept (ms), after which handle to look for what this consumer
--       holds already, and nothing else ('' = not this time). Returns { where this look ended ('' = there was
--       none) }, followed by handle, payload, mac, tries, why and how often it was taken before, where there is a job.
local acks, retry, dead = unpack(KEYS, 1, 3)
local consumer, idle, cursor, kept, consumer_kept, after = unpack(ARGV, 1, 6)
local GROUP = 'replier'

local function move_due()
	for _, member in ipairs(must('ZRANGEBYSCORE', retry, '-inf', clock(), 'LIMIT', 0, 100)) do
		local payload, mac, tries, why = read_delayed(member)
		if payload then
			must('XADD', acks, '*', 'payload', payload, 'mac', mac, 'tries', tries, 'why', why)
		end
		redis.call('ZREM', retry, member)
	end
end

-- Runs a command that needs the group, which is made where it is missing: at the very first time and after a flush.
-- From 0, for what was queued before there was a group is owed too.
local function grouped(...)
	local answer = redis.pcall(...)
	if type(answer) == 'table' and answer.err and string.find(answer.err, 'NOGROUP', 1, true) then
		redis.call('XGROUP', 'CREATE', acks, GROUP, '0', 'MKSTREAM')
		answer = redis.pcall(...)
	end
	if type(answer) == 'table' and answer.err then
		error(answer.err .. ' (' .. acks .. ')', 0)
	end
	return answer
end

local function take_over()
	local answer = grouped('XAUTOCLAIM', acks, GROUP, consumer, idle, cursor, 'COUNT', 1)
	cursor = answer[1]
	return answer[2][1]
end

local function take_new()
	local answer = grouped('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', 1, 'STREAMS', acks, '>')
	return answer and answer[1] and answer[1][2][1]
end

-- An answer that was lost with its connection has left a job in our hand that we do not know of. Entries that have left the stream
-- meanwhile come without fields.
local function take_missed()
	for _ = 1, 100 do
		local answer = grouped('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', 1, 'STREAMS', acks, after)
		local entry = answer and answer[1] and answer[1][2][1]
		if not entry or entry[2] then
			return entry
		end
		redis.call('XACK', acks, GROUP, entry[1])
		after = entry[1]
	end
end

local function take_what_is_due()
	-- Delayed jobs that cannot be moved must not keep the others from leaving.
	local moved, trouble = pcall(move_due)
	local entry = idle ~= '' and take_over() or take_new()
	if not entry and not moved then
		error(trouble, 0)
	end
	return entry
end

-- Repliers have a new name after each start. One that holds nothing and has long not been heard is gone for good.
local function forget_consumers()
	local consumers = redis.pcall('XINFO', 'CONSUMERS', acks, GROUP)
	for _, one in ipairs(consumers.err and {} or consumers) do
		if field(one, 'pending') == 0 and field(one, 'idle') > tonumber(consumer_kept) and field(one, 'name') ~= consumer then
			redis.pcall('XGROUP', 'DELCONSUMER', acks, GROUP, field(one, 'name'))
		end
	end
end

if kept ~= '' then
	-- Exact, for a buried job carries an address, and '~' would keep up to a hundred of them for ever.
	redis.pcall('XTRIM', dead, 'MINID', string.format('%d', (clock() - tonumber(kept)) * 1000))
	forget_consumers()
end
local entry
if after ~= '' then
	entry = take_missed()
else
	entry = take_what_is_due()
end
if not entry then
	return { idle ~= '' and cursor or '' }
end
-- The count includes this time.
local pending = redis.call('XPENDING', acks, GROUP, entry[1], entry[1], 1)[1]
local payload, mac, tries, why = job_of(entry[2] or {})
return { idle ~= '' and cursor or '', entry[1], payload, mac, tries, why, pending and pending[4] - 1 or 0 }
