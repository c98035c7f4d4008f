-- Reads a hash of small JSON values piece by piece: the accounts, and the nodes. Nothing that a strange hand put in
-- costs more than it has to: a key above 512 bytes and a value above 16 KB are answered as their lengths.
-- KEYS: the hash; for 'changes' the events too. ARGV: how, and what that takes.
local KEY_MAX, VALUE_MAX, NAMES_MAX, EVENTS_SLICE, EVENTS_KEPT = 512, 16384, 2000, 200, 10000

-- 'names': all names where they are few, false where they are many. A name that is too long is its length. HSCAN would
-- copy every value, of whatever size, only to tell how long it is; HSTRLEN does not.
local function names()
	local count = redis.pcall('HLEN', KEYS[1])
	if type(count) == 'table' then
		return count
	elseif count > NAMES_MAX then
		return false
	end
	local list = redis.call('HKEYS', KEYS[1])
	for i = 1, #list do
		list[i] = #list[i] <= KEY_MAX and list[i] or #list[i]
	end
	return list
end

-- 'slice', cursor, count: some of all. Returns { cursor, { key, value, ... } }.
local function slice(cursor, count)
	local part = redis.pcall('HSCAN', KEYS[1], cursor, 'COUNT', count)
	if part.err then
		return part
	end
	local list = part[2]
	for i = 1, #list, 2 do
		if #list[i] > KEY_MAX then
			list[i], list[i + 1] = #list[i], 0
		elseif #list[i + 1] > VALUE_MAX then
			list[i + 1] = #list[i + 1]
		end
	end
	return part
end

-- 'get', key, ...: these. Returns { key, value, ... }; the value is false where there is none.
local function get()
	local answer = {}
	for i = 2, #ARGV do
		local size = redis.pcall('HSTRLEN', KEYS[1], ARGV[i])
		if type(size) == 'table' then
			return size
		end
		answer[#answer + 1] = ARGV[i]
		if size > VALUE_MAX then
			answer[#answer + 1] = size
		else
			answer[#answer + 1] = redis.call('HGET', KEYS[1], ARGV[i])
		end
	end
	return answer
end

-- 'changes', since: whose accounts were set or removed after the event `since`. Returns { newest event read, 1 where
-- some may be missing, 1 where there are more, key, ... }. Without since: where the events stand now.
local function changes(since)
	local newest = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
	if newest.err then
		return newest
	end
	newest = newest[1] and newest[1][1] or '0-0'
	if since == '' then
		return { newest, 0, 0 }
	end
	local list = redis.call('XRANGE', KEYS[2], since, '+', 'COUNT', EVENTS_SLICE + 1)
	local anchored = list[1] and list[1][1] == since
	if not anchored and (since ~= '0-0' or redis.call('XLEN', KEYS[2]) >= EVENTS_KEPT) then
		return { newest, 1, 0 }
	end
	local answer = { since, 0, #list > EVENTS_SLICE and 1 or 0 }
	for i = anchored and 2 or 1, #list do
		local what, key = field(list[i][2], 'what'), field(list[i][2], 'detail')
		answer[1] = list[i][1]
		if (what == 'account' or what == 'account-removed') and key and #key <= KEY_MAX then
			answer[#answer + 1] = key
		end
	end
	return answer
end

if ARGV[1] == 'names' then
	return names()
elseif ARGV[1] == 'slice' then
	return slice(ARGV[2], ARGV[3])
elseif ARGV[1] == 'get' then
	return get()
end
return changes(ARGV[2])
