#include "machine/counter_event.h"

#include <errno.h>
#include <string.h>

#include <perfmon/pfmlib_perf_event.h>

/*
 * Names are libpfm's; meanings are the vendors' (Intel SDM vol. 3, chapter
 * 20, and perfmon.intel.com; AMD PPR of each family, "Performance Monitor
 * Counters").  Only what means the same thing on each is here.
 */
struct microarch {
	const char *pmus; /* with blanks between them */
	const char *event[CTR_COUNT];
};

/* What Zen 1 to 4 share.  Stalls: nothing could be dispatched since the queue
 * of loads or that of stores was full. */
#define AMD                                                                    \
	[CTR_L2_MISSES] = "CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:"        \
			  "LS_RD_BLK_C",                                       \
	[CTR_RFO] = "REQUESTS_TO_L2_GROUP1:RD_BLK_X",                          \
	[CTR_DTLB_LOADS] = ZEN_WALKS, [CTR_DTLB_STORES] = ZEN_WALKS,           \
	[CTR_STALLS] = "DISPATCH_RESOURCE_STALL_CYCLES_1:"                     \
		       "LOAD_QUEUE_RSRC_STALL:STORE_QUEUE_RSRC_STALL"
#define AMD_NO_LLC [CTR_LLC_REFS] = "", [CTR_LLC_MISSES] = ""
#define ZEN_WALKS                                                              \
	"L1_DTLB_MISS:TLB_RELOAD_1G_L2_MISS:TLB_RELOAD_2M_L2_MISS:"            \
	"TLB_RELOAD_COALESCED_PAGE_MISS:TLB_RELOAD_4K_L2_MISS"
/* From beyond the last level that this core has a share of. */
#define ZEN2_FILLS                                                             \
	"DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_DRAM:"                  \
	"LS_MABRESP_RMT_CACHE:LS_MABRESP_RMT_DRAM"
#define ZEN3_FILLS                                                             \
	"ANY_DATA_CACHE_FILLS_FROM_SYSTEM:EXT_CACHE_LCL:MEM_IO_LCL:"           \
	"EXT_CACHE_RMT:MEM_IO_RMT"
#define ZEN4_FILLS                                                             \
	"ANY_DATA_CACHE_FILLS_FROM_SYSTEM:NEAR_CACHE_NEAR_FAR:DRAM_IO_NEAR:"   \
	"FAR_CACHE_NEAR_FAR:DRAM_IO_FAR:ALT_MEM_NEAR_FAR"

