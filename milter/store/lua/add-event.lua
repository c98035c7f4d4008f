-- KEYS: events. ARGV: what, name, by, detail.
add_event(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], '')
return 1
