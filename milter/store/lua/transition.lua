-- Brings the state of one incident after its flip key.
return run_transition(keys, site)