static const struct microarch microarchs[] = {
	{.pmus = "hsw hsw_ep bdw bdw_ep",
	 .event = {[CTR_L1D_MISSES] = "MEM_LOAD_UOPS_RETIRED:L1_MISS",
		   [CTR_L2_MISSES] = "MEM_LOAD_UOPS_RETIRED:L2_MISS",
		   [CTR_L3_MISSES] = "MEM_LOAD_UOPS_RETIRED:L3_MISS",
		   [CTR_HITM] = "MEM_LOAD_UOPS_L3_HIT_RETIRED:XSNP_HITM",
		   [CTR_DTLB_LOADS] = "DTLB_LOAD_MISSES:WALK_COMPLETED",
		   [CTR_DTLB_STORES] = "DTLB_STORE_MISSES:WALK_COMPLETED",
		   [CTR_DTLB_CYCLES] = "DTLB_LOAD_MISSES:WALK_DURATION",
		   [CTR_RFO] = "L2_RQSTS:ALL_RFO",
		   [CTR_STALLS] = "CYCLE_ACTIVITY:STALLS_LDM_PENDING",
		   [CTR_PREFETCHES] = "L2_RQSTS:ALL_PF",
		   [CTR_PREFETCH_MISSES] = "L2_RQSTS:PF_MISS"}},
	{.pmus = "skl skx clx",
	 .event = {[CTR_L1D_MISSES] = "MEM_LOAD_RETIRED:L1_MISS",
		   [CTR_L2_MISSES] = "MEM_LOAD_RETIRED:L2_MISS",
		   [CTR_L3_MISSES] = "MEM_LOAD_RETIRED:L3_MISS",
		   [CTR_HITM] = "MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM",
		   [CTR_DTLB_LOADS] = "DTLB_LOAD_MISSES:WALK_COMPLETED",
		   [CTR_DTLB_STORES] = "DTLB_STORE_MISSES:WALK_COMPLETED",
		   [CTR_DTLB_CYCLES] = "DTLB_LOAD_MISSES:WALK_ACTIVE",
		   [CTR_RFO] = "L2_RQSTS:ALL_RFO",
		   [CTR_STALLS] = "CYCLE_ACTIVITY:STALLS_MEM_ANY",
		   [CTR_PREFETCHES] = "L2_RQSTS:ALL_PF",
		   [CTR_PREFETCH_MISSES] = "L2_RQSTS:PF_MISS",
		   [CTR_PREFETCH_USELESS] = "L2_LINES_OUT:USELESS_HWPF"}},
	{.pmus = "icl icx",
	 .event = {[CTR_L1D_MISSES] = "MEM_LOAD_RETIRED:L1_MISS",
		   [CTR_L2_MISSES] = "MEM_LOAD_RETIRED:L2_MISS",
		   [CTR_L3_MISSES] = "MEM_LOAD_RETIRED:L3_MISS",
		   [CTR_HITM] = "MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM",
		   [CTR_DTLB_LOADS] = "DTLB_LOAD_MISSES:WALK_COMPLETED",
		   [CTR_DTLB_STORES] = "DTLB_STORE_MISSES:WALK_COMPLETED",
		   [CTR_DTLB_CYCLES] = "DTLB_LOAD_MISSES:WALK_ACTIVE",
		   [CTR_RFO] = "L2_RQSTS:ALL_RFO",
		   [CTR_STALLS] = "CYCLE_ACTIVITY:STALLS_MEM_ANY",
		   [CTR_PREFETCH_USELESS] = "L2_LINES_OUT:USELESS_HWPF"}},
	{.pmus = "spr",
	 .event = {[CTR_L1D_MISSES] = "MEM_LOAD_RETIRED:L1_MISS",
		   [CTR_L2_MISSES] = "MEM_LOAD_RETIRED:L2_MISS",
		   [CTR_L3_MISSES] = "MEM_LOAD_RETIRED:L3_MISS",
		   [CTR_HITM] = "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD",
		   [CTR_DTLB_LOADS] = "DTLB_LOAD_MISSES:WALK_COMPLETED",
		   [CTR_DTLB_STORES] = "DTLB_STORE_MISSES:WALK_COMPLETED",
		   [CTR_DTLB_CYCLES] = "DTLB_LOAD_MISSES:WALK_ACTIVE",
		   [CTR_RFO] = "L2_RQSTS:ALL_RFO",
		   [CTR_STALLS] = "MEMORY_ACTIVITY:STALLS_L1D_MISS",
		   [CTR_PREFETCH_USELESS] = "L2_LINES_OUT:USELESS_HWPF"}},
	/*
	 * AMD counts L2 misses of loads as what the L2 answered to the L1D:
	 * read misses (LS_RD_BLK_C).  perf's own cache-references and
	 * cache-misses are those of the L2 there; the last level is what fills
	 * of the L1D came from.  TLB misses of stores are not told from those
	 * of loads.
	 */
	{.pmus = "amd64_fam17h_zen1", .event = {AMD, AMD_NO_LLC}},
	{.pmus = "amd64_fam17h_zen2",
	 .event = {AMD, [CTR_LLC_REFS] = ZEN2_FILLS ":LS_MABRESP_LCL_CACHE",
		   [CTR_LLC_MISSES] = ZEN2_FILLS}},
	{.pmus = "amd64_fam19h_zen3",
	 .event = {AMD, [CTR_LLC_REFS] = ZEN3_FILLS ":INT_CACHE",
		   [CTR_LLC_MISSES] = ZEN3_FILLS}},
	{.pmus = "amd64_fam19h_zen4",
	 .event = {AMD, [CTR_LLC_REFS] = ZEN4_FILLS ":LOCAL_CCX",
		   [CTR_LLC_MISSES] = ZEN4_FILLS}},
};

