#include "policy/policy.h"

#include "policy/bogon.h"
#include "policy/internal.h"

#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* A sorted copy; NULL when memory is out. */
static uint32_t *copy_list(const uint32_t *from, size_t n)
{
	uint32_t *list = malloc(n * sizeof *list);

	if (!list)
		return NULL;
	memcpy(list, from, n * sizeof *list);
	qsort(list, n, sizeof *list, by_number);
	return list;
}

bool policy_in_list(const uint32_t *list, size_t n, uint32_t asn)
{
	while (n) {
		size_t half = n / 2;

		if (list[half] == asn)
			return true;
		if (list[half] < asn) {
			list += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return false;
}

static bool set_list(struct policy_list *l, const uint32_t *from, size_t n)
{
	if (!n)
		return true;
	l->asn = copy_list(from, n);
	l->n = n;
	for (size_t i = 0; i < n; i++)
		l->bits[from[i] / 64 % 64] |= 1ull << from[i] % 64;
	return l->asn;
}

static bool set_lists(struct policy *p, const struct conf_policy *c)
{
	size_t n = c->n_transit_free;
	const uint32_t *list = c->transit_free;

	if (!list)
		list = bogon_transit_free(&n);
	return set_list(&p->transit_free, list, n) &&
	       set_list(&p->never_via, c->never_via, c->n_never_via);
}

static bool set_member(
    struct policy_member *m, const struct conf_member *c, struct ip *at)
{
	m->asn = c->asn;
	memcpy(m->name, c->name, sizeof m->name);
	m->at = at;
	m->n_at = c->n_at;
	for (size_t i = 0; i < c->n_at; i++)
		at[i] = c->at[i].addr;
	if (c->n_prefix) {
		m->prefixes = prefix_set_new();
		if (!m->prefixes)
			return false;
	}
	for (size_t i = 0; i < c->n_prefix; i++) {
		const struct conf_prefix *x = &c->prefix[i];

		if (prefix_set_add(
			m->prefixes, &x->prefix, x->min_len, x->max_len))
			return false;
	}
	if (!c->n_origin)
		return true;
	m->origin = copy_list(c->origin, c->n_origin);
	m->n_origin = c->n_origin;
	return m->origin;
}

/* The addresses of all entries of one ASN stand side by side. */
static void share_addresses(struct policy *p)
{
	for (size_t i = 0; i < p->n_member;) {
		size_t n = 0;
		size_t end = i;

		for (; end < p->n_member &&
		       p->member[end].asn == p->member[i].asn;
		     end++)
			n += p->member[end].n_at;
		for (size_t k = i; k < end; k++) {
			p->member[k].addr = p->member[i].at;
			p->member[k].n_addr = n;
		}
		i = end;
	}
}

static bool set_members(struct policy *p, const struct conf *c)
{
	size_t n_addr = 0;

	for (size_t i = 0; i < c->n_member; i++)
		n_addr += c->member[i].n_at;
	p->member = calloc(c->n_member + 1, sizeof *p->member);
	p->addr = calloc(n_addr + 1, sizeof *p->addr);
	if (!p->member || !p->addr)
		return false;
	p->n_member = c->n_member;
	n_addr = 0;
	for (size_t i = 0; i < c->n_member; i++) {
		if (!set_member(&p->member[i], &c->member[i], p->addr + n_addr))
			return false;
		n_addr += c->member[i].n_at;
	}
	for (size_t i = 0; i < c->n_member && c->registry.present; i++)
		registry_object_of(&c->member[i], p->member[i].object);
	share_addresses(p);
	return true;
}

struct policy *policy_new(const struct conf *c)
{
	struct policy *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->present = c->policy.present;
	p->strict = c->policy.preset == CONF_PRESET_STRICT;
	p->asn = c->exchange.asn;
	p->rov = c->policy.rov;
	p->aspa = c->policy.aspa;
	p->inform = c->policy.inform;
	memcpy(p->min_len, c->policy.min_len, sizeof p->min_len);
	memcpy(p->max_len, c->policy.max_len, sizeof p->max_len);
	p->max_path = c->policy.max_path;
	p->max_communities = c->policy.max_communities;
	memcpy(p->lan, c->exchange.lan, sizeof p->lan);
	p->n_lan = c->exchange.n_lan;
	p->on = policy_checks_on(&c->policy);
	if (!set_lists(p, &c->policy) || !set_members(p, c)) {
		policy_free(p);
		return NULL;
	}
	return p;
}

struct policy *policy_bare(uint32_t asn)
{
	struct policy *p = calloc(1, sizeof *p);

	if (p)
		p->asn = asn;
	return p;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_member; i++) {
		prefix_set_free(p->member[i].prefixes);
		free(p->member[i].origin);
		registry_set_unref(p->member[i].registry);
	}
	free(p->member);
	free(p->addr);
	free(p->transit_free.asn);
	free(p->never_via.asn);
	free(p);
}

bool policy_take_registry(struct policy *p, struct registry *r)
{
	bool changed = false;

	for (size_t i = 0; i < p->n_member; i++) {
		struct policy_member *m = &p->member[i];
		struct registry_set *s =
		    m->object[0] ? registry_find(r, m->object) : NULL;

		if (s == m->registry)
			continue;
		if (s)
			registry_set_ref(s);
		registry_set_unref(m->registry);
		m->registry = s;
		changed = true;
	}
	return changed;
}

uint32_t policy_asn(const struct policy *p)
{
	return p->asn;
}

bool policy_present(const struct policy *p)
{
	return p->present;
}

/* The first entry with that ASN, or where it would stand. */
static size_t first_member(const struct policy *p, uint32_t asn)
{
	size_t low = 0;
	size_t high = p->n_member;

	while (low < high) {
		size_t half = low + (high - low) / 2;

		if (p->member[half].asn < asn)
			low = half + 1;
		else
			high = half;
	}
	return low;
}

bool policy_knows_asn(const struct policy *p, uint32_t asn)
{
	size_t i = first_member(p, asn);

	return i < p->n_member && p->member[i].asn == asn;
}

const struct policy_member *policy_member_find(
    const struct policy *p, uint32_t asn, const struct ip *addr)
{
	for (size_t i = first_member(p, asn);
	     i < p->n_member && p->member[i].asn == asn; i++)
		for (size_t k = 0; k < p->member[i].n_at; k++)
			if (ip_eq(&p->member[i].at[k], addr))
				return &p->member[i];
	return NULL;
}

const char *policy_member_name(const struct policy_member *m)
{
	return m->name;
}
