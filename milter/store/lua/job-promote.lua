-- Sets the mark of kind resolved for a job of kind active. KEYS: that mark. ARGV: token, mark's life (s). Returns 1 where
-- it is ours.
if redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. string.format('%d', clock()), 'NX', 'EX', ARGV[2]) then
	return 1
end
return read_mark(KEYS[1]) == ARGV[1] and 1 or 0
