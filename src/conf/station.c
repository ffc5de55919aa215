/* BMP stations: their directive, and what no single directive can know. */
#include "conf/internal.h"

#define PORT 1790 /* as most stations have it; BMP has none of its own */

static const char expected[] = "ADDRESS[:PORT] as 192.0.2.1:1790, or an "
			       "address in \"[2001:db8::1]:1790\"";

static bool take_station(struct parser *p, struct conf_station *ret)
{
	char text[IP_TEXT + 16];
	char found[TOKEN_TEXT];

	if (p->tok.kind != TOKEN_WORD && p->tok.kind != TOKEN_STRING)
		return parser_expected(p, expected);
	if (token_string(&p->tok, text, sizeof text) &&
	    endpoint_parse(text, &ret->addr, &ret->port)) {
		parser_next(p);
		return true;
	}
	errors_add(p->errors, p->tok.pos, "%s is no station; expected %s",
	    token_format(&p->tok, found), expected);
	parser_next(p);
	return false;
}

static bool push(struct parser *p, struct conf_monitoring *m,
    const struct conf_station *s, struct pos pos)
{
	if (m->n_station == CONF_STATIONS) {
		errors_add(p->errors, pos,
		    "too many stations; expected at most %d", CONF_STATIONS);
		return false;
	}
	if (m == &p->conf->monitoring)
		p->station_pos[m->n_station] = pos;
	m->station[m->n_station++] = *s;
	return true;
}

bool station_parse(struct parser *p, void *base)
{
	struct conf_monitoring *m = base;
	size_t first = m->n_station;
	struct conf_station shared = {0};
	struct scope s = {.block = &conf_block_station, .open = p->prev.pos};
	bool all = true;

	do {
		struct pos pos = p->tok.pos;
		struct conf_station station = {0};

		if (take_station(p, &station)) {
			all = push(p, m, &station, pos) && all;
		} else {
			all = false;
			if (p->tok.kind != TOKEN_COMMA &&
			    p->tok.kind != TOKEN_OPEN)
				return false;
		}
		if (p->errors->full || p->no_mem)
			return false;
	} while (parser_take(p, TOKEN_COMMA));
	conf_defaults(&conf_block_station, &shared);
	if (p->tok.kind == TOKEN_OPEN)
		all = parser_body(p, &s, &shared) && all;
	for (size_t i = first; i < m->n_station; i++) {
		struct conf_station own = m->station[i];

		m->station[i] = shared;
		m->station[i].addr = own.addr;
		m->station[i].port = own.port ? own.port : PORT;
	}
	return all;
}

static void check_twice(struct parser *p, size_t i)
{
	const struct conf_monitoring *m = &p->conf->monitoring;
	char name[IP_TEXT + 16];

	for (size_t k = 0; k < i; k++) {
		if (!ip_eq(&m->station[i].addr, &m->station[k].addr) ||
		    m->station[i].port != m->station[k].port)
			continue;
		errors_add(p->errors, p->station_pos[i],
		    "the station %s is given in line %u; expected each once",
		    endpoint_format(
			&m->station[i].addr, m->station[i].port, name),
		    p->station_pos[k].line);
		return;
	}
}

void station_check(struct parser *p)
{
	const struct conf_monitoring *m = &p->conf->monitoring;
	struct pos at;

	for (size_t i = 0; i < m->n_station; i++) {
		const struct conf_station *s = &m->station[i];

		check_twice(p, i);
		if (!s->pre && !s->post && !s->loc_rib && !s->out)
			errors_add(p->errors, p->station_pos[i],
			    "the station is sent nothing; expected one of pre, "
			    "post, loc-rib and out to be on");
	}
	if (m->present && m->mrt[0] && m->mrt[0] != '/' &&
	    scope_value(&p->monitoring, "mrt", &at))
		errors_add(p->errors, at,
		    "the directory is no full path; expected it to begin with "
		    "'/'");
	if (m->present && !m->mrt[0] &&
	    (scope_value(&p->monitoring, "table", &at) ||
		scope_value(&p->monitoring, "updates", &at)))
		errors_add(p->errors, at,
		    "there is no directory for the dumps; expected 'mrt "
		    "DIRECTORY;'");
}
