-- Ends one turn of a job that a replier holds. Returns 1, or 0 where there was nothing to end: somebody else has ended
-- it, has it in hand by now or has moved it, or the store was emptied.
--
-- KEYS: acks, retry, dead, statistics of all, then the marks that the job may hold (of an acknowledgement active and
--       resolved: one that was promoted holds both under one token), or none where its payload names none.
-- ARGV: stream id, how (done, retry, bury, withdraw), consumer, tries, why, delay (s), token, payload (where done).
local acks, retry, dead, stats = unpack(KEYS, 1, 4)
local handle, how, consumer, tries, why, delay, token, sent_payload = unpack(ARGV, 1, 8)

-- Calls what(key, seconds) for each mark of the job's that has not been sent. A mark that cannot be read or written
-- must not keep the job in the queue, where it would be sent again.
local function each_mark(what)
	for i = 5, #KEYS do
		local ok, owner, at, sent = pcall(read_mark, KEYS[i])
		if ok and owner == token and not sent then
			what(KEYS[i], at or clock())
		end
	end
end

-- The operator has buried the job while its letter was leaving: it is no longer to be called back.
local function unbury()
	for _, entry in ipairs(sent_payload ~= '' and must('XREVRANGE', dead, '+', '-', 'COUNT', 1000) or {}) do
		if field(entry[2], 'payload') == sent_payload then
			return redis.call('XDEL', dead, entry[1])
		end
	end
	return 0
end

local function is_ours()
	local pending = redis.pcall('XPENDING', acks, 'replier', handle, handle, 1)
	return pending[1] and pending[1][2] == consumer
end

-- Even where the job is gone from the stream: wherever it has been put meanwhile, its letter is out.
if how == 'done' then
	each_mark(function(key, at)
		redis.pcall('SET', key, token .. ' ' .. string.format('%d', at) .. ' sent', 'KEEPTTL')
	end)
end
local entry = must('XRANGE', acks, handle, handle)[1]
if not entry then
	if how == 'done' and unbury() == 1 then
		redis.pcall('HINCRBY', stats, 'sent', 1)
		return 1
	end
	return 0
end
-- Only an end that has happened counts from whatever hand: what another has taken over is for that one to put back.
if how ~= 'done' and not is_ours() then
	return 0
end

-- Where it goes to comes before it goes from here: a key of a wrong type or a full memory must not lose it.
local payload, mac = job_of(entry[2])
if how == 'done' then
	redis.pcall('HINCRBY', stats, 'sent', 1)
elseif how == 'retry' then
	must('ZADD', retry, clock() + tonumber(delay), cjson.encode({ payload, mac, tries, why }))
elseif how == 'bury' then
	bury_job(dead, payload, mac, tries, why)
elseif how == 'withdraw' then
	-- A letter that is out keeps its mark: who puts its job here again does not get the customer a second one.
	each_mark(function(key)
		redis.pcall('DEL', key)
	end)
	redis.pcall('HINCRBY', stats, 'withdrawn', 1)
end
redis.pcall('XACK', acks, 'replier', handle)
redis.call('XDEL', acks, handle)
return 1
