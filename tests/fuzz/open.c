/* OPEN: what was read and is written again reads the same. */
#include "fuzz.h"

#include "bgp/bgp.h"

static size_t write_open(uint8_t *buf, size_t room, const struct bgp_open *o)
{
	struct wr w = wr_from(buf, room);

	bgp_open_write(&w, o);
	PROPERTY(wr_ok(&w));
	return wr_len(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bgp_open a;
	struct bgp_open b;
	struct bgp_notify no = {0};
	uint8_t first[512];
	uint8_t second[512];

	if (bgp_open_parse(rd_from(data, n), &a, &no)) {
		PROPERTY(no.code == BGP_ERR_OPEN);
		return 0;
	}
	PROPERTY(a.asn && a.id && a.hold_s != 1 && a.hold_s != 2);
	if (!a.as4 && a.asn > UINT16_MAX)
		abort();
	size_t n1 = write_open(first, sizeof first, &a);
	PROPERTY(!bgp_open_parse(
	    rd_from(first + BGP_HEADER, n1 - BGP_HEADER), &b, &no));
	size_t n2 = write_open(second, sizeof second, &b);
	PROPERTY(n1 == n2 && !memcmp(first, second, n1));
	return 0;
}
