-- Brings the state of one incident after its flip key.
local keys, site = incident_arguments()
return run_transition(keys, site, false)
