-- Which alarms stand, and whose turn it is to look. KEYS: alarms (hash), events. ARGV: how, then what `how` takes.
--     KEY     = SINCE HTAB TOLD_AT HTAB BY HTAB TEXT        seconds; KEY as store/alarms.h has it
--     =duty   = UNTIL SP CONSUMER                           UNTIL in ms by the clock of Redis
local ALARMS, EVENTS = KEYS[1], KEYS[2]
local how = ARGV[1]
local DUTY, FIELDS_MAX, KEY_MAX, ALARM_MAX, WEIGHT_MAX = '=duty', 512, 128, 4096, 4 * 1024 * 1024
local now = clock()

-- Returns since, told_at (numbers), by, text; nothing where there is none that a node has written.
local function read_alarm(key)
	local size = must('HSTRLEN', ALARMS, key)
	if size == 0 or size > ALARM_MAX then
		return nil
	end
	local since, told_at, by, text = string.match(redis.call('HGET', ALARMS, key), '^(%d+)\t(%d+)\t([^\t]*)\t([^\t]*)$')
	if not since or #since > 12 or #told_at > 12 then
		return nil
	end
	return tonumber(since), tonumber(told_at), by, text
end

local function write_alarm(key, since, told_at, by, text)
	redis.call('HSET', ALARMS, key, string.format('%d\t%d\t', since, told_at) .. by .. '\t' .. text)
end

-- 'raise', key, text, by, repeat (s; 0 = never). Returns 1 where it is new, 2 where it is to be told again, 0 where neither, -1 where there
-- are too many.
local function raise(key, text, by, repeat_after)
	local since, told_at, first_by, old_text = read_alarm(key)
	repeat_after = tonumber(repeat_after)
	if not since then
		if must('HLEN', ALARMS) > FIELDS_MAX then
			return -1
		end
		write_alarm(key, now, now, by, text)
		add_event(EVENTS, 'alarm', key, by, text, '')
		return 1
	end
	-- One that was told of in the future was told of before the clock was set back.
	local again = repeat_after > 0 and (now - told_at >= repeat_after or told_at > now)
	if again or old_text ~= text then
		write_alarm(key, since, again and now or told_at, first_by, text)
	end
	return again and 2 or 0
end

-- 'clear', key, by. Returns since when it stood, 0 where it did not.
local function clear(key, by)
	local since, _, _, text = read_alarm(key)
	if not since then
		return 0
	end
	redis.call('HDEL', ALARMS, key)
	add_event(EVENTS, 'all-clear', key, by, text, '')
	return since
end

-- 'list'. Returns { { key, since, told_at, by, text }, ... }, or its weight where it holds more than alarms.
local function list()
	local bytes, alarms = weight(ALARMS), {}
	if not bytes then
		return alarms
	elseif bytes > WEIGHT_MAX and bytes < math.huge then
		return bytes
	elseif must('HLEN', ALARMS) > 2 * FIELDS_MAX then
		return redis.call('HLEN', ALARMS)
	end
	for _, key in ipairs(redis.call('HKEYS', ALARMS)) do
		local since, told_at, by, text = nil
		if #key <= KEY_MAX and key ~= DUTY then
			since, told_at, by, text = read_alarm(key)
		end
		if since then
			alarms[#alarms + 1] = { key, string.format('%d', since), string.format('%d', told_at), by, text }
		end
	end
	return alarms
end

-- 'duty', consumer, seconds. Returns 1 where it is the consumer's.
local function duty(consumer, seconds)
	local now_ms, until_ms, owner = clock_ms(), 0, nil
	if must('HSTRLEN', ALARMS, DUTY) <= 512 then
		until_ms, owner = string.match(redis.call('HGET', ALARMS, DUTY) or '', '^(%d+) (.*)$')
		until_ms = tonumber(until_ms) or 0
	end
	local life = tonumber(seconds) * 1000
	-- One that ends later than any could is of a clock that was set back.
	if owner ~= consumer and until_ms > now_ms and until_ms <= now_ms + math.max(life, 3600000) then
		return 0
	end
	redis.call('HSET', ALARMS, DUTY, string.format('%d ', now_ms + life) .. consumer)
	return 1
end

if how == 'raise' then
	return raise(unpack(ARGV, 2))
elseif how == 'clear' then
	return clear(ARGV[2], ARGV[3])
elseif how == 'duty' then
	return duty(ARGV[2], ARGV[3])
end
return list()
