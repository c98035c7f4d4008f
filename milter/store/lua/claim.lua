-- Claims one letter: mark, caps, job, affected set, counters, all or nothing.
--
-- KEYS: mark, acks, retry, affected, state, pause, bounced, domain's rate without the hour, address's rate without
--       the day, stats.
-- ARGV: prefix, token, payload, mac, id, epoch, kind (active, resolved; another letter's own), hash, mark's life (s),
--       again after (s, 0 = never), delay (s), site cap (a minute), domain cap (an hour), address cap (a day), how many
--       jobs may wait (all four 0 = none), life of statistics (s), how many replicas the claim is to reach, class (ack,
--       notice, staff).
local MARK, ACKS, RETRY, AFFECTED, STATE, PAUSE, BOUNCED, DOMAIN, ADDRESS, STATS = unpack(KEYS, 1, 10)
local prefix, token, payload, mac, id, epoch, kind, hash = unpack(ARGV, 1, 8)
local life, again, delay = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local site_cap, domain_cap, address_cap = tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local queue_limit, stats_life, replicas, class = tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17]), ARGV[18]
local now = clock()
local hour_key = DOMAIN .. string.format('%d', math.floor(now / 3600))
local day_key = ADDRESS .. string.format('%d', math.floor(now / 86400))
local first_minute = math.floor((now + delay) / 60)
local spent -- what the caps have counted: of the domain this hour, of the address today, of the site in that first minute

-- Of other letters nobody counts what held them: the one who claims them asks for the same again and again.
local function held(reason, answer)
	if class == 'ack' then
		count_in(STATS, 'held:' .. reason, stats_life)
	end
	return answer
end

local function is_on()
	local state = sound(read_fields(STATE, { 'id', 'epoch', 'word' }, 128), STATE)
	for i = 1, 3 do
		-- Damaged, not over: the node goes by the last good state, and its claim must not be answered as if that had ended.
		if type(state[i]) == 'number' then
			error('WRONGTYPE a field is ' .. string.format('%d', state[i]) .. ' bytes long (' .. STATE .. ')', 0)
		end
	end
	local word = state[3] or 'none'
	-- What is told to those who wrote in is about an incident, on or over.
	local on = class == 'notice' or kind == 'resolved' and word == 'resolved'
		or kind == 'active' and (word == 'P1' or word == 'P2' or word == 'P3')
	return on and state[1] == id and (tonumber(state[2] or '0') or 0) == tonumber(epoch)
end

local function is_paused()
	-- Whatever somebody put there, of any type and length, was meant to stop this.
	local pause = read_string(PAUSE, 4096)
	if type(pause) ~= 'string' then
		return pause ~= false
	end
	-- No pattern that goes back over what it has matched: among blanks that takes the square of their number.
	local from, to = string.find(pause, '%S+')
	local word = from and string.lower(string.sub(pause, from, to))
	return from and (word ~= '0' and word ~= 'off' or string.find(pause, '%S', to + 1) ~= nil)
end

local function site_key(minute)
	return prefix .. 'rate:site:' .. string.format('%d', minute)
end

-- One question for all: each call costs more than what it asks for. A key of a wrong type has counted nothing.
local function read_counts()
	spent = redis.call('MGET', hour_key, day_key, site_key(first_minute))
	for i = 1, 3 do
		spent[i] = tonumber(spent[i] or 0) or 0
	end
end

-- What speaks against the claim: the answer, or nil. Against a letter to our own people nothing does.
local function judge()
	if class == 'staff' then
		return nil
	end
	if not is_on() then
		return 'ended'
	end
	-- Neither is there as a rule: one question for both.
	if redis.call('EXISTS', PAUSE, BOUNCED) > 0 then
		if is_paused() then
			return held('paused', 'paused')
		end
		if redis.call('EXISTS', BOUNCED) == 1 then
			return held('bounced', 'bounced')
		end
	end
	if class == 'ack' then
		read_counts()
		if domain_cap > 0 and spent[1] >= domain_cap or address_cap > 0 and spent[2] >= address_cap then
			return held('rate', 'rate')
		end
	end
	if queue_limit > 0 and must('XLEN', ACKS) + must('ZCARD', RETRY) >= queue_limit then
		return held('queue-full', 'full')
	end
	return nil
end

-- Minutes fill one after another, so the one that took the last delayed letter is where to go on: without it each claim
-- would look at every full minute again.
local FIRST_WITH_ROOM = 'rate:site:from'

local function number_at(key)
	local value = redis.pcall('GET', key)
	return type(value) == 'string' and tonumber(value) or 0
end

-- When the job may leave, which minute counts it and what that has counted: the site's cap delays, the first minute
-- with room takes it. After a day's worth of full minutes it goes anyway.
local function place()
	if site_cap <= 0 then
		return now + delay, first_minute, 0
	end
	local minute, n = first_minute, spent[3]
	local function look_at(next_minute)
		minute, n = next_minute, number_at(site_key(next_minute))
	end
	if n >= site_cap then
		look_at(math.max(minute + 1, math.min(number_at(prefix .. FIRST_WITH_ROOM), minute + 1440)))
	end
	while n >= site_cap and minute < first_minute + 1440 do
		look_at(minute + 1)
	end
	return math.max(now + delay, minute > first_minute and minute * 60 or 0), minute, n
end

-- One more, of what has counted n so far.
local function raise(key, n, seconds)
	if n == 0 then
		redis.pcall('SET', key, 1, 'EX', seconds)
	else
		redis.pcall('INCR', key)
	end
end

local function enqueue()
	local due, minute, in_minute = place()
	-- The job comes first: it is what can be refused (wrong type, out of memory, read-only), and then nothing has
	-- happened yet.
	if due > now then
		must('ZADD', RETRY, due, cjson.encode({ payload, mac, '0', '' }))
	else
		must('XADD', ACKS, '*', 'payload', payload, 'mac', mac)
	end
	-- Redis ends the mark by its own clock. The life is long enough for the longest incident we plan for: only a clock
	-- of the server that jumps ahead by weeks could end it too early.
	redis.call('SET', MARK, token .. ' ' .. string.format('%d', now), 'EX', life)

	-- What is left are counts; one that cannot be kept does not undo the claim.
	if site_cap > 0 then
		raise(site_key(minute), in_minute, 2 * 86400)
	end
	if domain_cap > 0 then
		raise(hour_key, spent[1], 7200)
	end
	if address_cap > 0 then
		raise(day_key, spent[2], 2 * 86400)
	end
	if minute > first_minute then
		redis.pcall('SET', prefix .. FIRST_WITH_ROOM, minute, 'EX', 2 * 86400)
		count_in(STATS, 'delayed', stats_life)
	end
	if class == 'ack' then
		count_queued(STATS, stats_life, AFFECTED, hash, life)
	else
		count_in(STATS, 'queued:' .. class, stats_life)
	end
end

local function claim()
	local owner, at = read_mark(MARK)
	if owner == token then
		-- The WAIT that follows is for what this connection has written: the mark again, as it stands.
		if replicas > 0 then
			redis.call('SET', MARK, redis.call('GET', MARK), 'KEEPTTL')
		end
		return 'won'
	end
	if owner and (again == 0 or not at or now - at < again) then
		return held('already-acked', 'already')
	end
	local refused = judge()
	if not refused then
		enqueue()
	end
	return refused or 'won'
end

local asked, answer = pcall(claim)
if not asked then
	held('store')
	error(answer, 0)
end
return answer
