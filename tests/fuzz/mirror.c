/*
 * What the engine tells the monitor role: records one after another into
 * a mirror.  Each: type, number, length (two octets, the low one
 * first), then that many octets or what is left.
 */
#include "fuzz.h"

#include "monitor/mirror.h"

#include <string.h>

#define HEAD 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mirror *m = mirror_new();

	while (n >= HEAD) {
		struct link_head h = {.type = WATCH_PEER + data[0] % 9,
		    .a = data[1],
		    .len = data[2] | (uint32_t)data[3] << 8};

		data += HEAD;
		n -= HEAD;
		if (h.len > n)
			h.len = (uint32_t)n;
		/* A block of its own: ASan guards its end. */
		uint8_t *exact = malloc(h.len + !h.len);
		PROPERTY(exact);
		memcpy(exact, data, h.len);
		bool was = mirror_complete(m);
		int e = mirror_record(m, &h, exact, 1000000);
		PROPERTY(e <= 0);
		PROPERTY(mirror_complete(m) ==
			 (was || (h.type == WATCH_TABLE && !e)));
		free(exact);
		data += h.len;
		n -= h.len;
	}
	mirror_free(m);
	return 0;
}
