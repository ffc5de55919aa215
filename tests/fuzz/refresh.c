/* ROUTE-REFRESH. */
#include "fuzz.h"

#include "bgp/bgp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bgp_refresh r;
	struct bgp_notify no = {0};
	uint8_t buf[64];
	struct wr w = wr_from(buf, sizeof buf);

	if (bgp_refresh_parse(rd_from(data, n), &r, &no)) {
		PROPERTY(no.code == BGP_ERR_REFRESH && no.subcode == 1);
		PROPERTY(no.len >= BGP_HEADER);
		return 0;
	}
	PROPERTY(n >= 4 && r.family <= FAMILY_COUNT);
	if (r.family == FAMILY_COUNT)
		return 0;
	bgp_refresh_write(&w, r.family, r.subtype);
	PROPERTY(wr_ok(&w) && !memcmp(buf + BGP_HEADER, data, 4));
	return 0;
}
