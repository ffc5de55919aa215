/* A whole stream: headers, and each message to its parser. */
#include "update_rules.h"

static void message(enum bgp_type type, struct rd body,
    const struct bgp_rules *rules, struct arena *a)
{
	struct bgp_notify no = {0};
	struct bgp_open open;
	struct bgp_update update;
	struct bgp_refresh refresh;
	char words[256];

	switch (type) {
	case BGP_OPEN:
		if (bgp_open_parse(body, &open, &no))
			PROPERTY(no.code == BGP_ERR_OPEN);
		break;
	case BGP_UPDATE:
		bgp_update_parse(body, rules, a, &update);
		break;
	case BGP_NOTIFICATION:
		bgp_notify_parse(body, &no);
		break;
	case BGP_KEEPALIVE:
		PROPERTY(!rd_left(&body));
		break;
	case BGP_ROUTE_REFRESH:
		if (bgp_refresh_parse(body, &refresh, &no))
			PROPERTY(no.code == BGP_ERR_REFRESH);
		break;
	}
	bgp_notify_format(&no, words, sizeof words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a;

	if (n < RULES_BYTES)
		return 0;
	struct bgp_rules rules = rules_from(data);
	size_t max = data[1] & 0x80 ? BGP_MAX_EXTENDED : BGP_MAX;
	struct rd r = rd_from(data + RULES_BYTES, n - RULES_BYTES);
	arena_init(&a, 1u << 20);
	while (rd_left(&r) >= BGP_HEADER) {
		enum bgp_type type;
		struct bgp_notify no = {0};
		size_t len = bgp_header(r.p, max, &type, &no);

		if (!len) {
			PROPERTY(no.code == BGP_ERR_HEADER);
			break;
		}
		PROPERTY(len >= BGP_HEADER && len <= max);
		if (len > rd_left(&r))
			break;
		rd_skip(&r, BGP_HEADER);
		arena_reset(&a);
		message(type, rd_sub(&r, len - BGP_HEADER), &rules, &a);
	}
	arena_done(&a);
	return 0;
}
