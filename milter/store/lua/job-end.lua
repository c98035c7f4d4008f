-- Ends one turn of a job that a replier holds. Returns 1, or 0 where the job is no longer in the stream: somebody else
-- ended it or the store was emptied, and putting it back would send it twice.
--
-- KEYS: acks, retry, dead, statistics of all, then the marks that the job may hold (active and resolved: one that was
--       promoted holds both under one token), or none where its payload names none.
-- ARGV: stream id, how (done, retry, bury, withdraw), payload, mac, tries, why, due, token.
local acks, retry, dead, stats = unpack(KEYS, 1, 4)
local handle, how, payload, mac, tries, why, due, token = unpack(ARGV, 1, 8)

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

-- Even where the job is gone from the stream: wherever it has been put meanwhile, its letter is out.
if how == 'done' then
	each_mark(function(key, at)
		redis.pcall('SET', key, token .. ' ' .. string.format('%d', at) .. ' sent', 'KEEPTTL')
	end)
end
if #redis.call('XRANGE', acks, handle, handle) == 0 then
	return 0
end

-- Where it goes to comes before it goes from here: a key of a wrong type or a full memory must not lose it.
if how == 'done' then
	redis.pcall('HINCRBY', stats, 'sent', 1)
elseif how == 'retry' then
	redis.call('ZADD', retry, due, cjson.encode({ payload, mac, tries, why }))
elseif how == 'bury' then
	redis.call('XADD', dead, 'MAXLEN', '~', 10000, '*', 'payload', payload, 'mac', mac, 'tries', tries, 'why', why)
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
