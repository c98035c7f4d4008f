-- Takes over a letter that has left without this store: sets its mark as sent, and counts it, unless a mark is there.
-- Returns 1 where the mark is the token's now, 0 where it is another's.
--
-- KEYS: mark, affected, statistics of the incident, statistics of all.
-- ARGV: token, when it left (s), hash, mark's life (s), life of statistics (s).
local MARK, AFFECTED, STATS, ALL = unpack(KEYS, 1, 4)
local token, at, hash, life, stats_life = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]

-- A node's clock may be ahead: no mark is younger than now, or it would count for longer than it ought to.
local function sent_mark(seconds)
	return token .. ' ' .. string.format('%d', math.min(seconds, clock())) .. ' sent'
end

local owner, since, sent = read_mark(MARK)
if owner then
	if owner == token and not sent then
		redis.call('SET', MARK, sent_mark(since or at), 'KEEPTTL')
	end
	return owner == token and 1 or 0
end
redis.call('SET', MARK, sent_mark(at), 'EX', life)

-- What is left are counts.
count_queued(STATS, stats_life, AFFECTED, hash, life)
count_in(STATS, 'sent', stats_life)
redis.pcall('HINCRBY', ALL, 'sent', 1)
return 1
