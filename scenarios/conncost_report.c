/* How the results of conncost are shown and judged. */
#include <math.h>
#include <string.h>

#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

/* A stack is of one number at once: the smallest there is. */
static bool has_fewest_at_once(const struct report_view *view,
			       const struct series *s)
{
	size_t i;

	for (i = 0; i < view->set->n; i++)
		if (view->set->v[i].points[0].x < s->points[0].x)
			return false;
	return true;
}

static const struct report_figure figures[] = {
	{
		.name = "conncost_rate",
		.title = "Connections a second",
		.script = plot_conncost_rate,
		.axes = {.x = "at_once",
			 .x_label = "at once",
			 .y = {{"conns_per_s", "connections/s", 1}}},
		.min_points = 2,
		.columns = "at_once conns_per_s trials",
	},
	{
		.name = "conncost_steps",
		.title = "Making a connection, step by step",
		.script = plot_conncost_steps,
		.axes = {.x = "at_once",
			 .x_label = "at once",
			 .y = {{"client_handshake_mean_ns", "handshake", 1e3},
			       {"client_create_id_mean_ns", "id", 1e3},
			       {"client_resolve_addr_mean_ns", "addr", 1e3},
			       {"client_resolve_route_mean_ns", "route", 1e3},
			       {"client_create_cq_mean_ns", "cq", 1e3},
			       {"client_create_qp_mean_ns", "qp", 1e3},
			       {"client_to_rtr_mean_ns", "rtr", 1e3},
			       {"client_to_rts_mean_ns", "rts", 1e3}}},
		.shows = has_fewest_at_once,
		.columns = "at_once handshake_us id_us addr_us route_us cq_us "
			   "qp_us rtr_us rts_us trials",
	},
	{
		.name = "conncost_memory",
		.title = "Memory of a connection",
		.script = plot_conncost_memory,
		.axes = {.x = "keep_open",
			 .x_label = "open",
			 .linear = true,
			 .y = {{"client_kernel_bytes_per_conn_estimate",
				"kernel", 1024},
			       {"client_rss_bytes_per_conn", "client", 1024},
			       {"server_rss_bytes_per_conn", "server", 1024}}},
		.min_points = 2,
		.columns = "keep_open kernel_kib client_kib server_kib trials",
	},
};

static const struct report_equal equals[] = {
	{"both ends made as many queue pairs", "client_qps_created",
	 "server_qps_created"},
	{"what the client created it destroyed", "client_created",
	 "client_destroyed"},
	{"what the server created it destroyed", "server_created",
	 "server_destroyed"},
};

static bool cached_makes_nothing(const struct check *c, size_t row,
				 struct report_bounds *b)
{
	b->is = check_number(c, row, "client_qps_created");
	b->least = b->most = 0;
	return !isnan(b->is) && !strcmp(check_cell(c, row, "method"), "cached");
}

static bool one_each(const struct check *c, size_t row, struct report_bounds *b)
{
	const char *method = check_cell(c, row, "method");

	b->is = check_number(c, row, "client_qps_created");
	b->least = b->most = check_number(c, row, "samples");
	return !strcmp(method, "verbs") || !strcmp(method, "cm");
}

/* At either end; a NIC that the kernel does not count for says nothing. */
static bool none_left(const struct check *c, size_t row, const char *at_client,
		      const char *at_server, struct report_bounds *b)
{
	*b = (struct report_bounds){
		.is = fmax(check_number(c, row, at_client),
			   check_number(c, row, at_server)),
	};
	return !isnan(b->is);
}

static bool no_object_left(const struct check *c, size_t row,
			   struct report_bounds *b)
{
	return none_left(c, row, "client_objects_left", "server_objects_left",
			 b);
}

static bool no_lock_left(const struct check *c, size_t row,
			 struct report_bounds *b)
{
	return none_left(c, row, "client_locked_left_bytes",
			 "server_locked_left_bytes", b);
}

static const struct report_rule rules[] = {
	{CHECK_EXACT, "no RDMA object is left, by the kernel's count",
	 report_rule_rows, .row = no_object_left},
	{CHECK_EXACT, "no locked memory is left", report_rule_rows,
	 .row = no_lock_left},
	{CHECK_EXACT, "a cached connection creates no queue pair",
	 report_rule_rows, .row = cached_makes_nothing},
	{CHECK_EXACT, "a new one creates one", report_rule_rows,
	 .row = one_each},
};

static const struct report_sentence sentences[] = {
	{.say = SAY_BEST, .words = "a connection is cheapest by"},
	{.say = SAY_WORSENS, .words = "at once the time for one rises most by"},
};

const struct report report_conncost = {
	.measure = "making a connection, in microseconds (p50)",
	.axes = {.x = "at_once",
		 .x_label = "at once",
		 .y = {{"lat_p50_ns", "p50", 1e3}, {"lat_p99_ns", "p99", 1e3}}},
	.figures = figures,
	.n_figures = sizeof(figures) / sizeof(figures[0]),
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.sentences = sentences,
	.n_sentences = sizeof(sentences) / sizeof(sentences[0]),
};
