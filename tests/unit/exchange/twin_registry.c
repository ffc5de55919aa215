/* The registries in the twin test: sets of members' objects come and change. */
#include "twin_sim.h"

#include "check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_wanted(const struct conf *c, const char *object)
{
	char name[REGISTRY_OBJECT];

	for (size_t i = 0; i < c->n_member; i++) {
		naive_object(&c->member[i], name);
		if (!strcasecmp(name, object))
			return true;
	}
	return false;
}

void twin_registry_prune(const struct conf *c)
{
	struct naive_proof *p = twin_proof();

	for (size_t i = p->n_set; i--;)
		if (!is_wanted(c, p->set[i].object)) {
			p->set[i] = p->set[--p->n_set];
			sim.seen[SEEN_FORGOTTEN]++;
		}
}

void twin_registry_forget(void)
{
	twin_proof()->n_set = 0;
}

/* The one with that name, or a new one; NULL: there is no room. */
static struct naive_set *set_named(const char *object)
{
	struct naive_proof *p = twin_proof();
	size_t i = 0;

	while (i < p->n_set && strcasecmp(p->set[i].object, object) != 0)
		i++;
	if (i == NAIVE_SETS)
		return NULL;
	p->n_set += i == p->n_set;
	(void)snprintf(p->set[i].object, sizeof p->set[i].object, "%s", object);
	return &p->set[i];
}

static struct conf_prefix range(const struct prefix *p, unsigned longest)
{
	return (struct conf_prefix){
	    .prefix = *p, .min_len = p->len, .max_len = (uint8_t)longest};
}

static void fill(struct naive_set *s, uint32_t asn)
{
	struct prefix all;

	s->n_prefix = s->n_origin = 0;
	/* Without some wide ones next to nothing would pass. */
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		must(!prefix_parse(f ? "2a00::/12" : "11.0.0.0/8", &all));
		if (!make_once_in(3))
			s->prefix[s->n_prefix++] =
			    range(&all, make_once_in(2) ? 64 : 24);
		if (s->n_prefix && !f && s->prefix[0].max_len > 32)
			s->prefix[0].max_len = 32;
	}
	for (unsigned n = 1 + make_below(6); n; n--) {
		enum family f = make_once_in(2) ? FAMILY_IPV4 : FAMILY_IPV6;
		struct prefix p = make_prefix(f);
		unsigned room = family_bits(f) - p.len;

		s->prefix[s->n_prefix++] = range(
		    &p, p.len + (make_once_in(2) ? make_below(room + 1) : 0));
		if (s->n_prefix == NAIVE_SET)
			break;
	}
	s->origin[s->n_origin++] = asn;
	for (unsigned n = make_below(NAIVE_SET); n; n--)
		s->origin[s->n_origin++] = make_origin();
}

struct taking {
	struct registry_taker taker;
	struct registry_set *set;
};

static bool take(
    void *arg, enum registry_record type, const uint8_t *p, size_t n)
{
	struct taking *t = arg;

	must(registry_take(&t->taker, type, rd_from(p, n), &t->set) >= 0);
	return true;
}

/* As the registry role hands it out and the engine takes it. */
static void tell(struct naive_set *s)
{
	struct registry_head h = {.source = "twin", .fetched_s = 1};
	struct registry_list l = {.prefix = s->prefix,
	    .n_prefix = s->n_prefix,
	    .origin = s->origin,
	    .n_origin = s->n_origin};
	struct taking t = {0};

	memcpy(h.object, s->object, sizeof h.object);
	for (size_t i = 0; i < s->n_prefix; i++)
		l.count[s->prefix[i].prefix.addr.family]++;
	must(registry_write(&h, &l, take, &t) && t.set);
	must(!exchange_registry(sim.x, t.set, sim.now_ns));
	naive_prove(sim.twin, twin_proof());
}

void twin_registry(void)
{
	char object[REGISTRY_OBJECT];
	const struct conf_member *m;

	if (!sim.conf->registry.present || !sim.conf->n_member)
		return;
	m = &sim.conf->member[make_below((unsigned)sim.conf->n_member)];
	naive_object(m, object);
	/* Names are the same in small letters. */
	if (make_once_in(3))
		object[0] = 'a';
	struct naive_set *s = set_named(object);
	if (!s)
		return;
	fill(s, m->asn);
	TELL("registry: %s has %zu prefixes, %zu origins", object, s->n_prefix,
	    s->n_origin);
	sim.seen[SEEN_REGISTRY]++;
	tell(s);
}
