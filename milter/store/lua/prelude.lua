-- Put in front of every script. Keys whose names are known before the script runs come in KEYS; the rest are made
-- from the prefix.

-- Seconds since the epoch by the clock of Redis: the one clock that all nodes share.
local function clock()
	return tonumber(redis.call('TIME')[1])
end

-- pcall: a history that cannot be written must not keep an incident from opening.
local function add_event(key, what, name, by, detail, id)
	redis.pcall('XADD', key, 'MAXLEN', '~', 10000, '*', 'what', what, 'name', name, 'by', by, 'detail', detail, 'id', id)
end

-- The value of a field in the flat list that a stream entry is.
local function field(list, name)
	for i = 1, #list, 2 do
		if list[i] == name then
			return list[i + 1]
		end
	end
	return nil
end
