/* A plan as text of spean.conf. */
#include "cli/init/plan.h"

static void write_string(const char *s, FILE *to)
{
	fputc('"', to);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', to);
		fputc(*s, to);
	}
	fputc('"', to);
}

static void write_addresses(
    const char *name, const struct ip *v, size_t n, FILE *to)
{
	char text[IP_TEXT];

	if (!n)
		return;
	fprintf(to, "\t%s ", name);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%s%s", i ? ", " : "", ip_format(&v[i], text));
	fputs(";\n", to);
}

static void write_exchange(const struct plan *p, FILE *to)
{
	char text[PREFIX_TEXT];

	fputs("exchange ", to);
	write_string(p->name, to);
	fprintf(to, " {\n\tasn %u;\n", p->asn);
	write_addresses("router-id", &p->router_id, 1, to);
	write_addresses("listen", p->listen, p->n_listen, to);
	for (size_t i = 0; i < p->n_lan; i++)
		fprintf(to, "%s%s%s", i ? ", " : "\tlan ",
		    prefix_format(&p->lan[i], text),
		    i + 1 == p->n_lan ? ";\n" : "");
	fputs("}\n\npolicy { preset strict; }\n", to);
}

static void write_member(const struct plan_member *m, FILE *to)
{
	const uint32_t *max = m->max_prefix;

	fputs("\nmember ", to);
	write_string(m->name, to);
	fprintf(to, " {\n\tasn %u;\n", m->asn);
	if (m->as_set[0])
		fprintf(to, "\tas-set %s;%s\n", m->as_set,
		    m->as_set_suggested ? " # from PeeringDB" : "");
	write_addresses("at", m->at, m->n_at, to);
	if (max[FAMILY_IPV6])
		fprintf(to, "\tmax-prefix %u, %u;", max[FAMILY_IPV4],
		    max[FAMILY_IPV6]);
	else if (max[FAMILY_IPV4])
		fprintf(to, "\tmax-prefix %u;", max[FAMILY_IPV4]);
	if (m->suggested[FAMILY_IPV4] || m->suggested[FAMILY_IPV6])
		fputs(" # from PeeringDB", to);
	fputs(max[FAMILY_IPV4] || max[FAMILY_IPV6] ? "\n}\n" : "}\n", to);
}

void plan_write(const struct plan *p, const char *from, FILE *to)
{
	fprintf(to, "# Written by spean init from %s.\n\n", from);
	write_exchange(p, to);
	for (size_t i = 0; i < p->n_member; i++)
		write_member(&p->member[i], to);
}
