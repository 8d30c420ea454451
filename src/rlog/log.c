#include "rlog/log.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "rlog/recover.h"

static void persist(struct rlog *l, enum rlog_site site, const void *addr,
		    size_t len)
{
	l->io.flush(l->io.arg, site, addr, len);
	l->io.fence(l->io.arg, site);
	l->flushed_lines += (len + RLOG_ALIGN - 1) / RLOG_ALIGN;
}

static void store(struct rlog *l, void *dst, const void *src, size_t len)
{
	l->io.copy(l->io.arg, dst, src, len);
}

uint64_t rlog_payload_max(uint64_t capacity)
{
	return capacity / 4 - RLOG_HEADER_BYTES;
}

/* --- marks: head and epoch ------------------------------------------------- */

static void put_mark(struct rlog *l, const struct rlog_mark *m,
		     enum rlog_site site)
{
	char *at;

	l->mark = *m;
	l->mark.generation++;
	rlog_mark_seal(&l->mark);
	at = l->region + rlog_mark_at(l->mark.generation);
	store(l, at, &l->mark, sizeof(l->mark));
	persist(l, site, at, sizeof(l->mark));
}

int rlog_fence(struct rlog *l, uint64_t epoch)
{
	struct rlog_mark m = l->mark;

	if (epoch <= m.epoch)
		return -ESTALE;
	m.epoch = epoch;
	put_mark(l, &m, RLOG_AT_EPOCH);
	return 0;
}

void rlog_begin(struct rlog *l)
{
	struct rlog_mark m = l->mark;

	m.began = m.epoch;
	put_mark(l, &m, RLOG_AT_BEGIN);
}

void rlog_trim(struct rlog *l, uint64_t offset)
{
	struct rlog_mark m = l->mark;
	const struct rlog_header *h;

	while (m.head < l->committed) {
		h = rlog_at(l, m.head);
		if (m.head + rlog_header_span(h) > offset)
			break;
		m.head += rlog_header_span(h);
		m.sequence = h->sequence + !(h->flags & RLOG_PAD);
		m.before = h->crc;
	}
	if (m.head != l->mark.head)
		put_mark(l, &m, RLOG_AT_HEAD);
}

/* --- making and opening ------------------------------------------------------ */

static int check_region(const void *region, size_t size, struct err *err)
{
	if ((uintptr_t)region % RLOG_ALIGN)
		return err_set(err, -EINVAL, REASON_INTERNAL,
			       "a log's memory is not aligned to %d bytes",
			       RLOG_ALIGN);
	if (size >= RLOG_RING_AT + RLOG_CAPACITY_MIN)
		return 0;
	return err_set(err, -EINVAL, REASON_USAGE,
		       "%zu bytes are too few for a log: %d at least", size,
		       RLOG_RING_AT + RLOG_CAPACITY_MIN);
}

static void clear(struct rlog *l, size_t from, size_t to)
{
	static const char zeros[RLOG_RING_AT];
	size_t n;

	for (; from < to; from += n) {
		n = to - from < sizeof(zeros) ? to - from : sizeof(zeros);
		store(l, l->region + from, zeros, n);
	}
}

int rlog_format(void *region, size_t size, enum rlog_commit commit,
		uint64_t epoch, const struct rlog_io *io, struct err *err)
{
	struct rlog l = {.region = region, .io = *io};
	struct rlog_super super = {.commit = commit};
	struct rlog_mark mark = {.epoch = epoch, .began = epoch, .sequence = 1};
	int ret = check_region(region, size, err);

	if (ret)
		return ret;
	size -= size % RLOG_ALIGN;
	clear(&l, RLOG_SUPER_AT, RLOG_MARK_AT);
	persist(&l, RLOG_AT_FORMAT_BEGIN, region, RLOG_MARK_AT);
	clear(&l, RLOG_MARK_AT, size);
	mark.generation = 1;
	rlog_mark_seal(&mark);
	store(&l, l.region + rlog_mark_at(1), &mark, sizeof(mark));
	persist(&l, RLOG_AT_FORMAT_CLEAR, l.region + RLOG_MARK_AT,
		size - RLOG_MARK_AT);
	super.capacity = size - RLOG_RING_AT;
	rlog_super_seal(&super);
	store(&l, region, &super, sizeof(super));
	persist(&l, RLOG_AT_FORMAT_END, region, sizeof(super));
	return 0;
}

static void put_tail(struct rlog *l, uint64_t tail, enum rlog_site site)
{
	char *at = l->region + RLOG_TAIL_AT;

	store(l, at, &tail, sizeof(tail));
	persist(l, site, at, sizeof(tail));
}

