-- Claims one acknowledgement: mark, caps, job, affected set, counters, all or nothing.
--
-- KEYS: mark, acks, retry, affected, state, pause, bounced, domain's rate without the hour, address's rate without
--       the day, stats.
-- ARGV: prefix, token, payload, mac, id, epoch, kind (active, resolved), hash, mark's life (s), again after (s,
--       0 = never), delay (s), site cap (a minute), domain cap (an hour), address cap (a day; all three 0 = none),
--       life of statistics (s).
local MARK, ACKS, RETRY, AFFECTED, STATE, PAUSE, BOUNCED, DOMAIN, ADDRESS, STATS = unpack(KEYS, 1, 10)
local prefix, token, payload, mac, id, epoch, kind, hash = unpack(ARGV, 1, 8)
local life, again, delay = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local site_cap, domain_cap, address_cap = tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local stats_life = tonumber(ARGV[15])
local now = clock()

-- A counter that cannot be kept changes nothing. Whichever comes first gives the statistics their end.
local function count(name)
	local n = redis.pcall('HINCRBY', STATS, name, 1)
	if n == 1 then
		redis.pcall('EXPIRE', STATS, stats_life)
	end
	return n
end

local function held(reason, answer)
	count('held:' .. reason)
	return answer
end

local owner, at = read_mark(MARK)
if owner then
	if owner == token then
		return 'won'
	end
	if again == 0 or not at or now - at < again then
		return held('already-acked', 'already')
	end
end

local state = redis.call('HMGET', STATE, 'id', 'epoch', 'word')
local word = state[3] or 'none'
local on = kind == 'resolved' and word == 'resolved'
	or kind == 'active' and (word == 'P1' or word == 'P2' or word == 'P3')
if not on or state[1] ~= id or (tonumber(state[2] or '0') or 0) ~= tonumber(epoch) then
	return 'ended'
end

-- Neither is there as a rule: one question for both.
if redis.call('EXISTS', PAUSE, BOUNCED) > 0 then
	-- Whatever somebody put there, of any type, was meant to stop this.
	local pause = redis.pcall('GET', PAUSE)
	local text = type(pause) == 'string' and string.lower(string.match(pause, '^%s*(.-)%s*$'))
		or pause and 'wrong type' or ''
	if text ~= '' and text ~= '0' and text ~= 'off' then
		return held('paused', 'paused')
	end
	if redis.call('EXISTS', BOUNCED) == 1 then
		return held('bounced', 'bounced')
	end
end

local function count_of(key)
	local value = redis.pcall('GET', key)
	return type(value) == 'string' and tonumber(value) or 0
end

local hour_key = DOMAIN .. string.format('%d', math.floor(now / 3600))
local day_key = ADDRESS .. string.format('%d', math.floor(now / 86400))
if domain_cap > 0 and count_of(hour_key) >= domain_cap or address_cap > 0 and count_of(day_key) >= address_cap then
	return held('rate', 'rate')
end

-- The site's cap delays: the first minute with room takes it. After a day's worth of full minutes it goes anyway.
local due, minute_key, put_off = now + delay, nil, false
if site_cap > 0 then
	local first = math.floor(due / 60)
	local minute = first
	while minute < first + 1440 and count_of(prefix .. 'rate:site:' .. string.format('%d', minute)) >= site_cap do
		minute = minute + 1
	end
	due, put_off = math.max(due, minute * 60), minute > first
	minute_key = prefix .. 'rate:site:' .. string.format('%d', minute)
end

-- The job comes first: it is what can be refused (wrong type, out of memory, read-only), and then nothing has
-- happened yet.
if due > now then
	redis.call('ZADD', RETRY, due, cjson.encode({ payload, mac, '0', '' }))
else
	redis.call('XADD', ACKS, '*', 'payload', payload, 'mac', mac)
end
redis.call('SET', MARK, token .. ' ' .. string.format('%d', now), 'EX', life)

-- What is left are counts; one that cannot be kept does not undo the claim.
if minute_key and redis.pcall('INCR', minute_key) == 1 then
	redis.pcall('EXPIRE', minute_key, 2 * 86400)
end
if domain_cap > 0 and redis.pcall('INCR', hour_key) == 1 then
	redis.pcall('EXPIRE', hour_key, 7200)
end
if address_cap > 0 and redis.pcall('INCR', day_key) == 1 then
	redis.pcall('EXPIRE', day_key, 2 * 86400)
end
if put_off then
	count('delayed')
end
if redis.pcall('SADD', AFFECTED, hash) == 1 then
	count('affected')
end
if count('queued') == 1 then
	redis.pcall('EXPIRE', AFFECTED, life)
end
return 'won'
