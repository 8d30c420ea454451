/*
 * oplog: what does a durable, replicated log write cost?
 *
 * The write buffer of a distributed store (Nutanix's Oplog): a small write is
 * appended to a log in non-volatile memory here and on one or two peers, and
 * acknowledged when k copies are durable.  The methods differ in how a copy
 * reaches a peer and who makes it durable there: the peer's program after a
 * message over TCP (tcp), a send (send) or a write with immediate data
 * (write-imm); an RDMA read behind the write (write-read); a FLUSH behind it,
 * and for commit by tail an ATOMIC WRITE and another FLUSH (write-flush);
 * nobody (write: the floor).  PMDK's RPMA performance report of 2021 has such
 * figures for one peer.
 * After each trial every replica is recovered from its memory as after a crash,
 * and all must hold what was acknowledged.
 */
#include "oplog.h"
#include "reports.h"

#include <errno.h>
#include <string.h>

#define AT(field) offsetof(struct oplog_cfg, field)

#define X(id, name) [OPLOG_##id] = name,
static const char *const method_names[] = {OPLOG_METHODS(X) NULL};
#undef X

static const char *const ack_names[] = {
	[ACK_ALL] = "all", [ACK_MAJORITY] = "majority", [ACK_ONE] = "1",
	[ACK_TWO] = "2",   [ACK_THREE] = "3",		NULL,
};

static const char *const post_names[] = {
	[POST_CHAINED] = "chained",
	[POST_SERIALISED] = "serialised",
	NULL,
};

static const char *const placement_names[] = {
	[PLACE_GLOBAL] = "global",
	[PLACE_PERSISTENT] = "persistent",
	NULL,
};

static const struct opt opts[] = {
	{.name = "method",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(method),
	 .def = "tcp,send,write-imm,write-read,write-flush,write",
	 .names = method_names,
	 .metavar = "HOW[,...]",
	 .column = "method",
	 .help = "how a record reaches a peer and becomes durable there; it "
		 "decides the transport; local: no peer (--rf 1)"},
	{.name = "size",
	 .letter = 's',
	 .type = OPT_SIZE,
	 .role = OPT_AXIS,
	 .offset = AT(size),
	 .min = 64,
	 .max = 1 << 20,
	 .def = "4k",
	 .metavar = "SIZE[,...]",
	 .help = "payload of a record"},
	{.name = "rf",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(rf),
	 .min = 1,
	 .max = 1 + END_PEERS_MAX,
	 .def = "2",
	 .metavar = "N[,...]",
	 .column = "rf",
	 .help = "replicas, the leader's own among them"},
	{.name = "ack",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(ack),
	 .def = "all",
	 .names = ack_names,
	 .metavar = "K[,...]",
	 .column = "ack",
	 .help = "durable copies before a write is acknowledged, the local "
		 "one counts"},
	{.name = "commit",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(commit),
	 .def = "checksum",
	 .names = rlog_commit_names,
	 .metavar = "HOW[,...]",
	 .column = "commit",
	 .help = "a record counts when its checksum is right, or when an "
		 "8-byte tail has passed it (of one-sided methods by "
		 "write-flush "
		 "only, which writes it by ATOMIC WRITE)"},
	{.name = "post",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(post),
	 .def = "chained",
	 .names = post_names,
	 .metavar = "HOW[,...]",
	 .column = "post",
	 .help = "write-read, write-flush: all in one post, or the rest after "
		 "the write's completion"},
	{.name = "placement",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(placement),
	 .def = "global",
	 .names = placement_names,
	 .metavar = "HOW[,...]",
	 .column = "placement",
	 .help = "write-flush: FLUSH until the record is visible at the peer, "
		 "or durable, for which its log must be in persistent memory "
		 "(--memory devdax)"},
	{.name = "outstanding",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(outstanding),
	 .min = 1,
	 .max = 64,
	 .def = "1",
	 .metavar = "N[,...]",
	 .column = "outstanding",
	 .help = "writers that each wait for their acknowledgement; where a "
		 "batch has reads, FLUSHes or atomics no more than --rd-atomic "
		 "lets go at once"},
	{.name = "group",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(group),
	 .min = 1,
	 .max = 64,
	 .def = "1",
	 .metavar = "N[,...]",
	 .column = "group_records",
	 .help = "group commit: so many records are made durable at once"},
	{.name = "group-time",
	 .type = OPT_TIME,
	 .role = OPT_KNOB,
	 .offset = AT(group_ns),
	 .max = 1000000000,
	 .def = "0",
	 .metavar = "TIME",
	 .column = "group_time_ns",
	 .help = "or fewer, when the oldest has waited so long; 0: full "
		 "groups only"},
	{.name = "nvm-delay",
	 .type = OPT_TIME,
	 .role = OPT_AXIS,
	 .offset = AT(nvm_delay_ns),
	 .max = 10000000,
	 .def = "0",
	 .metavar = "TIME[,...]",
	 .column = "nvm_delay_ns",
	 .help = "a slower medium: added to each fence of a CPU that persists "
		 "(one Optane DIMM takes 2.3 GB/s of writes, so 4 KiB in "
		 "1.8us: Yang et al., FAST 2020)"},
	{.name = "peer-load",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(peer_load),
	 .max = 100,
	 .def = "0",
	 .metavar = "PERCENT[,...]",
	 .column = "peer_load_percent",
	 .help = "an application at each peer that wants so much of the CPU "
		 "which serves the log"},
	{.name = "memory",
	 .type = OPT_ENUM,
	 .role = OPT_HOST,
	 .offset = AT(memory),
	 .def = "dram",
	 .names = nvm_kind_names,
	 .metavar = "KIND[,KIND]",
	 .column = "memory",
	 .help = "of the log: dram and file are emulations; fsdax cannot be "
		 "registered for one-sided methods"},
	{.name = "pmem-dir",
	 .type = OPT_TEXT,
	 .role = OPT_HOST,
	 .offset = AT(pmem_dir),
	 .def = "",
	 .metavar = "PATH[,PATH]",
	 .help = "folder for the log's file (file, fsdax), which stays if the "
		 "trial ends badly, or the DAX device"},
	{.name = "log-size",
	 .type = OPT_SIZE,
	 .role = OPT_AXIS,
	 .offset = AT(log_bytes),
	 .min = 65536,
	 .max = 1ull << 34,
	 .def = "8M",
	 .metavar = "SIZE[,...]",
	 .column = "log_bytes",
	 .help = "of the ring, at least (it holds every outstanding batch "
		 "eight times)"},
};

