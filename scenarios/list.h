/* Every scenario, in the order of `list` and of --all. */
SCENARIO(scenario_sendrecv)
SCENARIO(scenario_oplog)
SCENARIO(scenario_prefetch)
SCENARIO(scenario_ops)
SCENARIO(scenario_scale)
SCENARIO(scenario_regcost)
SCENARIO(scenario_touch)
SCENARIO(scenario_conncost)
