/* A window's buffers and prepared work, and what is in them afterwards. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/smaller.h"
#include "work/parts.h"
#include "work/window.h"
#include "work/window_work.h"

enum { CREDIT_WORDS = 16 };

/* Receives, where there may be more than two windows of them: with those for
 * credit as many as a queue of 1,024 takes where one entry stays free (rxe), and
 * no more than a cache holds. */
enum { WINDOWS = 8, RECVS = 1023 - WINDOW_CREDITS, RECVS_BYTES = 1 << 20 };

static bool is_told(enum op op)
{
	return op == OP_SEND || op == OP_WRITE_IMM;
}

static bool is_stamped(const struct window_attr *a)
{
	return !a->rotate && a->op != OP_READ && a->op != OP_FLUSH &&
	       !window_is_atomic(a->op);
}

static unsigned slots_of(const struct window_attr *a)
{
	return (a->outstanding + a->post_list - 1) / a->post_list *
	       a->post_list;
}

/* Of `most` buffers. */
static unsigned places_of(const struct window_attr *a, unsigned most)
{
	return a->rotate && a->rotate < most ? a->rotate : most;
}

/* The more there are, the less often credit is told.  But where a message is
 * complete before it is at the peer's device, nothing but credit bounds how
 * many are on their way: two windows then. */
static unsigned recvs_of(const struct window_attr *a, bool acknowledged)
{
	const unsigned two = 2 * slots_of(a), eight = WINDOWS * slots_of(a);
	unsigned many = smaller(eight, RECVS);

	if (!acknowledged || !is_told(a->op))
		return two;
	if (!a->rotate)
		many = smaller(many,
			       (unsigned)(RECVS_BYTES / parts_stride(a->size)));
	return many > two ? many : two;
}

/* Before there is a link, which decides it. */
static unsigned most_recvs(const struct window_attr *a)
{
	return recvs_of(a, true);
}

unsigned window_recv_depth(const struct window_attr *a)
{
	/* The client's are for credit: the server sends no more of it than
	 * there were messages. */
	return most_recvs(a) + WINDOW_CREDITS;
}

unsigned window_send_depth(const struct window_attr *a)
{
	return slots_of(a) + WINDOW_CREDITS;
}

uint64_t window_bytes(const struct window_attr *a)
{
	const unsigned places =
		places_of(a, slots_of(a)) + places_of(a, most_recvs(a));

	return (uint64_t)places * parts_stride(a->size) +
	       (CREDIT_WORDS + most_recvs(a)) * sizeof(uint64_t);
}

/* --- work, made once ------------------------------------------------------ */

static void make_works(struct window *w)
{
	unsigned i;

	for (i = 0; i < w->n_tx_places; i++)
		parts_cut(&w->sges[(size_t)i * w->a.sges], w->a.sges,
			  w->tx + i * w->stride, w->a.size, w->region);
	for (i = 0; i < w->a.post_list; i++)
		w->works[i] = (struct work){
			.op = w->a.op,
			.lane = w->a.lane,
			.n_sges = w->a.op == OP_FLUSH ? 0 : w->a.sges,
			.sges = w->sges,
			/* A fetch-add's addend, or the length of a flush. */
			.compare_add = w->a.op == OP_FLUSH ? w->a.size : 1,
		};
}

/* Receives, for credit or for messages; a message that is written elsewhere
 * needs no memory. */
static void make_recvs(struct window *w)
{
	const size_t len = w->sender		     ? sizeof(uint64_t)
			   : w->a.op == OP_WRITE_IMM ? 0
						     : w->a.size;
	char *const first = w->sender ? (char *)w->credit_rx : w->rx;
	const size_t step = w->sender ? sizeof(uint64_t) : w->stride;
	unsigned i;

	for (i = 0; i < w->n_recv_sges; i++)
		w->recv_sges[i] = (struct sge){
			.addr = first + i * step,
			.len = len,
			.region = w->region,
		};
	for (i = 0; i < WINDOW_LIST_MAX; i++)
		w->recvs[i] = (struct work){
			.op = OP_RECV,
			.lane = w->a.lane,
			.n_sges = len != 0,
		};
}

static int allocate(struct window *w, struct err *err)
{
	w->works = calloc(w->a.post_list, sizeof(*w->works));
	w->sges = calloc((size_t)w->n_tx_places * w->a.sges, sizeof(*w->sges));
	w->recvs = calloc(WINDOW_LIST_MAX, sizeof(*w->recvs));
	w->recv_sges = calloc(w->n_recv_sges, sizeof(*w->recv_sges));
	w->begun = calloc(w->n_slots, sizeof(*w->begun));
	if (w->works && w->sges && w->recvs && w->recv_sges && w->begun)
		return 0;
	return err_sys(err, -ENOMEM, "a window of %u", w->n_slots);
}

