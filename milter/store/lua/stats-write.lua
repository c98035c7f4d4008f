-- Writes what a node has counted of support mail (stats.h). A key that cannot take it is left as it is and named at the end; all else is
-- written.
--
-- KEYS: outbound (when a person's answer was last seen). ARGV: prefix, life (s), life of the totals of accounts (s), then any number of
-- items, each as long as it says:
--     "minute" ID MINUTE  counters: N (NAME VALUE)*N  senders: N HASH*N  accounts: N (NAME MAILS)*N
--     "mail" ID HASH KEY ACCOUNT AT                 ACCOUNT "" = none
--     "answer" AT N KEY*N
-- Returns how many customers had their first answer of a person by it.
--
--     outage:stats:minute:ID:HOUR      hash: "MM NAME" -> value
--     outage:stats:senders:ID          HyperLogLog of the whole incident; ID:SLOT of five minutes, for three hours
--     outage:stats:account:ID          hash: name -> mails; of all incidents all:WEEK
--     outage:stats:account:ID:at       sorted set: names by their last mail, of three hours
--     outage:stats:threads:ID          hash: a customer's hash -> FIRST LAST ANSWERED MAILS AGAIN [ACCOUNT]; ID:at his first mail
--     outage:stats:mail:KEY            ID HASH: whose mail that was; "- AT": it was answered before it was told of
local OUTBOUND = KEYS[1]
local prefix, life, account_life = ARGV[1] .. 'stats:', tonumber(ARGV[2]), tonumber(ARGV[3])
local SLOT, RECENT, WEEK, EARLY, THREAD_MAX, PIECES = 300, 3 * 3600, 7 * 86400, 2 * 3600, 1024, 500
local now, next_word, replies, trouble = clock(), 4, 0, nil
local ends = {} -- key -> seconds: each is told once when it ends

local function take()
	next_word = next_word + 1
	return ARGV[next_word - 1]
end

local function whole(number)
	return string.format('%d', number)
end

-- The answer, or nil where the key cannot do it.
local function try(seconds, command, key, ...)
	local answer = redis.pcall(command, key, ...)
	if type(answer) == 'table' and answer.err then
		trouble = trouble or answer.err .. ' (' .. key .. ')'
		return nil
	end
	if seconds then
		ends[key] = seconds
	end
	return answer
end

-- Redis and Lua take so many arguments at once and no more.
local function try_many(seconds, command, key, words)
	for i = 1, #words, PIECES do
		try(seconds, command, key, unpack(words, i, math.min(i + PIECES - 1, #words)))
	end
end

local function add_counters(id, minute)
	local key = prefix .. 'minute:' .. id .. ':' .. whole(math.floor(minute / 3600))
	local mm = string.format('%02d ', math.floor(minute % 3600 / 60))
	for _ = 1, tonumber(take()) do
		local name = take()
		try(life, 'HINCRBY', key, mm .. name, take())
	end
end

local function add_senders(id, minute)
	local key, words = prefix .. 'senders:' .. id, {}
	for i = 1, tonumber(take()) do
		words[i] = take()
	end
	if id ~= 'all' then
		try_many(life, 'PFADD', key, words)
	end
	if minute > now - RECENT then
		try_many(RECENT, 'PFADD', key .. ':' .. whole(math.floor(minute / SLOT)), words)
	end
end

local function add_accounts(id, minute)
	local key = prefix .. 'account:' .. id
	local totals = id ~= 'all' and key or key .. ':' .. whole(math.floor(minute / WEEK))
	local n = tonumber(take())
	for _ = 1, n do
		local name = take()
		try(account_life, 'HINCRBY', totals, name, take())
		try(RECENT, 'ZADD', key .. ':at', 'GT', whole(minute), name)
	end
	if n > 0 then
		try(nil, 'ZREMRANGEBYSCORE', key .. ':at', '-inf', whole(now - RECENT))
	end
end

-- Returns first, last, answered, mails, again as numbers, and the account; nothing where there is no such customer, or none that a node
-- has written.
local function read_thread(key, hash)
	local size = try(nil, 'HSTRLEN', key, hash)
	if not size or size == 0 or size > THREAD_MAX then
		return nil
	end
	local first, last, answered, mails, again, account =
		string.match(redis.call('HGET', key, hash), '^(%d+) (%d+) (%d+) (%d+) (%d+) ?(.*)$')
	return tonumber(first), tonumber(last), tonumber(answered), tonumber(mails), tonumber(again), account
end

local function write_thread(key, hash, first, last, answered, mails, again, account)
	local text = string.format('%d %d %d %d %d', first, last, answered, mails, again)
	if try(life, 'HSET', key, hash, account ~= '' and text .. ' ' .. account or text) then
		try(life, 'ZADD', key .. ':at', first, hash)
	end
end

-- The earlier of two times of an answer, of which 0 is none; one more customer has one where there was none.
local function earlier(answered, at)
	if answered == 0 then
		replies = replies + 1
		return at
	end
	return math.min(answered, at)
end

-- What is known of a mail: its id and hash; or nil and when it was answered; or nothing.
local function read_mail(key)
	local text = read_string(key, 256)
	if type(text) == 'table' then
		trouble = trouble or text.err .. ' (' .. key .. ')'
	end
	if type(text) ~= 'string' then
		return nil
	end
	local at = tonumber(string.match(text, '^%- (%d+)$'))
	if at then
		return nil, at
	end
	return string.match(text, '^(%S+) (%S+)$')
end

local function add_mail(id, hash, mail, account, at)
	local mail_key, key = prefix .. 'mail:' .. mail, prefix .. 'threads:' .. id
	local known, early = read_mail(mail_key)
	if known or not try(life, 'SET', mail_key, id .. ' ' .. hash) then
		return
	end
	local first, last, answered, mails, again, whose = read_thread(key, hash)
	at = tonumber(at)
	if first then
		if answered == 0 or at < answered then
			again = again + 1
		end
		first, last, mails = math.min(first, at), math.max(last, at), mails + 1
	else
		first, last, answered, mails, again, whose = at, at, 0, 1, 0, account
	end
	if early then
		answered = earlier(answered, early)
	end
	write_thread(key, hash, first, last, answered, mails, again, account ~= '' and account or whose)
end

local function answer_mail(mail, at)
	local mail_key = prefix .. 'mail:' .. mail
	local id, hash = read_mail(mail_key)
	if not id then
		try(EARLY, 'SET', mail_key, '- ' .. whole(at), 'NX')
		return
	end
	local key = prefix .. 'threads:' .. id
	local first, last, answered, mails, again, whose = read_thread(key, hash)
	if first then
		write_thread(key, hash, first, last, earlier(answered, at), mails, again, whose)
	end
end

local function add_answer(at)
	local seen = tonumber(try(nil, 'GETRANGE', OUTBOUND, 0, 19) or nil)
	if not seen or seen < at then
		try(account_life, 'SET', OUTBOUND, whole(at))
	end
	for _ = 1, tonumber(take()) do
		answer_mail(take(), at)
	end
end

while next_word <= #ARGV do
	local what = take()
	if what == 'minute' then
		local id, minute = take(), tonumber(take())
		add_counters(id, minute)
		add_senders(id, minute)
		add_accounts(id, minute)
	elseif what == 'mail' then
		add_mail(take(), take(), take(), take(), take())
	else
		add_answer(tonumber(take()))
	end
end
for key, seconds in pairs(ends) do
	redis.pcall('EXPIRE', key, seconds)
end
if trouble then
	error(trouble, 0)
end
return replies
