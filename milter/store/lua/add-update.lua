-- Adds to the feed of one incident. KEYS: updates, events, state. ARGV: name, text, author.
redis.call('XADD', KEYS[1], 'MAXLEN', '~', 1000, '*', 'text', ARGV[2], 'author', ARGV[3])
local id = redis.pcall('HGET', KEYS[3], 'id')
add_event(KEYS[2], 'update', ARGV[1], ARGV[3], ARGV[2], type(id) == 'string' and id or '')
return 1