/* What is read, by place; where they take turns it must not matter which of
 * two reads came last. */
static uint64_t seed_to_read(const struct window *w, unsigned place)
{
	return WINDOW_SEED + (w->a.rotate ? 0 : place);
}

static void fill_slots(struct window *w)
{
	unsigned i;

	if (window_is_atomic(w->a.op))
		return; /* counting begins at 0 */
	for (i = 0; i < w->n_tx_places && w->a.op != OP_READ; i++)
		scan_fill(w->tx + i * w->stride, w->a.size, WINDOW_SEED);
	/* What is written to stays zero until then; what is read is not. */
	for (i = 0; i < w->n_rx_places && w->a.op == OP_READ; i++)
		scan_fill(w->rx + i * w->stride, w->a.size, seed_to_read(w, i));
}

static int map_memory(struct window *w, struct err *err)
{
	struct ep *ep = w->end->ep;
	const unsigned flush = w->a.op == OP_WRITE ? OP_BIT(OP_READ) : 0;
	const unsigned access = (OP_BIT(w->a.op) & ~OP_BIT(OP_SEND)) | flush;
	int ret;

	ret = mem_alloc_on(&w->mem, window_bytes(&w->a), w->end->is.numa_node,
			   err);
	if (ret)
		return ret;
	w->tx = w->mem.addr;
	w->rx = w->tx + w->n_tx_places * w->stride;
	w->credit_tx = (void *)(w->rx + w->n_rx_places * w->stride);
	w->credit_rx = w->credit_tx + CREDIT_WORDS;
	return ep->tp->reg(ep, w->mem.addr, w->mem.len, access, &w->region,
			   err);
}

static int post_first_receives(struct window *w, struct err *err)
{
	unsigned i, n, place = 0;
	int ret;

	for (i = 0; w->told && i < w->n_rx; i += n) {
		n = w->n_rx - i < WINDOW_LIST_MAX ? w->n_rx - i
						  : WINDOW_LIST_MAX;
		ret = window_post_recvs(w, i, n, &place, err);
		if (ret)
			return ret;
	}
	return 0;
}

int window_learn(struct window *w, struct err *err)
{
	uint32_t rkey;
	unsigned i;
	int ret = parts_learn_memory(w->end, w->a.lane, &w->remote_addr, &rkey,
				     err);

	for (i = 0; !ret && i < w->a.post_list; i++)
		w->works[i].remote_rkey = rkey;
	return ret;
}

/* Much, as telling costs what several messages do (the sender runs beside an end
 * that sends as well: on rxe some eight); and so little that the sender has a
 * window left meanwhile, or more, if it is not ahead of the receiver. */
static unsigned credit_untold_max(const struct window *w)
{
	return w->n_rx - w->n_slots;
}

/* How many of everything there are, and where the first is. */
static void settle_counts(struct window *w)
{
	const struct window_attr *a = &w->a;

	w->n_slots = slots_of(a);
	w->n_rx = recvs_of(a, w->end->ep->caps.acknowledged);
	w->tell_after = credit_untold_max(w);
	w->n_tx_places = places_of(a, w->n_slots);
	w->n_rx_places = places_of(a, w->n_rx);
	w->n_recv_sges = w->sender ? w->n_rx : w->n_rx_places;
	w->stride = parts_stride(a->size);
	w->remote_step = window_is_atomic(a->op) ? 0 : w->stride;
	w->granted = w->n_rx;
	w->number = 1;
	/* number modulo n_rx_places; arrived modulo n_rx */
	w->rx_slot = w->sender ? 1 % w->n_rx_places : 0;
}

int window_init(struct window *w, struct end *e, const struct window_attr *a,
		struct err *err)
{
	int ret;

	memset(w, 0, sizeof(*w));
	assert(!a->rotate ||
	       (!window_is_atomic(a->op) && a->verify != VERIFY_EACH));
	w->end = e;
	w->a = *a;
	w->told = is_told(a->op);
	w->sender = (e->role == ROLE_ACTIVE) != a->reverse;
	w->lossy = e->ep->caps.lossy;
	w->ordered = !w->lossy || e->pt->link.qp_type != QP_UD;
	settle_counts(w);
	w->stamp = is_stamped(a) ? parts_stamp(a->verify) : STAMP_NONE;
	ret = parts_check_writes(e, a->op, err);
	if (!ret)
		ret = allocate(w, err);
	if (!ret)
		ret = map_memory(w, err);
	if (ret)
		return ret;
	fill_slots(w);
	make_works(w);
	make_recvs(w);
	parts_tell_memory(w->end, w->a.lane, w->rx, w->region->rkey);
	return post_first_receives(w, err);
}

