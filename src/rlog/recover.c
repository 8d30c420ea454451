#include "rlog/recover.h"

#include <errno.h>
#include <string.h>

#define X(id, word) [RLOG_STOP_##id] = word,
const char *const rlog_stop_names[RLOG_STOP_COUNT] = {RLOG_STOPS(X)};
#undef X

static bool never_written(const struct rlog_header *h)
{
	static const struct rlog_header zeros;

	return !memcmp(h, &zeros, sizeof(zeros));
}

/* A header that is not the next one: what is it? */
static enum rlog_stop not_next(const struct rlog_scan *s,
			       const struct rlog_header *h)
{
	if (h->offset < s->end)
		return RLOG_STOP_STALE;
	if (h->offset > s->end || h->sequence != s->next_sequence)
		return RLOG_STOP_SEQUENCE;
	return RLOG_STOP_STALE; /* it follows on something else */
}

/*
 * Checks the place at s->end: true if the next record is there, else
 * s->stop says what is.  Lengths are checked against the ring before they
 * are believed.
 */
static bool valid_here(struct rlog_scan *s, const struct rlog_header *h,
		       enum crc32c_way crc)
{
	const uint64_t room = s->capacity - s->end % s->capacity;

	if (h->magic != RLOG_MAGIC) {
		s->stop =
			never_written(h) ? RLOG_STOP_EMPTY : RLOG_STOP_GARBAGE;
		return false;
	}
	s->stop = RLOG_STOP_TORN;
	if (h->flags & ~(uint32_t)RLOG_FLAGS || rlog_header_span(h) > room ||
	    !rlog_header_sealed(h, crc))
		return false;
	if (s->end + rlog_header_span(h) - s->mark.head > s->capacity ||
	    h->offset != s->end || h->sequence != s->next_sequence ||
	    h->before != s->last || h->epoch < s->last_epoch ||
	    h->epoch > s->mark.epoch) {
		s->stop = not_next(s, h);
		return false;
	}
	return true;
}

static int take(struct rlog_scan *s, const struct rlog_header *h,
		const struct rlog_reader *how)
{
	s->end += rlog_header_span(h);
	s->last_epoch = h->epoch;
	s->last = h->crc;
	if (h->flags & RLOG_PAD)
		return 0;
	s->next_sequence++;
	s->records++;
	s->bytes += h->length;
	return how->visit ? how->visit(how->arg, h) : 0;
}

/* Commit by tail: at the tail it ends, and below it all must be valid.  (A
 * replica that is catching up may have a head beyond its tail.) */
static bool at_tail(struct rlog_scan *s)
{
	if (s->commit != RLOG_BY_TAIL || s->end < s->tail)
		return false;
	s->stop = RLOG_STOP_TAIL;
	return true;
}

static int walk(struct rlog_scan *s, const struct rlog_reader *how)
{
	const struct rlog_header *h;
	int ret;

	for (;;) {
		if (at_tail(s))
			return 0;
		if (s->end - s->mark.head >= s->capacity) {
			s->stop = RLOG_STOP_FULL;
			break;
		}
		h = rlog_scan_at(s, s->end);
		if (!valid_here(s, h, how->crc))
			break;
		ret = take(s, h, how);
		if (ret)
			return ret;
	}
	if (s->commit == RLOG_BY_TAIL)
		s->stop = RLOG_STOP_DAMAGED;
	return 0;
}

static int no_log(const char *what, struct err *err)
{
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "there is no log: %s", what);
}

int rlog_scan(struct rlog_scan *s, const void *region, size_t size,
	      const struct rlog_reader *how, struct err *err)
{
	static const struct rlog_reader plain;
	struct rlog_scan scan = {.region = region};
	struct rlog_super super;
	int ret;

	if (size < RLOG_RING_AT + RLOG_CAPACITY_MIN)
		return no_log("the memory is too small", err);
	memcpy(&super, region, sizeof(super));
	if (!rlog_super_valid(&super, size))
		return no_log("its first line is not one", err);
	if (rlog_mark_read(region, &scan.mark))
		return no_log("both marks of head and epoch are broken", err);
	if (scan.mark.head % RLOG_ALIGN || scan.mark.head > UINT64_MAX / 2)
		return no_log("its head is nowhere", err);
	scan.capacity = super.capacity;
	scan.commit = (enum rlog_commit)super.commit;
	memcpy(&scan.tail, scan.region + RLOG_TAIL_AT, sizeof(scan.tail));
	scan.end = scan.mark.head;
	scan.next_sequence = scan.mark.sequence;
	scan.last = scan.mark.before;
	ret = walk(&scan, how ? how : &plain);
	scan.rank = scan.mark.began > scan.last_epoch ? scan.mark.began
						      : scan.last_epoch;
	if (!ret)
		*s = scan;
	return ret;
}

static bool better(const struct rlog_scan *a, const struct rlog_scan *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (a->last_epoch != b->last_epoch)
		return a->last_epoch > b->last_epoch;
	return a->end > b->end;
}

int rlog_choose(const struct rlog_scan *scans, unsigned n, unsigned quorum)
{
	unsigned i, sound = 0;
	int best = -1;

	for (i = 0; i < n; i++) {
		if (scans[i].stop == RLOG_STOP_DAMAGED)
			continue;
		sound++;
		if (best < 0 || better(&scans[i], &scans[best]))
			best = (int)i;
	}
	return sound >= quorum ? best : -1;
}