int rlog_open(struct rlog *l, void *region, size_t size, uint64_t epoch,
	      const struct rlog_io *io, struct err *err)
{
	const struct rlog_reader how = {.crc = io->crc};
	struct rlog_scan s;
	int ret = check_region(region, size, err);

	if (!ret)
		ret = rlog_scan(&s, region, size, &how, err);
	if (ret)
		return ret;
	if (s.stop == RLOG_STOP_DAMAGED)
		return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
			       "the log is damaged at offset %llu, below its "
			       "tail, %llu",
			       (unsigned long long)s.end,
			       (unsigned long long)s.tail);
	*l = (struct rlog){
		.region = region,
		.io = *io,
		.capacity = s.capacity,
		.commit = s.commit,
		.mark = s.mark,
		.reserved = s.end,
		.next_reserved = s.next_sequence,
		.stored = s.end,
		.next_stored = s.next_sequence,
		.encoded = s.last,
		.last = s.last,
		.committed = s.end,
	};
	if (!rlog_fence(l, epoch))
		return 0;
	return err_set(err, -ESTALE, REASON_USAGE,
		       "epoch %llu is over: the log has seen %llu",
		       (unsigned long long)epoch,
		       (unsigned long long)l->mark.epoch);
}

/* --- appending --------------------------------------------------------------- */

int rlog_reserve(struct rlog *l, uint64_t payload, struct rlog_place *place)
{
	uint64_t bytes = rlog_record_bytes(payload), at, pad = 0;

	if (payload > rlog_payload_max(l->capacity))
		return -EMSGSIZE;
	at = l->reserved % l->capacity;
	if (at + bytes > l->capacity)
		pad = l->capacity - at;
	if (pad + bytes > rlog_free_bytes(l))
		return -ENOSPC;
	*place = (struct rlog_place){
		.offset = l->reserved + pad,
		.sequence = l->next_reserved++,
		.length = (uint32_t)payload,
		.bytes = (uint32_t)bytes,
		.pad_bytes = (uint32_t)pad,
	};
	l->reserved += pad + bytes;
	return 0;
}

void rlog_encode(struct rlog *l, const struct rlog_place *place,
		 const void *payload, void *image)
{
	struct rlog_header *h = image;
	char *data = (char *)(h + 1);

	*h = (struct rlog_header){
		.length = place->length,
		.sequence = place->sequence,
		.epoch = l->mark.epoch,
		.offset = place->offset,
		.before = l->encoded,
	};
	if (place->length && payload != data)
		memcpy(data, payload, place->length);
	memset(data + place->length, 0,
	       place->bytes - sizeof(*h) - place->length);
	rlog_header_seal(h, l->io.crc);
	l->encoded = h->crc;
}

void rlog_encode_pad(struct rlog *l, const struct rlog_place *place,
		     void *image)
{
	struct rlog_header *h = image;

	memset(image, 0, RLOG_ALIGN);
	h->length = place->pad_bytes - RLOG_HEADER_BYTES;
	h->flags = RLOG_PAD;
	h->sequence = place->sequence;
	h->epoch = l->mark.epoch;
	h->offset = place->offset - place->pad_bytes;
	h->before = l->encoded;
	rlog_header_seal(h, l->io.crc);
	l->encoded = h->crc;
}

/* Is it the next, and may it be put there? */
static int check_next(const struct rlog *l, const struct rlog_header *h)
{
	const uint64_t room = l->capacity - l->stored % l->capacity;

	if (h->magic != RLOG_MAGIC || h->flags & ~(uint32_t)RLOG_FLAGS ||
	    rlog_header_span(h) > room)
		return -EBADMSG;
	if (h->epoch != l->mark.epoch)
		return -ESTALE;
	if (h->offset != l->stored || h->sequence != l->next_stored ||
	    h->before != l->last)
		return -EPROTO;
	if (l->stored + rlog_header_span(h) - l->mark.head > l->capacity)
		return -ENOSPC;
	return 0;
}

/* A record is there.  A peer never reserves: what is stored is taken. */
static void passed(struct rlog *l, const struct rlog_header *h)
{
	l->stored += rlog_header_span(h);
	l->next_stored = h->sequence + !(h->flags & RLOG_PAD);
	l->last = h->crc;
	if (l->reserved > l->stored)
		return;
	l->reserved = l->stored;
	l->next_reserved = l->next_stored;
	l->encoded = l->last;
}

static void put_record(struct rlog *l, const struct rlog_header *h)
{
	store(l, rlog_at(l, l->stored), h, rlog_header_image(h));
	passed(l, h);
}

int rlog_store(struct rlog *l, const void *image, size_t bytes)
{
	const struct rlog_header *h = image;
	int ret;

	if (bytes < RLOG_ALIGN)
		return -EBADMSG;
	ret = check_next(l, h);
	if (ret)
		return ret;
	if (rlog_header_image(h) > bytes)
		return -EBADMSG;
	put_record(l, h);
	return 0;
}

