#include "run/scenario.h"

#include <string.h>

#define SCENARIO(s) extern const struct scenario s;
#include "list.h"
#undef SCENARIO

static const struct scenario *const scenarios[] = {
#define SCENARIO(s) &s,
#include "list.h"
#undef SCENARIO
};

const struct scenario *scenario_at(unsigned i)
{
	if (i >= sizeof(scenarios) / sizeof(scenarios[0]))
		return NULL;
	return scenarios[i];
}

const struct scenario *scenario_find(const char *name)
{
	unsigned i;

	for (i = 0; scenario_at(i); i++)
		if (!strcmp(scenario_at(i)->name, name))
			return scenario_at(i);
	return NULL;
}
