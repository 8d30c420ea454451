#include "machine/nic_counters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "machine/sysfs.h"

/* IBTA port counters, mlx4/mlx5 (Documentation/networking/devlink and the
 * vendor's "Understanding mlx5 Linux counters"), irdma/i40iw, bnxt_re, hns,
 * efa and rxe (drivers/infiniband/sw/rxe/rxe_hw_counters.c). */
static const char *const marks[] = {
	"port_xmit_discards",
	"port_xmit_constraint_errors",
	"port_rcv_errors",
	"port_rcv_remote_physical_errors",
	"port_rcv_constraint_errors",
	"local_link_integrity_errors",
	"excessive_buffer_overrun_errors",
	"symbol_error",
	"link_error_recovery",
	"link_downed",
	"VL15_dropped",
	"duplicate_request",
	"implied_nak_seq_err",
	"local_ack_timeout_err",
	"out_of_buffer",
	"out_of_sequence",
	"packet_seq_err",
	"rnr_nak_retry_err",
	"req_transport_retries_exceeded",
	"req_rnr_retries_exceeded",
	"roce_adp_retrans",
	"roce_adp_retrans_to",
	"roce_slow_restart",
	"roce_slow_restart_cnps",
	"np_cnp_sent",
	"np_ecn_marked_roce_packets",
	"rp_cnp_handled",
	"rp_cnp_ignored",
	"rx_icrc_encapsulated",
	"out_of_seq_request",
	"rcvd_rnr_err",
	"send_rnr_err",
	"rcvd_seq_err",
	"retry_exceeded_err",
	"retry_rnr_exceeded_err",
	"completer_retry_err",
	"send_err",
	"cnpHandled",
	"cnpIgnored",
	"cnpSent",
	"RxECNMrkd",
	"tcpRetransSegs",
	"to_retransmits",
	"seq_err_naks_rcvd",
	"rnr_naks_rcvd",
	"missing_resp",
	"rx_cnp_pkts",
	"tx_cnp_pkts",
	"rx_ecn_marked_pkts",
	"retrans_pkts",
	"retrans_timeout_events",
};

enum { MARKS = sizeof(marks) / sizeof(marks[0]) };
_Static_assert(sizeof(marks) / sizeof(marks[0]) <= 63,
	       "tally.nic_marks is one word");

const char *nic_mark_name(unsigned i)
{
	return i < MARKS ? marks[i] : NULL;
}

/* Folders of a port: what the InfiniBand specification names, and what the
 * driver has besides. */
#define IBTA "counters/"
#define HW "hw_counters/"

/* Where each is, best first.  IBTA data counters are in 4-byte words. */
static const struct {
	unsigned id, factor;
	const char *file;
} files[] = {
	{CTR_NIC_SENT, 4, IBTA "port_xmit_data"},
	{CTR_NIC_RECV, 4, IBTA "port_rcv_data"},
	{CTR_NIC_SENT_PKTS, 1, IBTA "port_xmit_packets"},
	{CTR_NIC_SENT_PKTS, 1, HW "sent_pkts"},
	{CTR_NIC_RECV_PKTS, 1, IBTA "port_rcv_packets"},
	{CTR_NIC_RECV_PKTS, 1, HW "rcvd_pkts"},
	{CTR_NIC_WAIT, 1, IBTA "port_xmit_wait"},
};

#define LIFESPAN_MAX_NS 100000000u

static bool starts_with(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool find_stat(const struct nic_counters *n, const char *name,
		      uint64_t *v)
{
	unsigned i;

	for (i = 0; i < n->n_stats; i++) {
		if (strcmp(n->stats[i].name, name))
			continue;
		*v = n->stats[i].value;
		return true;
	}
	return false;
}

static bool read_file(const struct nic_counters *n, const char *file,
		      uint64_t *v)
{
	char path[300];

	if (n->n_stats && starts_with(file, HW))
		return find_stat(n, file + strlen(HW), v);
	if (!n->has_ibta && starts_with(file, IBTA))
		return false;
	snprintf(path, sizeof(path), "%s/%s", n->dir, file);
	return !sysfs_u64(path, v);
}

static bool read_counter(const struct nic_counters *n, unsigned id, uint64_t *v)
{
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i].id != id || !read_file(n, files[i].file, v))
			continue;
		*v *= files[i].factor;
		return true;
	}
	return false;
}

