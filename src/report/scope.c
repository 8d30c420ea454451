#include "report/scope.h"

#include <string.h>

static bool is_software(const struct report_view *view)
{
	size_t i;

	for (i = 0; i < view->set->n; i++) {
		const struct series *s = &view->set->v[i];

		if (s->path == view->path && series_is(view->set, s, "rdma") &&
		    !strcmp(series_cell(view->set, s, "software_device"),
			    "yes"))
			return true;
	}
	return false;
}

const char *report_scope(const struct report *r, const struct report_view *view,
			 const char * * not )
{
	const bool software = is_software(view);

	*not = "";
	if (r->local || (view->path == PATH_WIRE && !software))
		return "";
	if (view->path == PATH_WIRE) {
		*not = "The RDMA device is software, a CPU that moves data: "
		       "none of this speaks of a NIC.";
		return "with a software RDMA device, ";
	}
	*not = "Both ends were on one host, with no wire between them: none "
	       "of this speaks of a network or of a NIC.";
	return software ? "over loopback, with a software RDMA device, "
			: "over loopback, ";
}
