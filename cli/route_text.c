#include "cli/route_text.h"

#include "cli/client.h"
#include "cli/term.h"

#include <string.h>

static void write_asn(FILE *to, const json_t *asn)
{
	fprintf(to, "%lld", (long long)json_integer_value(asn));
}

void route_path(FILE *to, const json_t *path)
{
	size_t i;
	size_t k;
	json_t *hop;
	json_t *asn;

	json_array_foreach(path, i, hop)
	{
		if (i)
			fputc(' ', to);
		if (!json_is_array(hop)) {
			write_asn(to, hop);
			continue;
		}
		fputc('{', to);
		json_array_foreach(hop, k, asn)
		{
			if (k)
				fputc(' ', to);
			write_asn(to, asn);
		}
		fputc('}', to);
	}
}

void route_list(FILE *to, const json_t *list)
{
	size_t i;
	json_t *v;

	json_array_foreach(list, i, v)
	{
		const char *s = json_string_value(v);

		if (i)
			fputc(' ', to);
		if (s)
			text_write(to, s, strlen(s), SIZE_MAX);
	}
}

void route_party(FILE *to, const json_t *o, const char *asn, const char *addr)
{
	const char *member = field_text(o, "member", NULL);

	fprintf(to, "AS%llu", (unsigned long long)field_u64(o, asn));
	if (member) {
		fputc(' ', to);
		text_write(to, member, strlen(member), SIZE_MAX);
	}
	fprintf(to, " (%s)", field_text(o, addr, "?"));
}
