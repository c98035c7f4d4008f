-- Moves at most 200 jobs by hand. KEYS: acks, retry, dead. ARGV: how (retry: dead to due now; bury: pending to dead),
-- handle ('' = all; a stream id, or 'r:TOKEN' for a delayed job), why, the newest stream id to move. Returns how
-- many.
local acks, retry, dead = KEYS[1], KEYS[2], KEYS[3]
local how, handle, why, last = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local moved = 0

local function bury(payload, mac, tries)
	redis.call('XADD', dead, 'MAXLEN', '~', 10000, '*', 'payload', payload, 'mac', mac, 'tries', tries, 'why', why)
	moved = moved + 1
end

local first = '-'
if handle ~= '' then
	first, last = handle, handle
end
if string.sub(handle, 1, 2) ~= 'r:' then
	for _, entry in ipairs(redis.call('XRANGE', how == 'retry' and dead or acks, first, last, 'COUNT', 200)) do
		local payload, mac = field(entry[2], 'payload') or '', field(entry[2], 'mac') or ''
		if how == 'retry' then
			redis.call('XADD', acks, '*', 'payload', payload, 'mac', mac)
			redis.call('XDEL', dead, entry[1])
			moved = moved + 1
		else
			bury(payload, mac, field(entry[2], 'tries') or '0')
			redis.pcall('XACK', acks, 'replier', entry[1])
			redis.call('XDEL', acks, entry[1])
		end
	end
end
if how == 'bury' and moved == 0 and (handle == '' or string.sub(handle, 1, 2) == 'r:') then
	for _, member in ipairs(redis.call('ZRANGE', retry, 0, handle == '' and 199 or -1)) do
		local payload, mac, tries = read_delayed(member)
		local known, job = pcall(cjson.decode, payload or '')
		if handle == '' or (known and type(job) == 'table' and 'r:' .. tostring(job.token) == handle) then
			if payload then
				bury(payload, mac, tries)
			end
			redis.call('ZREM', retry, member)
		end
	end
end
return moved