int rlog_adopt(struct rlog *l)
{
	const struct rlog_header *h = rlog_at(l, l->stored);
	int ret = check_next(l, h);

	if (!ret)
		passed(l, h);
	return ret;
}

/* From `from` to `to`, which may wrap: one fence for both parts. */
static void persist_ring(struct rlog *l, uint64_t from, uint64_t to)
{
	uint64_t room, n, lines = 0;

	for (; from < to; from += n) {
		room = l->capacity - from % l->capacity;
		n = to - from < room ? to - from : room;
		l->io.flush(l->io.arg, RLOG_AT_RECORD, rlog_at(l, from), n);
		lines += n / RLOG_ALIGN;
	}
	l->io.fence(l->io.arg, RLOG_AT_RECORD);
	l->flushed_lines += lines;
}

void rlog_commit(struct rlog *l)
{
	if (l->stored == l->committed)
		return;
	persist_ring(l, l->committed, l->stored);
	if (l->commit == RLOG_BY_TAIL)
		put_tail(l, l->stored, RLOG_AT_TAIL);
	l->committed = l->stored;
}

int rlog_append(struct rlog *l, const void *payload, uint64_t length,
		void *image)
{
	char pad[RLOG_ALIGN] __attribute__((aligned(8)));
	struct rlog_place place;
	int ret = rlog_reserve(l, length, &place);

	if (!ret && place.pad_bytes) {
		rlog_encode_pad(l, &place, pad);
		ret = rlog_store(l, pad, sizeof(pad));
	}
	if (ret)
		return ret;
	rlog_encode(l, &place, payload, image);
	return rlog_store(l, image, place.bytes);
}

/* --- a replica that was behind, or elsewhere ---------------------------------- */

/* `theirs` is valid; of ours nothing is known but that it is in the ring. */
static bool same_record(const struct rlog_header *mine,
			const struct rlog_header *theirs)
{
	return !memcmp(mine, theirs, sizeof(*mine)) &&
	       (theirs->flags & RLOG_PAD ||
		!memcmp(mine + 1, theirs + 1, theirs->length));
}

struct boundary {
	uint64_t offset, sequence;
	uint32_t before;
};

/* Up to where the two logs are one, from a boundary of theirs. */
static struct boundary agree(const struct rlog *l, const struct rlog_scan *from)
{
	const struct rlog_mark *m = &l->mark;
	const struct rlog_header *theirs;
	struct boundary b;

	if (from->mark.head > m->head)
		m = &from->mark;
	b = (struct boundary){m->head, m->sequence, m->before};
	while (b.offset < l->stored && b.offset < from->end) {
		theirs = rlog_scan_at(from, b.offset);
		if (!same_record(rlog_at(l, b.offset), theirs))
			break;
		b.offset += rlog_header_span(theirs);
		b.sequence = theirs->sequence + !(theirs->flags & RLOG_PAD);
		b.before = theirs->crc;
	}
	return b;
}

/* What is behind the boundary was never acknowledged, or is before the
 * other's head. */
static void go_to(struct rlog *l, struct boundary b)
{
	if (l->commit == RLOG_BY_TAIL && l->committed > b.offset)
		put_tail(l, b.offset, RLOG_AT_BACK);
	l->stored = l->committed = l->reserved = b.offset;
	l->next_stored = l->next_reserved = b.sequence;
	l->last = l->encoded = b.before;
}

static void take_head(struct rlog *l, const struct rlog_scan *from)
{
	struct rlog_mark m = l->mark;

	if (from->mark.head <= m.head)
		return;
	m.head = from->mark.head;
	m.sequence = from->mark.sequence;
	m.before = from->mark.before;
	put_mark(l, &m, RLOG_AT_HEAD);
}

/* As check_next, but for records of earlier epochs. */
static bool may_copy(const struct rlog *l, const struct rlog_header *h)
{
	const uint64_t room = l->capacity - l->stored % l->capacity;

	return h->magic == RLOG_MAGIC && h->offset == l->stored &&
	       h->sequence == l->next_stored && h->before == l->last &&
	       rlog_header_span(h) <= room &&
	       l->stored + rlog_header_span(h) - l->mark.head <= l->capacity;
}

int rlog_catch_up(struct rlog *l, const struct rlog_scan *from)
{
	const struct rlog_header *h;

	if (from->capacity != l->capacity || l->mark.head > from->end ||
	    from->last_epoch > l->mark.epoch)
		return -EINVAL;
	go_to(l, agree(l, from));
	take_head(l, from);
	while (l->stored < from->end) {
		h = rlog_scan_at(from, l->stored);
		if (!may_copy(l, h))
			return -EINVAL;
		put_record(l, h);
	}
	rlog_commit(l);
	rlog_begin(l);
	return 0;
}
