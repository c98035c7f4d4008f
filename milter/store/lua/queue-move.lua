-- Moves at most 200 jobs by hand. KEYS: acks, retry, dead. ARGV: how (retry: dead to due now; bury: pending to dead),
-- handle ('' = all; a stream id, or 'r:TOKEN' for a delayed job), why, the newest stream id to move. Returns how
-- many.
local acks, retry, dead = KEYS[1], KEYS[2], KEYS[3]
local how, handle, why, last = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local moved = 0

local first = '-'
if handle ~= '' then
	first, last = handle, handle
end
if string.sub(handle, 1, 2) ~= 'r:' then
	for _, entry in ipairs(must('XRANGE', how == 'retry' and dead or acks, first, last, 'COUNT', 200)) do
		local payload, mac, tries = job_of(entry[2])
		if how == 'retry' then
			must('XADD', acks, '*', 'payload', payload, 'mac', mac)
			redis.call('XDEL', dead, entry[1])
		else
			-- Also from a replier's hand: job-end.lua sees to the letter that is just leaving.
			bury_job(dead, payload, mac, tries, why)
			redis.pcall('XACK', acks, 'replier', entry[1])
			redis.call('XDEL', acks, entry[1])
		end
		moved = moved + 1
	end
end
if how == 'bury' and moved == 0 and (handle == '' or string.sub(handle, 1, 2) == 'r:') then
	for _, member in ipairs(must('ZRANGE', retry, 0, handle == '' and 199 or -1)) do
		local payload, mac, tries = read_delayed(member)
		if handle == '' or 'r:' .. token_of(payload or '') == handle then
			if payload then
				bury_job(dead, payload, mac, tries, why)
				moved = moved + 1
			end
			redis.call('ZREM', retry, member)
		end
	end
end
return moved
