/* A list of VRPs as `spean diff` sends it to the engine. */
#include "fuzz.h"

#include "base/must.h"
#include "exchange/diff.h"

#include <string.h>

static struct exchange *x;
static struct conf *c;

static void begin(void)
{
	static const char text[] =
	    "exchange X { asn 64500; router-id 1.1.1.1; listen 192.0.2.1; }"
	    "policy {}";
	struct conf_error *errors = NULL;
	size_t n = 0;

	must(!conf_parse(text, sizeof text - 1, &c, &errors, &n));
	must(!exchange_new(c, false, 1, &x));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *list = malloc(n + 1);
	size_t lines = 0;

	if (!x)
		begin();
	must(list);
	memcpy(list, data, n);
	list[n] = 0; /* as a blob has it */
	for (size_t i = 0; i < n; i++)
		lines += list[i] == '\n';
	struct exchange_diff *d = exchange_diff_new(x, c, list, n);
	must(d);
	while (!exchange_diff_step(d, 0))
		;
	PROPERTY(exchange_diff_bad_line(d) <= lines + 1);
	exchange_diff_free(d);
	return 0;
}