void window_fini(struct window *w)
{
	if (w->region)
		w->end->ep->tp->dereg(w->end->ep, w->region);
	w->region = NULL;
	mem_free(&w->mem);
	free(w->works);
	free(w->sges);
	free(w->recvs);
	free(w->recv_sges);
	free(w->begun);
}

/* --- what arrived --------------------------------------------------------- */

static uint64_t stamp_in(const char *slot)
{
	uint64_t number;

	memcpy(&number, slot, sizeof(number));
	return number;
}

/* Its number: in order, or of datagrams at least new.  What was lost leaves a
 * gap in the numbers, but no step back. */
static int check_number(const struct window *w, uint64_t number,
			struct err *err)
{
	if (number > (w->ordered ? w->arrived : 0))
		return 0;
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "message %llu after %llu others",
		       (unsigned long long)number,
		       (unsigned long long)w->arrived);
}

int window_verify_message(struct window *w, unsigned slot, struct err *err)
{
	const char *at = w->rx + slot % w->n_rx_places * w->stride;
	struct scan_expect want = {
		.seed = WINDOW_SEED,
		.op = w->arrived + 1,
		.stamp = w->stamp,
	};
	int ret = 0;

	if (!parts_can_verify(w->end, w->a.size))
		return 0;
	w->verified++;
	if (w->lossy)
		want.op = stamp_in(at);
	if (w->stamp != STAMP_NONE)
		ret = check_number(w, want.op, err);
	return ret ? ret : scan_verify(at, w->a.size, &want, err);
}

int window_verify_read(struct window *w, unsigned slot, uint64_t number,
		       struct err *err)
{
	const char *at = w->tx + slot % w->n_tx_places * w->stride;
	struct scan_expect want = {
		.seed = seed_to_read(w, (unsigned)(number % w->n_rx_places)),
		.op = number,
		.stamp = STAMP_NONE,
	};

	w->verified++;
	return scan_verify(at, w->a.size, &want, err);
}

/* Operation k wrote slot k modulo their number, with its own number unless they
 * take turns; whoever came last is not known here, but where it must have been
 * is. */
static int verify_written(struct window *w, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < w->n_rx_places; i++) {
		const char *at = w->rx + i * w->stride;
		struct scan_expect want = {
			.seed = WINDOW_SEED,
			.op = stamp_in(at),
			.stamp = w->stamp,
		};

		if (!want.op)
			continue; /* not reached yet, or lost */
		if (w->stamp != STAMP_NONE && want.op % w->n_rx_places != i)
			return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
				       "slot %u holds operation %llu", i,
				       (unsigned long long)want.op);
		/* Of messages each is counted when it arrives. */
		w->verified += !w->told || w->a.verify != VERIFY_EACH;
		ret = scan_verify(at, w->a.size, &want, err);
	}
	return ret;
}

static int verify_last(struct window *w, struct err *err)
{
	const bool client = w->sender;
	const bool writes = w->a.op == OP_WRITE || w->a.op == OP_WRITE_IMM ||
			    w->a.op == OP_ATOMIC_WRITE;

	if (w->a.verify == VERIFY_NONE || w->a.size < sizeof(uint64_t))
		return 0;
	/* What is lost in the middle has left its begin behind. */
	if (!client && writes && !w->lossy && (w->arrived || !w->told))
		return verify_written(w, err);
	if (client && w->a.op == OP_READ && w->posted &&
	    w->a.verify != VERIFY_EACH)
		return window_verify_read(
			w, (unsigned)((w->posted - 1) % w->n_slots),
			w->number - 1, err);
	return 0;
}

/* Each operation went to a place of its own, until there was none left: the
 * server that verified fewer has not got some. */
static int check_found(const struct window *w, struct err *err)
{
	const uint64_t written = w->number - 1;
	const bool writes = w->a.op == OP_WRITE || w->a.op == OP_ATOMIC_WRITE;

	if (!writes || w->end->role != ROLE_ACTIVE || !w->end->peer_tallies ||
	    w->a.verify == VERIFY_NONE || w->a.size < sizeof(uint64_t))
		return 0;
	return parts_check_found(
		w->end, written < w->n_rx_places ? written : w->n_rx_places,
		err);
}

int window_verify(struct window *w, struct err *err)
{
	const uint64_t before = w->verified;
	int ret = verify_last(w, err);

	w->end->verified += w->verified - before;
	if (!ret && w->sender)
		ret = check_found(w, err);
	return ret;
}
