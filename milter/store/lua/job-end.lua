-- Ends one turn of a job that a replier holds. Returns 1, or 0 where the job is no longer in the stream: somebody else
-- ended it or the store was emptied, and putting it back would send it twice.
--
-- KEYS: acks, retry, dead, statistics of all.
-- ARGV: prefix, stream id, how (done, retry, bury, withdraw), payload, mac, tries, why, due, hash.
local acks, retry, dead, stats = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, handle, how, payload, mac, tries, why, due, hash = unpack(ARGV, 1, 9)

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
	-- Both kinds: a job that was promoted holds two marks under one token.
	local job = cjson.decode(payload)
	for _, kind in ipairs({ 'active', 'resolved' }) do
		local key = prefix .. 'acked:' .. job.id .. ':' .. kind .. ':' .. hash
		local mark = redis.pcall('GET', key)
		if type(mark) == 'string' and string.match(mark, '^%S+') == job.token then
			redis.call('DEL', key)
		end
	end
	redis.pcall('HINCRBY', stats, 'withdrawn', 1)
end
redis.pcall('XACK', acks, 'replier', handle)
redis.call('XDEL', acks, handle)
return 1
