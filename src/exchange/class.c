/*
 * Classes: who may have a path, and in which variant, as bitmaps of slots.
 *
 * A class is interned by what the announcer wishes and what the path asks of
 * a client (struct class_key), so that thousands of attribute sets share few
 * classes, and a client that comes or goes costs one look at each class.
 */
#include "exchange/internal.h"

#include <errno.h>
#include <stdlib.h>

#define CLASS_PLANES ((size_t)1 + VARIANT_BITS)

static const struct policy_target *targets_of(const struct class_key *k)
{
	return (const struct policy_target *)(const void *)(k + 1);
}

static const uint32_t *own_of(const struct class_key *k)
{
	return (const uint32_t *)(const void *)(targets_of(k) + k->n_target);
}

static struct policy_control control_of(const struct class_key *k)
{
	return (struct policy_control){
	    .deny_all = k->deny_all,
	    .prepend_all = k->prepend_all,
	    .n = k->n_target,
	    .target = targets_of(k),
	};
}

enum exchange_bar class_bar(const struct class *c, const struct slot *s)
{
	const struct class_key *k = c->key;
	const struct feed_up *as = &s->c.as;
	struct policy_control control = control_of(k);

	/* Without a policy all sets are refused (RFC 8212), when judged. */
	if (!s->c.up || !(as->families & BGP_FAMILY(k->family)) || !s->c.member)
		return EXCHANGE_BAR_DOWN;
	if (k->flags & CLASS_NONE)
		return EXCHANGE_BAR_REJECTED;
	for (uint32_t i = 0; i < k->n_own; i++)
		if (own_of(k)[i] == as->asn)
			return EXCHANGE_BAR_OWN_ASN;
	if (!policy_control_permits(&control, as->asn))
		return EXCHANGE_BAR_CONTROL;
	if (k->flags & CLASS_NEXT_HOP6 &&
	    !(as->next_hop6 & BGP_FAMILY(FAMILY_IPV4)))
		return EXCHANGE_BAR_NEXT_HOP;
	if (k->flags & CLASS_LONG && !as->extended)
		return EXCHANGE_BAR_SIZE;
	if (k->flags & CLASS_LLGR &&
	    !(as->open.llgr_families & BGP_FAMILY(k->family)))
		return EXCHANGE_BAR_LLGR;
	return EXCHANGE_MAY;
}

/* How often it is prepended. */
unsigned class_variant(const struct class *c, const struct slot *s)
{
	struct policy_control control = control_of(c->key);

	return policy_control_prepend(&control, s->c.as.asn);
}

static void set_slot(struct exchange *x, struct class *c, uint32_t slot)
{
	const struct slot *s = x->slot[slot];
	unsigned v = 0;

	for (unsigned plane = 0; plane < CLASS_PLANES; plane++)
		bit_clear(c->bits + (size_t)plane * x->words, slot);
	if (!s || class_bar(c, s) != EXCHANGE_MAY)
		return;
	bit_set(c->bits, slot);
	v = class_variant(c, s);
	if (v)
		c->varied = true;
	for (unsigned i = 0; i < VARIANT_BITS; i++)
		if (v >> i & 1)
			bit_set(c->bits + (size_t)(i + 1) * x->words, slot);
}

static uint32_t bucket_of(const struct classes *cs, uint32_t hash)
{
	return hash & (cs->n_bucket - 1);
}

static int grow(struct classes *cs)
{
	uint32_t cap = cs->cap ? 2 * cs->cap : 64;
	struct class *v = realloc(cs->v, cap * sizeof *v);

	if (!v)
		return -ENOMEM;
	cs->v = v;
	uint32_t *bucket = calloc(cap, sizeof *bucket);
	if (!bucket)
		return -ENOMEM;
	free(cs->bucket);
	cs->bucket = bucket;
	cs->n_bucket = cap;
	cs->cap = cap;
	for (uint32_t i = 0; i < cs->n; i++) {
		struct class *c = &cs->v[i];

		if (!c->key)
			continue;
		c->next = bucket[bucket_of(cs, c->hash)];
		bucket[bucket_of(cs, c->hash)] = i + 1;
	}
	return 0;
}

