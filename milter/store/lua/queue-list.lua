-- Lists jobs, oldest first. KEYS: acks or dead, then retry where delayed jobs are wanted too. ARGV: how many at most.
-- Returns { { handle, payload, mac, tries, why, due }, ... }; a delayed job's handle is 'r:TOKEN'.
local jobs, limit = {}, tonumber(ARGV[1])
for _, entry in ipairs(must('XRANGE', KEYS[1], '-', '+', 'COUNT', limit)) do
	local payload, mac, tries, why = job_of(entry[2])
	jobs[#jobs + 1] = { entry[1], payload, mac, tries, why, '0' }
end
local delayed = KEYS[2] and limit > #jobs
	and must('ZRANGEBYSCORE', KEYS[2], '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, limit - #jobs) or {}
for i = 1, #delayed, 2 do
	local payload, mac, tries, why = read_delayed(delayed[i])
	if payload then
		jobs[#jobs + 1] = { 'r:' .. token_of(payload), string.sub(payload, 1, PAYLOAD_MAX + 1), mac, tries, why, delayed[i + 1] }
	end
end
return jobs
