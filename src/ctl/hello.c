#include "ctl/hello.h"

#include <errno.h>
#include <string.h>

struct text {
	size_t offset, cap;
};

#define TEXT(f) offsetof(struct host, f), sizeof(((struct host *)0)->f)

static const struct text texts[] = {
	{TEXT(name)},	 {TEXT(kernel)},      {TEXT(cpu_model)}, {TEXT(virt)},
	{TEXT(boot_id)}, {TEXT(clocksource)}, {TEXT(governor)},
};

enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static void host_pack(const struct host *h, struct writer *w)
{
	unsigned i;

	for (i = 0; i < TEXTS; i++)
		put_str(w, (const char *)h + texts[i].offset);
	put_u32(w, h->cpus_online);
	put_u32(w, h->cpus_allowed);
	put_u32(w, h->numa_nodes);
	put_u32(w, (uint32_t)h->perf_event_paranoid);
	put_u64(w, h->mem_bytes);
	put_u64(w, h->mem_available_bytes);
	put_u64(w, h->memlock_bytes);
	put_u64(w, h->l1d_bytes);
	put_u64(w, h->l2_bytes);
	put_u64(w, h->l3_bytes);
}

static void host_unpack(struct host *h, struct reader *r)
{
	unsigned i;

	for (i = 0; i < TEXTS; i++)
		get_str(r, (char *)h + texts[i].offset, texts[i].cap);
	h->cpus_online = get_u32(r);
	h->cpus_allowed = get_u32(r);
	h->numa_nodes = get_u32(r);
	h->perf_event_paranoid = (int)get_u32(r);
	h->mem_bytes = get_u64(r);
	h->mem_available_bytes = get_u64(r);
	h->memlock_bytes = get_u64(r);
	h->l1d_bytes = get_u64(r);
	h->l2_bytes = get_u64(r);
	h->l3_bytes = get_u64(r);
}

static void facts_pack(const struct facts *f, struct writer *w)
{
	put_u32(w, f->full);
	put_bytes(w, f->text, f->len);
}

static void facts_unpack(struct facts *f, struct reader *r)
{
	f->full = get_u32(r) != 0;
	f->len = (uint32_t)get_bytes(r, f->text, sizeof(f->text));
	if (facts_check(f))
		r->bad = true;
}

void hello_pack(const struct hello *h, struct writer *w)
{
	put_u32(w, h->version);
	put_u32(w, h->sessions);
	put_bytes(w, h->nonce, sizeof(h->nonce));
	put_bytes(w, h->proof, sizeof(h->proof));
	host_pack(&h->host, w);
	facts_pack(&h->facts, w);
}

int hello_unpack(struct hello *h, struct reader *r, struct err *err)
{
	memset(h, 0, sizeof(*h));
	h->version = get_u32(r);
	if (!r->bad && h->version != CTL_VERSION)
		return err_set(err, -EPROTONOSUPPORT, REASON_PEER_VERSION,
			       "it speaks version %u of the control protocol, "
			       "this rdmabench version %u: use the same "
			       "binary on both hosts",
			       h->version, CTL_VERSION);
	h->sessions = get_u32(r);
	if (get_bytes(r, h->nonce, sizeof(h->nonce)) != sizeof(h->nonce) ||
	    get_bytes(r, h->proof, sizeof(h->proof)) != sizeof(h->proof))
		r->bad = true;
	host_unpack(&h->host, r);
	facts_unpack(&h->facts, r);
	if (!reader_done(r))
		return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
			       "its hello does not parse");
	return 0;
}
