/* A replica: a log in memory that is, or stands for, persistent memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oplog.h"
#include "work/scan.h"

enum { SEED_PAYLOAD = 0x0109, EPOCH_MADE = 1, EPOCH_USED = 2 };

/* Eight bytes are stored whole: the tail. */
static void copy(void *arg, void *dst, const void *src, size_t len)
{
	(void)arg;
	if (len == sizeof(uint64_t))
		*(volatile uint64_t *)dst = *(const uint64_t *)src;
	else
		memcpy(dst, src, len);
}

static void flush(void *arg, enum rlog_site site, const void *addr, size_t len)
{
	(void)arg;
	(void)site;
	nvm_flush(addr, len);
}

static void fence(void *arg, enum rlog_site site)
{
	const struct replica *r = arg;
	uint64_t begin;

	(void)site;
	nvm_fence();
	if (!r->delay_ticks)
		return;
	begin = clock_ticks(r->clock);
	while (clock_ticks(r->clock) - begin < r->delay_ticks)
		;
}

static void name_file(struct replica *r, const struct oplog_cfg *cfg,
		      const char *who)
{
	if (!cfg->pmem_dir[0])
		r->path[0] = '\0';
	else if (cfg->memory == NVM_DEVDAX)
		snprintf(r->path, sizeof(r->path), "%s", cfg->pmem_dir);
	else
		snprintf(r->path, sizeof(r->path), "%s/oplog-%s-%d.log",
			 cfg->pmem_dir, who, (int)getpid());
}

static int make_log(struct replica *r, const struct oplog_cfg *cfg,
		    uint64_t capacity, enum crc32c_way crc, struct err *err)
{
	const size_t bytes = rlog_region_bytes(capacity);
	const struct rlog_io io = {.arg = r,
				   .copy = copy,
				   .flush = flush,
				   .fence = fence,
				   .crc = crc};
	int ret = rlog_format(r->nvm.addr, bytes, (enum rlog_commit)cfg->commit,
			      EPOCH_MADE, &io, err);

	if (!ret)
		ret = rlog_open(&r->log, r->nvm.addr, bytes, EPOCH_USED, &io,
				err);
	if (!ret)
		rlog_begin(&r->log);
	return ret;
}

int replica_open(struct replica *r, struct end *e, const struct oplog_cfg *cfg,
		 const char *who, struct err *err)
{
	struct oplog_shape shape;
	int ret;

	oplog_shape(cfg, &shape);
	r->clock = e->clock;
	r->size = cfg->size;
	name_file(r, cfg, who);
	ret = nvm_open(&r->nvm, (enum nvm_kind)cfg->memory, r->path,
		       rlog_region_bytes(shape.capacity), err);
	if (!ret)
		ret = make_log(r, cfg, shape.capacity, gauge_crc(e->gauge),
			       err);
	r->delay_ticks = clock_ticks_of(e->clock, cfg->nvm_delay_ns);
	return ret;
}

void replica_close(struct replica *r)
{
	const bool file = r->nvm.addr && r->nvm.kind != NVM_DEVDAX;
	const bool gone = file && r->verified;

	nvm_close(&r->nvm);
	if (gone && r->path[0])
		(void)unlink(r->path);
}

void replica_payload(const struct replica *r, void *at)
{
	scan_fill(at, r->size, SEED_PAYLOAD);
}

void replica_make_room(struct replica *r)
{
	rlog_trim(&r->log, r->log.committed - r->log.capacity / 2);
}

/* --- recovery ---------------------------------------------------------------------- */

struct finding {
	const struct replica *r;
	struct err *err;
};

static int check_record(void *arg, const struct rlog_header *h)
{
	const struct finding *f = arg;
	const struct scan_expect want = {
		.seed = SEED_PAYLOAD,
		.op = h->sequence,
		.stamp = STAMP_FIRST,
	};
	int ret = 0;

	if (h->length != f->r->size)
		ret = err_set(f->err, -EBADMSG, REASON_VERIFY_FAILED,
			      "%u bytes instead of %zu", (unsigned)h->length,
			      f->r->size);
	if (!ret)
		ret = scan_verify(h + 1, h->length, &want, f->err);
	if (ret)
		err_wrap(f->err, "record %llu",
			 (unsigned long long)h->sequence);
	return ret;
}

/* Timed alone; then again with every payload looked at. */
static int scan(struct replica *r, struct rlog_scan *s, uint64_t *ns,
		struct err *err)
{
	struct finding f = {.r = r, .err = err};
	struct rlog_reader how = {.arg = &f, .crc = r->log.io.crc};
	const size_t bytes = rlog_region_bytes(r->log.capacity);
	uint64_t begin = clock_ticks(r->clock);
	int ret = rlog_scan(s, r->nvm.addr, bytes, &how, err);

	*ns = clock_ns(r->clock, clock_ticks(r->clock) - begin);
	if (ret)
		return ret;
	if (s->stop == RLOG_STOP_DAMAGED)
		return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
			       "the log is damaged below its tail");
	how.visit = check_record;
	return rlog_scan(s, r->nvm.addr, bytes, &how, err);
}

int replica_verify(struct replica *r, struct end *e, uint64_t acked,
		   struct err *err)
{
	struct rlog_scan s;
	uint64_t ns;
	int ret = scan(r, &s, &ns, err);

	if (!ret && s.next_sequence <= acked)
		ret = err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
			      "records up to %llu were acknowledged, recovery "
			      "finds them up to %llu (%s)",
			      (unsigned long long)acked,
			      (unsigned long long)s.next_sequence - 1,
			      rlog_stop_names[s.stop]);
	if (ret) {
		err_wrap(err, "recovery");
		return ret;
	}
	r->verified = true;
	tally_set(&e->tally, OPLOG_METRIC_RECOVERED, s.next_sequence - 1);
	tally_set(&e->tally, OPLOG_METRIC_LAST_CRC, s.last);
	tally_set(&e->tally, OPLOG_METRIC_RECOVERY, ns);
	tally_set(&e->tally, OPLOG_METRIC_RECOVERY_BYTES, s.end - s.mark.head);
	return 0;
}
