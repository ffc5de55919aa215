/* NOTIFICATION: kept as it came, and never more than one line of words. */
#include "fuzz.h"

#include "bgp/bgp.h"

static void check_words(const struct bgp_notify *no, size_t room)
{
	char *buf = malloc(room);

	if (!buf)
		return;
	bgp_notify_format(no, buf, room);
	size_t n = strnlen(buf, room);
	PROPERTY(n < room);
	for (size_t i = 0; i < n; i++)
		PROPERTY((uint8_t)buf[i] >= 0x20 && buf[i] != 0x7f);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bgp_notify no;
	struct bgp_notify again;
	struct bgp_notify hard;
	uint8_t buf[512];
	struct wr w = wr_from(buf, sizeof buf);

	bgp_notify_parse(rd_from(data, n), &no);
	bgp_notify_write(&w, &no);
	PROPERTY(wr_ok(&w));
	bgp_notify_parse(
	    rd_from(buf + BGP_HEADER, wr_len(&w) - BGP_HEADER), &again);
	PROPERTY(again.code == no.code && again.subcode == no.subcode);
	PROPERTY(again.len == no.len && !memcmp(again.data, no.data, no.len));
	if (n >= 2)
		PROPERTY(no.len == (n - 2 < 255 ? n - 2 : 255));
	hard = bgp_notify_hard(&no);
	for (size_t room = 1; room < 900; room = room * 3 + 1) {
		check_words(&no, room);
		check_words(&hard, room);
	}
	if (n > 4) { /* the rest as somebody's text */
		char *text = malloc(n + 1);

		if (!text)
			return 0;
		memcpy(text, data, n);
		text[n] = 0;
		no = bgp_notify_cease(BGP_CEASE_SHUTDOWN, text);
		PROPERTY(no.len >= 1 && no.len <= 129);
		check_words(&no, 400);
		free(text);
	}
	return 0;
}
