-- What the operator ordered to be told to those who wrote in about one incident. KEYS: notices (hash), events. ARGV: how, name, then what
-- `how` takes. Two fields for each notice:
--     NAME       = DONE SP TOLD SP LEFT_OUT SP MAC SP PAYLOAD          DONE = "0" / "1"
--     lease:NAME = UNTIL SP CONSUMER                                   UNTIL in ms by the clock of Redis
local NOTICES, EVENTS = KEYS[1], KEYS[2]
local how, name = ARGV[1], ARGV[2]
local LEASE = 'lease:' .. name
local FIELDS_MAX, NOTICE_MAX, LEASE_MAX, WEIGHT_MAX = 512, 40960, 512, 32 * 1024 * 1024

-- Returns done, told, left_out, mac, payload as strings; nothing where there is none that a node has written.
local function read_notice(field_name)
	local size = must('HSTRLEN', NOTICES, field_name)
	if size == 0 or size > NOTICE_MAX then
		return nil
	end
	return string.match(redis.call('HGET', NOTICES, field_name), '^([01]) (%d+) (%d+) (%S*) (.*)$')
end

-- Returns until (0 where there is none) and whose.
local function read_lease()
	if must('HSTRLEN', NOTICES, LEASE) > LEASE_MAX then
		return 0
	end
	local until_ms, owner = string.match(redis.call('HGET', NOTICES, LEASE) or '', '^(%d+) (.*)$')
	return tonumber(until_ms) or 0, owner
end

-- 'add', name, mac, payload, incident, id, by, life (s). Returns 1; 0 where there is one of that name, -1 where there are too many.
local function add(mac, payload, incident, id, by, life)
	if must('HEXISTS', NOTICES, name) == 1 then
		return 0
	elseif redis.call('HLEN', NOTICES) >= FIELDS_MAX then
		return -1
	end
	redis.call('HSET', NOTICES, name, '0 0 0 ' .. mac .. ' ' .. payload)
	redis.call('EXPIRE', NOTICES, life)
	add_event(EVENTS, 'notice', incident, by, name, id)
	return 1
end

-- 'list'. Returns { { name, done, told, left_out, mac, payload }, ... }, or its weight where it holds more than notices.
local function list()
	local bytes, notices = weight(NOTICES), {}
	if not bytes then
		return notices
	elseif bytes > WEIGHT_MAX and bytes < math.huge then
		return bytes
	elseif must('HLEN', NOTICES) > 2 * FIELDS_MAX then
		return redis.call('HLEN', NOTICES)
	end
	for _, field_name in ipairs(redis.call('HKEYS', NOTICES)) do
		local notice = { field_name, read_notice(field_name) }
		if #field_name <= 64 and notice[2] then
			notices[#notices + 1] = notice
		end
	end
	return notices
end

-- 'lease', name, consumer, seconds. Returns 1 where it is the consumer's.
local function lease(consumer, seconds)
	local done, now = read_notice(name), clock_ms()
	local until_ms, owner = read_lease()
	if done ~= '0' or until_ms > now and owner ~= consumer then
		return 0
	end
	redis.call('HSET', NOTICES, LEASE, string.format('%d', now + tonumber(seconds) * 1000) .. ' ' .. consumer)
	return 1
end

-- 'progress', name, consumer, told, left_out, done ('0', '1'). Returns 1 where the consumer had the lease last.
local function progress(consumer, told, left_out, done)
	local was_done, _, _, mac, payload = read_notice(name)
	local _, owner = read_lease()
	if was_done ~= '0' or owner ~= consumer then
		return 0
	end
	redis.call('HSET', NOTICES, name, table.concat({ done, told, left_out, mac, payload }, ' '))
	if done == '1' then
		redis.call('HDEL', NOTICES, LEASE)
	end
	return 1
end

if how == 'add' then
	return add(unpack(ARGV, 3))
elseif how == 'lease' then
	return lease(ARGV[3], ARGV[4])
elseif how == 'progress' then
	return progress(unpack(ARGV, 3))
end
return list()