static const struct opt_group group = {
	.title = "oplog",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

#define X(id, name_, unit_, kind_, side_, merge_, help_)                       \
	{.name = name_,                                                        \
	 .unit = unit_,                                                        \
	 .kind = METRIC_##kind_,                                               \
	 .side = SIDE_##side_,                                                 \
	 .merge = MERGE_##merge_,                                              \
	 .help = help_},
static const struct metric metrics[] = {OPLOG_METRICS(X)};
#undef X

static const char *const notes[] = {"durable", "durable_reason", "peer_memory",
				    "writers_clipped", "checksum_by"};

/* Sizes; replicas; writers; chaining; what the peers' own work costs;
 * recovery. */
static const struct sweep sweeps[] = {
	{{{"method", "tcp,send,write-imm,write-read,write-flush,write"},
	  {"size", "512,4k,8k,64k"}}},
	{{{"method", "tcp,send,write-read"}, {"rf", "1,2,3"}}},
	{{{"method", "write-flush"}, {"placement", "global,persistent"}}},
	{{{"method", "write-flush"}, {"commit", "checksum,tail"}}},
	{{{"method", "tcp,send,write-imm,write-read,write-flush"},
	  {"outstanding", "1,4,16,64"}}},
	{{{"method", "write-read"}, {"post", "chained,serialised"}}},
	{{{"method", "tcp,send,write-read"}, {"peer-load", "0,50,90"}}},
	{{{"rf", "1"}, {"log-size", "1M,4M,16M,64M"}}},
};

static const struct scenario_default defaults[] = {
	{"transport", "rdma"},
	/* Many points. */
	{"duration", "30ms"},
};

bool oplog_one_sided(enum oplog_method m)
{
	return m == OPLOG_WRITE_READ || m == OPLOG_WRITE_FLUSH ||
	       m == OPLOG_WRITE;
}

enum rlog_reach oplog_reach(enum oplog_method m)
{
	if (m == OPLOG_WRITE_FLUSH)
		return RLOG_WRITE_FLUSH;
	return m == OPLOG_WRITE_READ ? RLOG_WRITE_READ : RLOG_WRITE;
}

enum durable_by oplog_durable_by(const struct oplog_cfg *c)
{
	switch (c->method) {
	case OPLOG_WRITE:
		return DURABLE_BY_WRITE;
	case OPLOG_WRITE_READ:
		return DURABLE_BY_READ;
	case OPLOG_WRITE_FLUSH:
		return c->placement == PLACE_PERSISTENT ? DURABLE_BY_PERSISTENT
							: DURABLE_BY_GLOBAL;
	default:
		return DURABLE_BY_CPU;
	}
}

static unsigned copies(const struct oplog_cfg *c)
{
	if (c->ack == ACK_ALL)
		return (unsigned)c->rf;
	if (c->ack == ACK_MAJORITY)
		return (unsigned)c->rf / 2 + 1;
	return (unsigned)(c->ack - ACK_ONE) + 1;
}

void oplog_shape(const struct oplog_cfg *c, struct oplog_shape *s)
{
	const uint64_t batches = (c->outstanding + c->group - 1) / c->group;
	uint64_t most;

	*s = (struct oplog_shape){
		.record_bytes = rlog_record_bytes(c->size),
		.copies = copies(c),
	};
	s->batch_bytes = c->group * s->record_bytes;
	s->message_bytes = sizeof(struct oplog_head) + s->batch_bytes;
	/* Batches that are acknowledged, but not by the slowest peer yet. */
	s->slots = (unsigned)(s->copies < c->rf ? 2 * batches : batches) + 1;
	most = (uint64_t)8 * s->slots * s->batch_bytes;
	s->capacity = c->log_bytes > most ? c->log_bytes : most;
	s->capacity -= s->capacity % s->batch_bytes;
}

/* The method decides the transport. */
static void settle(struct point *pt)
{
	struct oplog_cfg *c = (void *)pt->scn_cfg;
	const struct transport *t = link_transport(&pt->link);
	unsigned i;
	bool tcp;

	if (c->rf == 1)
		c->method = OPLOG_LOCAL;
	/* A log without a link is the same one, whatever it would have. */
	tcp = c->method == OPLOG_TCP || c->method == OPLOG_LOCAL;
	if (tcp == !strcmp(t->name, "tcp"))
		return;
	for (i = 0; (t = transport_at(i)); i++)
		if (!strcmp(t->name, tcp ? "tcp" : "rdma"))
			pt->link.transport = i;
}

static int contradiction(const char *words, struct err *err)
{
	return err_set(err, -EINVAL, REASON_USAGE, "%s", words);
}

static int supported(const void *cfg, struct err *err)
{
	const struct oplog_cfg *c = cfg;
	const bool one_sided = oplog_one_sided((enum oplog_method)c->method);

	if (c->method == OPLOG_LOCAL && c->rf > 1)
		return contradiction("--method local is for --rf 1", err);
	if (copies(c) > c->rf)
		return contradiction("--ack is more than --rf", err);
	if (c->group > c->outstanding)
		return contradiction("--group is more than --outstanding: it "
				     "would never be full",
				     err);
	if (one_sided && c->method != OPLOG_WRITE_FLUSH &&
	    c->commit == RLOG_BY_TAIL)
		return contradiction("--commit tail by a one-sided method "
				     "wants ATOMIC WRITE (write-flush): a "
				     "plain write of 8 bytes is not atomic",
				     err);
	if (c->placement == PLACE_PERSISTENT && c->method != OPLOG_WRITE_FLUSH)
		return contradiction("--placement persistent is for --method "
				     "write-flush",
				     err);
	if (one_sided && c->nvm_delay_ns)
		return contradiction("--nvm-delay slows a CPU's stores: it "
				     "cannot slow those of one-sided methods",
				     err);
	if (c->post == POST_SERIALISED &&
	    (!one_sided || c->method == OPLOG_WRITE))
		return contradiction("--post serialised is for --method "
				     "write-read and write-flush",
				     err);
	return 0;
}

static unsigned ops_of(const struct oplog_cfg *c)
{
	const enum oplog_method m = (enum oplog_method)c->method;

	/* A bare write too: before the peer verifies. */
	if (m == OPLOG_WRITE || m == OPLOG_WRITE_READ)
		return OP_BIT(OP_WRITE) | OP_BIT(OP_READ);
	if (m == OPLOG_WRITE_FLUSH)
		return OP_BIT(OP_WRITE) | OP_BIT(OP_FLUSH) |
		       (c->commit == RLOG_BY_TAIL ? OP_BIT(OP_ATOMIC_WRITE)
						  : 0);
	return OP_BIT(OP_SEND) | OP_BIT(OP_RECV) |
	       (m == OPLOG_WRITE_IMM ? OP_BIT(OP_WRITE_IMM) : 0);
}

static void need(const void *cfg, struct need *n)
{
	const struct oplog_cfg *c = cfg;
	struct oplog_shape s;

	oplog_shape(c, &s);
	*n = (struct need){
		.ops = ops_of(c),
		.max_bytes = s.message_bytes,
		.recv_depth = s.slots + 1,
		/* Each has its steps, or a send that is signalled now and
		 * then. */
		.send_depth = RLOG_STEPS_MAX * s.slots + 64,
		.peers = (unsigned)c->rf - 1,
		.no_link = c->rf == 1,
		.client_alone = c->rf == 1,
		.lock_bytes =
			(s.slots + 1) * (s.message_bytes + 64) + s.capacity,
		.op = method_names[c->method],
		.size_bytes = c->size,
	};
}

static int check_link(const struct caps *caps, const struct oplog_cfg *c,
		      struct err *err)
{
	const bool persistent = c->placement == PLACE_PERSISTENT;

	if (caps->lossy)
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "a log wants each record to arrive: %s loses "
			       "messages, and nobody tells",
			       caps->qp_type);
	if (c->method == OPLOG_WRITE_FLUSH &&
	    !(persistent ? caps->flush_persistent : caps->flush_global))
		return err_set(err, -EOPNOTSUPP, REASON_DEVICE_LIMIT,
			       "%s has no FLUSH of %s placement", caps->device,
			       placement_names[c->placement]);
	return 0;
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	int ret = check_link(end_caps(e), cfg, err);

	if (ret)
		return ret;
	return e->role == ROLE_ACTIVE ? oplog_leader_open(e, cfg, err)
				      : oplog_peer_open(e, cfg, err);
}

