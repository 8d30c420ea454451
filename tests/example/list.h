/* Beside the others: a scenario of one's own would be a line of
 * scenarios/list.h itself. */
#include "../../scenarios/list.h"
SCENARIO(scenario_rewrite)
