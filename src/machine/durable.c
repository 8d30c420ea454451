#include "machine/durable.h"

#include <stddef.h>

const char *const durable_names[] = {
	[DURABLE_NO] = "no",
	[DURABLE_UNKNOWN] = "unknown",
	[DURABLE_EMULATED] = "emulated",
	[DURABLE_YES] = "yes",
	[DURABLES] = NULL,
};

enum { ANY = -1 };

/* The first line that fits. */
static const struct line {
	int by, domain, software, ddio; /* or ANY */
	enum durable is;
	const char *reason;
} lines[] = {
	{DURABLE_BY_WRITE, ANY, ANY, ANY, DURABLE_NO,
	 "a write's completion says that it arrived, not where it is"},
	{DURABLE_BY_CPU, NVM_DOMAIN_MEMORY, ANY, ANY, DURABLE_YES,
	 "flushed out of the caches and fenced by the processor"},
	{DURABLE_BY_CPU, NVM_DOMAIN_CACHE, ANY, ANY, DURABLE_YES,
	 "the caches are in the persistence domain, and it was flushed"},
	{DURABLE_BY_CPU, ANY, ANY, ANY, DURABLE_UNKNOWN,
	 "flushed and fenced, but the kernel does not name the persistence "
	 "domain"},
	{DURABLE_BY_PERSISTENT, NVM_DOMAIN_MEMORY, ANY, ANY, DURABLE_YES,
	 "FLUSH with persistent placement: the responder has written it back"},
	{DURABLE_BY_PERSISTENT, NVM_DOMAIN_CACHE, ANY, ANY, DURABLE_YES,
	 "FLUSH with persistent placement"},
	{DURABLE_BY_PERSISTENT, ANY, ANY, ANY, DURABLE_UNKNOWN,
	 "FLUSH with persistent placement, but the kernel does not name the "
	 "persistence domain"},
	/* Visible is enough where the caches survive. */
	{ANY, NVM_DOMAIN_CACHE, ANY, ANY, DURABLE_YES,
	 "visible, and the caches are in the persistence domain"},
	{DURABLE_BY_GLOBAL, NVM_DOMAIN_MEMORY, ANY, ANY, DURABLE_NO,
	 "FLUSH with global placement makes it visible only: caches are "
	 "outside the persistence domain"},
	{DURABLE_BY_READ, NVM_DOMAIN_MEMORY, true, ANY, DURABLE_NO,
	 "a software device stores by CPU, into caches outside the "
	 "persistence domain"},
	{DURABLE_BY_READ, NVM_DOMAIN_MEMORY, false, DDIO_ON, DURABLE_NO,
	 "the NIC writes into caches (DDIO) outside the persistence domain"},
	{DURABLE_BY_READ, NVM_DOMAIN_MEMORY, false, DDIO_OFF, DURABLE_YES,
	 "the read pushes the write to the memory controller (no DDIO)"},
	{DURABLE_BY_READ, NVM_DOMAIN_MEMORY, false, DDIO_UNKNOWN,
	 DURABLE_UNKNOWN,
	 "not known whether the NIC's writes stay in a cache (DDIO)"},
	{ANY, ANY, ANY, ANY, DURABLE_UNKNOWN,
	 "the kernel does not name the persistence domain"},
};

static bool fits(int want, int is)
{
	return want == ANY || want == is;
}

static bool is_emulated(enum nvm_kind kind)
{
	return kind == NVM_DRAM || kind == NVM_FILE;
}

static const struct line *line_of(const struct durable_case *c,
				  enum nvm_domain domain)
{
	const struct line *l = lines;

	while (!fits(l->by, (int)c->by) || !fits(l->domain, (int)domain) ||
	       !fits(l->software, c->software_device) ||
	       !fits(l->ddio, (int)c->ddio))
		l++;
	return l;
}

/* Memory that is none stands for memory behind the controller: a method that
 * would not be durable there is not made so by emulation. */
enum durable durable_judge(const struct durable_case *c, const char **reason)
{
	const bool emulated = is_emulated(c->kind);
	const struct line *l =
		line_of(c, emulated ? NVM_DOMAIN_MEMORY : c->domain);

	*reason = l->reason;
	if (!emulated || l->is != DURABLE_YES)
		return l->is;
	*reason = "no persistent memory: the cost is measured, nothing "
		  "survives a power failure";
	return DURABLE_EMULATED;
}
