/* The server: a listener that gives every client a process of its own, so
 * that one bad session cannot hurt another. */
#ifndef RUN_SERVE_H
#define RUN_SERVE_H

#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

struct serve_cfg {
	char bind[OPT_TEXT_MAX];
	uint64_t port;
	char token_file[OPT_TEXT_MAX]; /* "": whoever comes is served */
	uint64_t max_sessions;
	uint64_t max_memory; /* bytes, of one client */
	uint64_t handshake_ns, idle_ns;
	uint64_t allow_prefetchers;
	char pmem_dir[OPT_TEXT_MAX]; /* "": clients write no files here */
};

extern const struct opt_group serve_opts;

struct serve_log {
	/* A line for the operator. */
	void (*say)(const char *line);
};

/* Serves until SIGINT or SIGTERM (0), then ends its sessions.  -errno if it
 * cannot listen. */
int serve_run(const struct serve_cfg *cfg, const struct serve_log *log,
	      struct err *err);

#endif
