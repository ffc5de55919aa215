/*
 * What bgpq4 may write (first byte below 3: the kind of list), and what the
 * registry role may send to the engine: [type 8 | length 16 | bytes] ...
 */
#include "fuzz.h"

#include "registry/registry.h"

static struct registry_taker taker;

static bool take_back(
    void *arg, enum registry_record type, const uint8_t *p, size_t n)
{
	PROPERTY(registry_take(&taker, type, rd_from(p, n), arg) >= 0);
	return true;
}

static void answer(enum registry_kind kind, const uint8_t *p, size_t n)
{
	static const struct registry_head head = {"AS-X", "fuzz", 1};
	struct registry_list l = {0};
	struct registry_set *s = NULL;
	char err[128] = "";

	if (registry_read_bgpq4(
		(const char *)p, n, kind, &l, err, sizeof err)) {
		PROPERTY(err[0]);
	} else if (l.n_prefix && l.n_origin) {
		/* What was read can be sent. */
		PROPERTY(registry_write(&head, &l, take_back, &s));
		PROPERTY(s);
		registry_set_unref(s);
	}
	registry_list_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct registry_set *s = NULL;
	struct rd r;

	if (n && data[0] < 3) {
		answer((enum registry_kind)data[0], data + 1, n - 1);
		return 0;
	}
	r = rd_from(data, n);
	while (rd_left(&r) >= 3) {
		uint32_t type = rd_u8(&r);
		size_t len = rd_u16(&r);

		if (len > rd_left(&r))
			len = rd_left(&r);
		if (registry_take(&taker, type % 8, rd_sub(&r, len), &s) == 1) {
			PROPERTY(registry_set_origins(s) > 0);
			PROPERTY(registry_set_prefixes(s, FAMILY_IPV4) +
				     registry_set_prefixes(s, FAMILY_IPV6) >
				 0);
			registry_set_unref(s);
		}
	}
	registry_taker_done(&taker);
	return 0;
}