enum { MICROARCHS = sizeof(microarchs) / sizeof(microarchs[0]) };

/* Units outside the cores have PMUs of their own: full names. */
static const struct {
	const char *pmus;
	const char *read, *write;
} memory[] = {
	{"hsw_ep", "hswep_unc_imc%u::UNC_M_CAS_COUNT:RD",
	 "hswep_unc_imc%u::UNC_M_CAS_COUNT:WR"},
	{"bdw_ep", "bdx_unc_imc%u::UNC_M_CAS_COUNT:RD",
	 "bdx_unc_imc%u::UNC_M_CAS_COUNT:WR"},
	{"skx clx", "skx_unc_imc%u::UNC_M_CAS_COUNT:RD",
	 "skx_unc_imc%u::UNC_M_CAS_COUNT:WR"},
};

static bool among(const char *words, const char *word)
{
	size_t len = strlen(word), n;

	for (; len && *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		if (n == len && !memcmp(words, word, n))
			return true;
	}
	return false;
}

const char *counter_microarchs(unsigned i)
{
	return i < MICROARCHS ? microarchs[i].pmus : NULL;
}

const char *counter_microarch(void)
{
	pfm_pmu_info_t info;
	const char *found = "";
	int i;

	if (pfm_initialize() != PFM_SUCCESS)
		return "";
	for (i = 0; i < PFM_PMU_MAX; i++) {
		memset(&info, 0, sizeof(info));
		info.size = sizeof(info);
		if (pfm_get_pmu_info((pfm_pmu_t)i, &info) != PFM_SUCCESS ||
		    !info.is_present || info.type != PFM_PMU_TYPE_CORE)
			continue;
		if (found[0])
			return "";
		found = info.name;
	}
	return found;
}

static const char *memory_event(const char *microarch, unsigned id)
{
	size_t i;

	for (i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		if (among(memory[i].pmus, microarch))
			return id == CTR_MEM_READS ? memory[i].read
						   : memory[i].write;
	return "";
}

const char *counter_event_text(const char *microarch, const struct counter *c)
{
	unsigned i;

	if (c->id == CTR_EVENT)
		return c->event;
	if (counter_defs[c->id].kind == COUNTER_UNCORE)
		return memory_event(microarch, c->id);
	if (counter_defs[c->id].kind != COUNTER_CORE)
		return "";
	for (i = 0; i < MICROARCHS; i++)
		if (among(microarchs[i].pmus, microarch) &&
		    microarchs[i].event[c->id])
			return microarchs[i].event[c->id];
	return counter_defs[c->id].generic;
}

int counter_encode(const char *event, struct perf_event_attr *attr)
{
	pfm_perf_encode_arg_t arg = {.attr = attr, .size = sizeof(arg)};

	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	if (pfm_initialize() != PFM_SUCCESS)
		return -ENOENT;
	if (pfm_get_os_event_encoding(event, PFM_PLM0 | PFM_PLM3,
				      PFM_OS_PERF_EVENT_EXT,
				      &arg) != PFM_SUCCESS)
		return -ENOENT;
	return 0;
}

int counter_list_check(const struct counter_list *l, struct err *err)
{
	struct perf_event_attr attr;
	unsigned i;

	for (i = 0; i < l->n; i++) {
		if (l->counter[i].id != CTR_EVENT ||
		    !counter_encode(l->counter[i].event, &attr))
			continue;
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--counters: '%s' is neither a set nor an event "
			       "that libpfm knows on this processor; see "
			       "`rdmabench list counters`",
			       l->counter[i].event);
	}
	return 0;
}
