-- Reads texts of an incident that is past. KEYS: the hash. ARGV: fields. Returns their values: false where absent, a size where too long.
return read_fields(KEYS[1], ARGV, 4096)
