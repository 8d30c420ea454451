/* The kernel and what stands between it and the hardware. */
#include "machine/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/sysfs.h"

/* Words of the command line that change what is measured.  Only these are
 * taken: the rest may hold what its owner would not publish. */
static const char *const cmdline_words[] = {
	"mitigations=", "isolcpus=",	 "nohz_full=",
	"rcu_nocbs=",	"idle=",	 "intel_idle.",
	"processor.",	"intel_pstate=", "amd_pstate=",
	"iommu",	"intel_iommu=",	 "amd_iommu=",
	"tsc=",		"clocksource=",	 "hugepages=",
	"hugepagesz=",	"nosmt",	 "nopti",
	"nospectre",	"memmap=",	 "transparent_hugepage=",
};

static bool telling(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(cmdline_words) / sizeof(cmdline_words[0]); i++)
		if (!strncmp(word, cmdline_words[i], strlen(cmdline_words[i])))
			return true;
	return false;
}

static void command_line(struct probe *p)
{
	char text[4096], out[PROBE_TEXT_MAX] = "", *word, *rest = text;
	const char *mitigations = "not given";
	int ret = probe_line(p, text, sizeof(text), "/proc/cmdline");

	if (ret) {
		probe_failed(p, "command line", "/proc/cmdline", ret);
		probe_failed(p, "mitigations=", "/proc/cmdline", ret);
		return;
	}
	while ((word = strsep(&rest, " "))) {
		if (!strcmp(word, "--"))
			break; /* the rest is for init */
		if (!telling(word))
			continue;
		if (!strncmp(word, "mitigations=", 12))
			mitigations = word + 12;
		probe_join(out, sizeof(out), "%s", word);
	}
	probe_text(p, "command line", "%s",
		   out[0] ? out : "nothing that matters here");
	probe_text(p, "mitigations=", "%s", mitigations);
}

/* --- mitigations ------------------------------------------------------------ */

struct vulnerabilities {
	char mitigated[PROBE_TEXT_MAX], vulnerable[PROBE_TEXT_MAX];
	unsigned n_mitigated, n_vulnerable, n_not_affected;
};

static void vulnerability(struct probe *p, const char *name, void *arg)
{
	struct vulnerabilities *v = arg;
	char text[256];

	if (probe_line(p, text, sizeof(text),
		       "/sys/devices/system/cpu/vulnerabilities/%s", name))
		return;
	if (!strncmp(text, "Not affected", 12)) {
		v->n_not_affected++;
	} else if (strstr(text, "Mitigation")) {
		v->n_mitigated++;
		probe_join(v->mitigated, sizeof(v->mitigated), "%s", name);
	} else {
		v->n_vulnerable++;
		probe_join(v->vulnerable, sizeof(v->vulnerable), "%s", name);
	}
}

static void mitigations(struct probe *p)
{
	static const char dir[] = "/sys/devices/system/cpu/vulnerabilities";
	struct vulnerabilities v = {.n_mitigated = 0};
	int ret = probe_each(p, dir, vulnerability, &v);

	if (ret < 0) {
		probe_failed(p, "vulnerabilities mitigated", dir, ret);
		return;
	}
	probe_number(p, "vulnerabilities mitigated", "count", v.n_mitigated);
	probe_text(p, "mitigated", "%s", v.n_mitigated ? v.mitigated : "none");
	probe_text(p, "left vulnerable", "%s",
		   v.n_vulnerable ? v.vulnerable : "none");
	probe_number(p, "vulnerabilities that do not concern it", "count",
		     v.n_not_affected);
}

/* --- clock, IOMMU, virtual machine -------------------------------------------- */

static void clocks(struct probe *p)
{
	probe_file(p, "clocksource",
		   "/sys/devices/system/clocksource/clocksource0/"
		   "current_clocksource");
	probe_file(p, "clocksources available",
		   "/sys/devices/system/clocksource/clocksource0/"
		   "available_clocksource");
}

static void iommu_group(struct probe *p, const char *group, void *arg)
{
	char text[32];

	if (!probe_line(p, text, sizeof(text),
			"/sys/kernel/iommu_groups/%s/type", group))
		word_tally_add(arg, text);
}

static void count_entry(struct probe *p, const char *name, void *arg)
{
	(void)p;
	(void)name;
	++*(unsigned *)arg;
}

/* "identity": the device's addresses are physical ones (iommu=pt); "DMA",
 * "DMA-FQ": translated. */
static void iommu(struct probe *p)
{
	struct word_tally t = {.n = 0};
	char text[PROBE_TEXT_MAX];
	unsigned units = 0;
	int ret;

	ret = probe_each(p, "/sys/class/iommu", count_entry, &units);
	if (ret < 0) {
		probe_failed(p, "IOMMU", "/sys/class/iommu", ret);
		return;
	}
	probe_each(p, "/sys/kernel/iommu_groups", iommu_group, &t);
	if (t.n)
		probe_text(p, "IOMMU", "%s",
			   word_tally_text(&t, text, sizeof(text)));
	else if (units)
		probe_text(p, "IOMMU", "there, no group's type is told");
	else
		probe_text(p, "IOMMU", "none");
}

static void sysctl(struct probe *p, const char *key, const char *path)
{
	probe_file_u64(p, key, "count", "/proc/sys/%s", path);
}

void probe_kernel(struct probe *p)
{
	const struct host *h = p->host;

	p->section = "kernel";
	p->item = "";
	if (h->kernel[0])
		probe_text(p, "kernel", "%s", h->kernel);
	else
		probe_unknown(p, "kernel", "uname does not tell");
	if (h->virt[0])
		probe_text(p, "virtual machine", "%s", h->virt);
	else
		probe_unknown(p, "virtual machine",
			      "neither CPUID nor /sys/class/dmi tells");
	command_line(p);
	clocks(p);
	mitigations(p);
	iommu(p);
	sysctl(p, "NUMA balancing", "kernel/numa_balancing");
	sysctl(p, "NMI watchdog", "kernel/nmi_watchdog");
}
