#include "cli/request.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

static void party(struct json *j, const struct cli_call *c, const char *name)
{
	const struct cli_value *v = cli_get(c, name);
	char text[IP_TEXT];

	if (!v->given)
		return;
	if (v->number)
		json_u64(j, name, v->number);
	else
		json_string(j, name, ip_format(&v->addr, text));
}

size_t request_routes(const struct cli_call *c, const char *verb,
    const struct prefix *prefix, char *buf, size_t cap)
{
	char text[PREFIX_TEXT];
	struct json j;

	json_init(&j, buf, cap);
	json_open_object(&j, NULL);
	json_string(&j, "verb", verb);
	party(&j, c, "from");
	party(&j, c, "to");
	if (prefix)
		json_string(&j, "prefix", prefix_format(prefix, text));
	if (cli_flag(c, "longer"))
		json_bool(&j, "longer", true);
	if (cli_flag(c, "rejected"))
		json_bool(&j, "rejected", true);
	json_close_object(&j);
	json_newline(&j);
	return json_ok(&j) ? j.len : 0;
}

char *request_text(const char *verb, const char *text, size_t n,
    uint64_t confirm_s, size_t *ret_n)
{
	size_t cap = 6 * n + 256; /* a byte takes six at most */
	char *buf = malloc(cap);
	struct json j;

	if (!buf)
		return NULL;
	json_init(&j, buf, cap);
	json_open_object(&j, NULL);
	json_string(&j, "verb", verb);
	json_string_n(&j, "text", text, n);
	if (confirm_s)
		json_u64(&j, "confirm_s", confirm_s);
	json_close_object(&j);
	json_newline(&j);
	if (!json_ok(&j)) {
		free(buf);
		return NULL;
	}
	*ret_n = j.len;
	return buf;
}

void request_fault(const char *file, const struct conf_error *e)
{
	static char buf[4096 * 6 + 2048]; /* a path and a text, escaped */
	struct json j;

	json_init(&j, buf, sizeof buf);
	json_open_object(&j, NULL);
	json_string(&j, "file", file);
	json_u64(&j, "line", e->line);
	json_u64(&j, "col", e->col);
	json_string(&j, "text", e->text);
	json_close_object(&j);
	json_newline(&j);
	if (json_ok(&j))
		fwrite(buf, 1, j.len, stdout);
}