static bool read_mark(const struct nic_counters *n, unsigned i, uint64_t *v)
{
	char file[80];

	snprintf(file, sizeof(file), HW "%s", marks[i]);
	if (read_file(n, file, v))
		return true;
	snprintf(file, sizeof(file), IBTA "%s", marks[i]);
	return read_file(n, file, v);
}

void nic_counters_open(struct nic_counters *n, const struct counter_list *list,
		       const struct nic_source *source, const char *device,
		       unsigned port)
{
	char ibta[200];
	uint64_t ms;

	memset(n, 0, sizeof(*n));
	n->list = *list;
	if (!device[0] || !counter_list_has_nic(list))
		return;
	n->read_stats = source->stats;
	snprintf(n->device, sizeof(n->device), "%s", device);
	n->port = port;
	snprintf(n->dir, sizeof(n->dir), "%s/%s/ports/%u", source->root, device,
		 port);
	snprintf(ibta, sizeof(ibta), "%s/" IBTA, n->dir);
	n->has_ibta = !access(ibta, F_OK);
	if (read_file(n, HW "lifespan", &ms))
		n->lifespan_ns = ms * 1000000u;
	if (n->lifespan_ns > LIFESPAN_MAX_NS)
		n->lifespan_ns = LIFESPAN_MAX_NS;
	nic_counters_quiet(n);
}

void nic_counters_quiet(struct nic_counters *n)
{
	if (n->dir[0])
		n->quiet_ns = clock_raw_ns();
}

static void wait_lifespan(const struct nic_counters *n)
{
	/* A jiffy more: the kernel compares in those. */
	uint64_t until =
		n->quiet_ns + n->lifespan_ns + (n->lifespan_ns ? 10000000u : 0);
	uint64_t now = clock_raw_ns();
	struct timespec ts;

	if (now >= until)
		return;
	ts.tv_sec = 0;
	ts.tv_nsec = (long)(until - now);
	nanosleep(&ts, NULL);
}

/* What is read next is what the device counts now. */
static void freshen(struct nic_counters *n)
{
	int got = -ENOSYS;

	if (n->read_stats)
		got = n->read_stats(n->device, n->port, n->stats,
				    NIC_STATS_MAX);
	n->n_stats = got > 0 ? (unsigned)got : 0;
	if (!n->n_stats)
		wait_lifespan(n);
}

void nic_counters_begin(struct nic_counters *n)
{
	unsigned i;

	if (!n->dir[0])
		return;
	n->marks_had = 0;
	freshen(n);
	for (i = 0; i < n->list.n; i++)
		n->had[i] =
			counter_is_nic(&n->list.counter[i]) &&
			read_counter(n, n->list.counter[i].id, &n->before[i]);
	for (i = 0; i < MARKS; i++)
		if (read_mark(n, i, &n->marks_before[i]))
			n->marks_had |= (uint64_t)1 << i;
}

static struct reading difference(const struct nic_counters *n, unsigned i)
{
	uint64_t now;

	if (!n->dir[0])
		return (struct reading){.state = READING_NO_RDMA};
	if (!n->had[i])
		return (struct reading){.state = READING_NOT_IN_NIC};
	if (!read_counter(n, n->list.counter[i].id, &now) || now < n->before[i])
		return (struct reading){.state = READING_UNREADABLE};
	return (struct reading){.value = now - n->before[i],
				.state = READING_OK};
}

void nic_counters_end(struct nic_counters *n, struct tally *t)
{
	uint64_t now;
	unsigned i;

	if (n->dir[0])
		freshen(n);
	for (i = 0; i < n->list.n; i++)
		if (counter_is_nic(&n->list.counter[i]))
			t->counter[i] = difference(n, i);
	if (n->marks_had)
		t->nic_marks |= NIC_MARKS_WATCHED;
	for (i = 0; i < MARKS; i++)
		if (n->marks_had >> i & 1 && read_mark(n, i, &now) &&
		    now > n->marks_before[i])
			t->nic_marks |= (uint64_t)1 << i;
}
