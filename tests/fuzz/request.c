/* What a client of the control sockets may send: any line. */
#include "fuzz.h"

#include "api/request.h"
#include "api/session.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct api_request r;
	struct api_session s;
	char why[API_WHY] = "";
	const char *line = (const char *)data;
	bool control = n % 2;
	int err = api_request_parse(line, n, control, &r, why);

	/* What is refused is refused in words. */
	PROPERTY(!err || why[0]);
	PROPERTY(memchr(why, 0, sizeof why));
	if (!err) {
		PROPERTY(control || r.verb < API_TEXT);
		PROPERTY(
		    !r.text == (r.verb != API_APPLY && r.verb != API_DIFF));
		free(r.text);
	}
	if (!api_session_parse(line, n, &s))
		PROPERTY(s.address.family < FAMILY_COUNT);
	return 0;
}
