-- Counts the queue. KEYS: acks, retry, dead, statistics of all. Returns { in the stream, delayed, due of these, dead,
-- sent, withdrawn, the oldest in the stream (ms), in a replier's hand }.
local acks, retry, dead, stats = unpack(KEYS, 1, 4)

local function counted(name)
	local value = redis.pcall('HGET', stats, name)
	return type(value) == 'string' and tonumber(value) or 0
end

local first = must('XRANGE', acks, '-', '+', 'COUNT', 1)[1]
-- Before the first replier there is no group.
local pending = redis.pcall('XPENDING', acks, 'replier')
return { must('XLEN', acks), must('ZCARD', retry), must('ZCOUNT', retry, '-inf', clock()), must('XLEN', dead), counted('sent'),
	counted('withdrawn'), first and tonumber(string.match(first[1], '^%d+')) or 0, pending.err and 0 or pending[1] }
