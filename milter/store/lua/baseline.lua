-- How much support mail an hour of the week usually has (stats.h).
--
-- KEYS: baseline (hash: hour of the week -> MAILS SENDERS WEEKS; last -> the beginning of the last hour that was learned). ARGV: "get"; or
-- "learn", beginning of the hour, its hour of the week, mails, senders, how many weeks may weigh at most.
local BASELINE = KEYS[1]
local HOURS, VALUE_MAX = 168, 128

-- Returns mails, senders, weeks; nothing where the hour is unknown, or nothing that a node has written.
local function read_hour(text)
	local mails, senders, weeks = string.match(type(text) == 'string' and text or '', '^(%S+) (%S+) (%d+)$')
	mails, senders, weeks = tonumber(mails), tonumber(senders), tonumber(weeks)
	-- What is not equal to itself is no number.
	if mails and senders and weeks and mails >= 0 and mails < 1e12 and senders >= 0 and senders < 1e12 and weeks < 1e6 then
		return mails, senders, weeks
	end
	return nil
end

-- Returns the text of each hour, '' where it is unknown.
local function get()
	local names = {}
	for hour = 1, HOURS do
		names[hour] = tostring(hour - 1)
	end
	local texts = sound(read_fields(BASELINE, names, VALUE_MAX), BASELINE)
	for hour = 1, HOURS do
		texts[hour] = read_hour(texts[hour]) and texts[hour] or ''
	end
	return texts
end

local function learn(start, hour, mails, senders, weeks_max)
	local fields = sound(read_fields(BASELINE, { 'last', hour }, VALUE_MAX), BASELINE)
	local last = type(fields[1]) == 'string' and tonumber(fields[1])
	-- A time to come was not learned: a clock was wrong.
	if last and last >= start and last <= clock() then
		return 0
	end
	local old_mails, old_senders, weeks = read_hour(fields[2])
	if old_mails then
		local share = 1 / (math.min(weeks, weeks_max - 1) + 1)
		mails, senders = old_mails + (mails - old_mails) * share, old_senders + (senders - old_senders) * share
	end
	local text = string.format('%.12g %.12g %d', mails, senders, (weeks or 0) + 1)
	redis.call('HSET', BASELINE, hour, text, 'last', string.format('%d', start))
	return 1
end

if ARGV[1] == 'get' then
	return get()
end
return learn(tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]))
