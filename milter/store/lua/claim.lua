-- Claims one acknowledgement: mark, caps, job, affected set, counters, all or nothing.
--
-- KEYS: mark, acks, retry, affected, state, pause, bounced, domain's rate without the hour, stats.
-- ARGV: prefix, token, payload, mac, id, epoch, kind (active, resolved), hash, mark's life (s), again after (s,
--       0 = never), delay (s), site cap (a minute, 0 = none), domain cap (an hour, 0 = none), life of statistics (s).
local MARK, ACKS, RETRY, AFFECTED, STATE, PAUSE, BOUNCED, DOMAIN, STATS =
	KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local prefix, token, payload, mac, id, epoch, kind, hash = unpack(ARGV, 1, 8)
local life, again, delay, site_cap, domain_cap, stats_life =
	tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]),
	tonumber(ARGV[14])
local now = clock()

-- A mark is 'TOKEN SECONDS'.
local mark = redis.call('GET', MARK)
if mark then
	local owner, at = string.match(mark, '^(%S+) (%d+)$')
	if owner == token then
		return 'won'
	end
	if again == 0 or not at or now - tonumber(at) < again then
		return 'already'
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
		return 'paused'
	end
	if redis.call('EXISTS', BOUNCED) == 1 then
		return 'bounced'
	end
end

local function count_of(key)
	local value = redis.pcall('GET', key)
	return type(value) == 'string' and tonumber(value) or 0
end

local hour_key = DOMAIN .. string.format('%d', math.floor(now / 3600))
if domain_cap > 0 and count_of(hour_key) >= domain_cap then
	return 'rate'
end

-- The site's cap delays: the first minute with room takes it. After a day's worth of full minutes it goes anyway.
local due, minute_key = now + delay, nil
if site_cap > 0 then
	local first = math.floor(due / 60)
	local minute = first
	while minute < first + 1440 and count_of(prefix .. 'rate:site:' .. string.format('%d', minute)) >= site_cap do
		minute = minute + 1
	end
	due = math.max(due, minute * 60)
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
if redis.pcall('SADD', AFFECTED, hash) == 1 then
	redis.pcall('HINCRBY', STATS, 'affected', 1)
end
if redis.pcall('HINCRBY', STATS, 'queued', 1) == 1 then
	redis.pcall('EXPIRE', AFFECTED, life)
	redis.pcall('EXPIRE', STATS, stats_life)
end
return 'won'
