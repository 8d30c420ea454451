#include "rlog/format.h"

#include <assert.h>
#include <string.h>

const char *const rlog_commit_names[] = {
	[RLOG_BY_CHECKSUM] = "checksum",
	[RLOG_BY_TAIL] = "tail",
	NULL,
};

static_assert(sizeof(struct rlog_header) == RLOG_HEADER_BYTES,
	      "a header has no holes");
static_assert(sizeof(struct rlog_mark) <= RLOG_ALIGN, "a mark is a line");
static_assert(sizeof(struct rlog_super) <= RLOG_ALIGN, "so is the super");

static uint32_t header_crc(const struct rlog_header *h, enum crc32c_way way)
{
	const char *from = (const char *)&h->length;
	size_t len = sizeof(*h) - offsetof(struct rlog_header, length);

	if (!(h->flags & RLOG_PAD))
		len += h->length;
	return crc32c_of(way, from, len);
}

void rlog_header_seal(struct rlog_header *h, enum crc32c_way way)
{
	h->magic = RLOG_MAGIC;
	h->crc = header_crc(h, way);
}

bool rlog_header_sealed(const struct rlog_header *h, enum crc32c_way way)
{
	return h->magic == RLOG_MAGIC && h->crc == header_crc(h, way);
}

void rlog_super_seal(struct rlog_super *s)
{
	s->magic = RLOG_SUPER_MAGIC;
	s->version = RLOG_VERSION;
	s->unused = 0;
	s->crc = crc32c(s, offsetof(struct rlog_super, crc));
}

bool rlog_super_valid(const struct rlog_super *s, uint64_t size)
{
	return s->magic == RLOG_SUPER_MAGIC && s->version == RLOG_VERSION &&
	       s->crc == crc32c(s, offsetof(struct rlog_super, crc)) &&
	       s->commit < RLOG_COMMITS && s->capacity >= RLOG_CAPACITY_MIN &&
	       s->capacity % RLOG_ALIGN == 0 && size >= RLOG_RING_AT &&
	       s->capacity <= size - RLOG_RING_AT;
}

void rlog_mark_seal(struct rlog_mark *m)
{
	m->crc = crc32c(m, offsetof(struct rlog_mark, crc));
}

/* Memory of zeros has a checksum that is none of ours: generations begin
 * with 1. */
bool rlog_mark_valid(const struct rlog_mark *m)
{
	return m->generation &&
	       m->crc == crc32c(m, offsetof(struct rlog_mark, crc));
}

int rlog_mark_read(const void *region, struct rlog_mark *m)
{
	struct rlog_mark two[2];
	bool valid[2];
	size_t i;

	for (i = 0; i < 2; i++) {
		memcpy(&two[i],
		       (const char *)region + RLOG_MARK_AT + i * RLOG_ALIGN,
		       sizeof(two[i]));
		valid[i] = rlog_mark_valid(&two[i]);
	}
	if (!valid[0] && !valid[1])
		return -1;
	i = !valid[0] || (valid[1] && two[1].generation > two[0].generation);
	*m = two[i];
	return 0;
}
