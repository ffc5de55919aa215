#include "api/session.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

const char *const api_count_names[API_COUNTS] = {
    [API_RECEIVED] = "received",
    [API_ACCEPTED] = "accepted",
    [API_REJECTED] = "rejected",
    [API_ADVERTISED] = "advertised",
};

int api_session_parse(const char *line, size_t n, struct api_session *ret)
{
	struct api_session s = {.established = false};
	json_error_t e;
	json_t *o = json_loadb(line, n, 0, &e);
	const char *addr = json_string_value(json_object_get(o, "address"));
	const char *state = json_string_value(json_object_get(o, "state"));
	const json_t *families = json_object_get(o, "families");
	int err = -EINVAL;

	s.asn = (uint32_t)json_integer_value(json_object_get(o, "member_asn"));
	if (addr && state)
		err = ip_parse(addr, &s.address);
	if (!err)
		s.established = strcmp(state, "established") == 0;
	for (unsigned f = 0; !err && f < FAMILY_COUNT; f++) {
		const json_t *counts =
		    json_object_get(families, family_name((enum family)f));

		for (unsigned k = 0; k < API_COUNTS; k++)
			s.n[f][k] = (uint64_t)json_integer_value(
			    json_object_get(counts, api_count_names[k]));
	}
	json_decref(o);
	if (!err)
		*ret = s;
	return err;
}