static int verify(struct end *e, struct err *err)
{
	return e->role == ROLE_ACTIVE ? oplog_leader_verify(e, err)
				      : oplog_peer_verify(e, err);
}

static void teardown(struct end *e)
{
	if (e->role == ROLE_ACTIVE)
		oplog_leader_close(e);
	else
		oplog_peer_close(e);
}

/* Both ends of a range, and what is small enough for a software device. */
static const struct scenario_default smoke[] = {
	{"size", "512,4k"}, {"outstanding", "1,16"}, {"log-size", "1M"}};

/* Of many points, what a figure needs. */
static const struct scenario_default quick_all[] = {{"size", "512,4k,64k"},
						    {"outstanding", "1,4,64"}};

const struct scenario scenario_oplog = {
	.name = "oplog",
	.summary = "a durable, replicated log write, by how it is made durable",
	.question = "What does a log write cost that is durable on one, two or "
		    "three hosts, by each way of making it durable, and is it?",
	.source =
		"the write buffer of a distributed store; compare PMDK's RPMA "
		"performance report (2021)",
	.opts = &group,
	.cfg_size = sizeof(struct oplog_cfg),
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(defaults[0]),
	.sweeps = sweeps,
	.n_sweeps = sizeof(sweeps) / sizeof(sweeps[0]),
	.smoke = smoke,
	.n_smoke = sizeof(smoke) / sizeof(smoke[0]),
	.quick_all = quick_all,
	.n_quick_all = sizeof(quick_all) / sizeof(quick_all[0]),
	.metrics = metrics,
	.n_metrics = sizeof(metrics) / sizeof(metrics[0]),
	.notes = notes,
	.n_notes = sizeof(notes) / sizeof(notes[0]),
	.peers_csv = true,
	.report = &report_oplog,
	.settle = settle,
	.supported = supported,
	.need = need,
	.setup = setup,
	.client = oplog_lead,
	.server = oplog_follow,
	.verify = verify,
	.teardown = teardown,
};