static uint32_t class_new(struct exchange *x, const struct class_key *key,
    size_t bytes, uint32_t hash)
{
	struct classes *cs = &x->classes;
	struct class_key *copy = malloc(bytes);
	uint64_t *bits = calloc(CLASS_PLANES * x->words, sizeof *bits);

	if (!copy || !bits ||
	    (cs->free == UINT32_MAX && cs->n == cs->cap && grow(cs))) {
		free(copy);
		free(bits);
		return 0;
	}
	uint32_t id = cs->free;
	if (id != UINT32_MAX)
		cs->free = cs->v[id].next;
	else
		id = cs->n++;
	memcpy(copy, key, bytes);
	struct class *c = &cs->v[id];
	*c = (struct class){.refs = 1,
	    .hash = hash,
	    .next = cs->bucket[bucket_of(cs, hash)],
	    .key = copy,
	    .key_bytes = bytes,
	    .bits = bits};
	cs->bucket[bucket_of(cs, hash)] = id + 1;
	cs->live++;
	for (uint32_t i = 0; i < x->n_slots; i++)
		set_slot(x, c, i);
	return id;
}

uint32_t class_intern(
    struct exchange *x, const struct class_key *key, size_t bytes)
{
	struct classes *cs = &x->classes;
	uint32_t hash = (uint32_t)hash_bytes(key, bytes, x->rib->seed);

	for (uint32_t i = cs->bucket[bucket_of(cs, hash)]; i;
	     i = cs->v[i - 1].next) {
		struct class *c = &cs->v[i - 1];

		if (c->hash == hash && c->key_bytes == bytes &&
		    !memcmp(c->key, key, bytes)) {
			c->refs++;
			return i - 1;
		}
	}
	uint32_t id = class_new(x, key, bytes, hash);
	if (!id)
		class_ref(x, 0);
	return id;
}

void class_ref(struct exchange *x, uint32_t class)
{
	x->classes.v[class].refs++;
}

void class_unref(struct exchange *x, uint32_t class)
{
	struct classes *cs = &x->classes;
	struct class *c = &cs->v[class];

	must(c->refs);
	if (--c->refs)
		return;
	uint32_t *link = &cs->bucket[bucket_of(cs, c->hash)];
	while (*link != class + 1)
		link = &cs->v[*link - 1].next;
	*link = c->next;
	free(c->key);
	free(c->bits);
	watch_class_dropped(x, class);
	*c = (struct class){.next = cs->free};
	cs->free = class;
	cs->live--;
}

int classes_init(struct exchange *x)
{
	struct class_key nobody = {.flags = CLASS_NONE};

	x->classes.free = UINT32_MAX;
	if (grow(&x->classes))
		return -ENOMEM;
	class_new(x, &nobody, sizeof nobody,
	    (uint32_t)hash_bytes(&nobody, sizeof nobody, x->rib->seed));
	return x->classes.live == 1 ? 0 : -ENOMEM;
}

void classes_done(struct exchange *x)
{
	for (uint32_t i = 0; i < x->classes.n; i++) {
		free(x->classes.v[i].key);
		free(x->classes.v[i].bits);
	}
	free(x->classes.v);
	free(x->classes.bucket);
}

void classes_update(struct exchange *x, uint32_t slot)
{
	for (uint32_t i = 0; i < x->classes.n; i++)
		if (x->classes.v[i].key)
			set_slot(x, &x->classes.v[i], slot);
	watch_classes(x);
}

void classes_widen(struct exchange *x, uint32_t words)
{
	for (uint32_t i = 0; i < x->classes.n; i++) {
		struct class *c = &x->classes.v[i];

		if (!c->key)
			continue;
		uint64_t *bits = calloc(CLASS_PLANES * words, sizeof *bits);
		must(bits);
		for (unsigned plane = 0; plane < CLASS_PLANES; plane++)
			memcpy(bits + (size_t)plane * words,
			    c->bits + (size_t)plane * x->words,
			    x->words * sizeof *bits);
		free(c->bits);
		c->bits = bits;
	}
	x->words = words;
	watch_classes(x);
}
