#include "engine_rpki.h"

#include "base/clock.h"
#include "blast/blast.h"
#include "rpki/rpki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct vrps *vrps;
static struct aspas *aspas;
static struct vrp *all; /* IPv4 */
static size_t n_all;

static void load_vrp(char *text)
{
	char prefix[128];
	unsigned max, asn;
	struct vrp v = {.sources = 1};

	if (sscanf(text, "%127s %u %u", prefix, &max, &asn) != 3 ||
	    prefix_parse(prefix, &v.prefix))
		die(text);
	v.max_len = (uint8_t)max;
	v.asn = asn;
	if (vrps_add(vrps, &v) != 1)
		die(text);
	if (v.prefix.addr.family != FAMILY_IPV4)
		return;
	if (!(n_all & (n_all - 1)))
		all = realloc(all, (n_all ? 2 * n_all : 1) * sizeof *all);
	if (!all)
		die("no memory");
	all[n_all++] = v;
}

static void load_aspa(char *text)
{
	static uint32_t provider[ASPA_PROVIDERS_MAX];
	struct aspa_record r = {.provider = provider, .sources = 1};
	char *end;

	r.customer = (uint32_t)strtoul(text, &end, 10);
	while (*end == ' ' && r.n < ASPA_PROVIDERS_MAX)
		provider[r.n++] = (uint32_t)strtoul(end, &end, 10);
	if (aspas_set(aspas, &r) != 1)
		die(text);
}

void rpki_load(const char *path)
{
	static char line[1 << 18];
	FILE *f = fopen(path, "r");

	vrps = vrps_new();
	aspas = aspas_new();
	if (!f || !vrps || !aspas)
		die(path);
	vrps_quicken(vrps);
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] == 'v')
			load_vrp(line + 2);
		else if (line[0] == 'a')
			load_aspa(line + 2);
	}
	(void)fclose(f);
}

void rpki_prove(struct exchange *x)
{
	struct policy_proof p = {
	    .vrps = vrps, .aspas = aspas, .cached = true, .source = {"file"}};

	exchange_prove(x, &p, clock_now_ns());
}

void rpki_change(struct exchange *x, unsigned n, bool gone)
{
	for (unsigned i = 0; i < n; i++) {
		const struct vrp *v = &all[(size_t)i * (n_all / n)];

		if (gone ? !vrps_remove(vrps, v) : vrps_add(vrps, v) != 1)
			die("a VRP is not what it was");
		exchange_vrp_changed(x, &v->prefix);
	}
}
