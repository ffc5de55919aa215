/*
 * What the routing registries (IRR) say of members: the prefixes and the
 * origin ASNs of an object, an AS-SET or an AS number.
 *
 *   bgpq4 --json--> lists (registry role) --records--> file, link
 *                                          --records--> set (engine)
 *
 * A set never changes once it is made; a newer one takes its place.  An
 * object of which nothing is known yet has no set, and that is not the same
 * as a set that is empty: no set is ever empty.
 */
#pragma once

#include "base/wire.h"
#include "conf/conf.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTRY_OBJECT CONF_NAME
#define REGISTRY_SOURCE 128
#define REGISTRY_PREFIXES_MAX 500000u /* of one object, both families */
#define REGISTRY_ORIGINS_MAX 200000u

/* Where a set is from. */
struct registry_head {
	char object[REGISTRY_OBJECT]; /* "AS-ALPHA", "AS64501" */
	char source[REGISTRY_SOURCE]; /* "bgpq4, rr.ntt.net, RIPE" */
	uint64_t fetched_s;	      /* when, wall clock */
};

/* ---- lists: what a registry answered ------------------------------------ */

struct registry_list {
	struct conf_prefix *prefix;
	size_t n_prefix;
	size_t count[FAMILY_COUNT];
	uint32_t *origin;
	size_t n_origin;
};

void registry_list_free(struct registry_list *l);

enum registry_kind {
	REGISTRY_IPV4,
	REGISTRY_IPV6,
	REGISTRY_ORIGINS,
};

/*
 * Adds what bgpq4 -j wrote (n bytes of JSON) to the list.  0; -EINVAL with a
 * sentence in err, when it is anything but a list of that kind; -E2BIG over
 * the limits above; -ENOMEM.  An empty list is no error here.
 */
int registry_read_bgpq4(const char *text, size_t n, enum registry_kind kind,
    struct registry_list *l, char *err, size_t err_len);

/* ---- records: how sets travel and are kept ------------------------------- */

enum registry_record {
	REGISTRY_BEGIN = 1,
	REGISTRY_PREFIXES,
	REGISTRY_ASNS,
	REGISTRY_END,
};

#define REGISTRY_RECORD_MAX ((size_t)32768) /* bytes of one */

/*
 * Hands the list out as records, BEGIN to END; stops when emit says false,
 * and is false then.
 */
bool registry_write(const struct registry_head *h,
    const struct registry_list *l,
    bool (*emit)(
	void *arg, enum registry_record type, const uint8_t *p, size_t n),
    void *arg);

/* ---- sets ---------------------------------------------------------------- */

struct registry_set;

void registry_set_ref(struct registry_set *s);
void registry_set_unref(struct registry_set *s); /* NULL is allowed */

const struct registry_head *registry_set_head(const struct registry_set *s);
size_t registry_set_prefixes(const struct registry_set *s, enum family f);
size_t registry_set_origins(const struct registry_set *s);

/* May the prefix be announced? */
bool registry_set_permits(const struct registry_set *s, const struct prefix *p);
/* It lies inside some prefix of the set, whatever the lengths. */
bool registry_set_covers(const struct registry_set *s, const struct prefix *p);
/* May the AS originate? */
bool registry_set_has_origin(const struct registry_set *s, uint32_t asn);

/* Takes records one by one; one set is made at a time. */
struct registry_taker {
	struct registry_set *making;
};

/*
 * One record.  1: a set is complete, *ret has a reference to it; 0: more is to
 * come; -EINVAL: it makes no sense, and what was there of the set is dropped;
 * -ENOMEM likewise.
 */
int registry_take(struct registry_taker *t, uint32_t type, struct rd body,
    struct registry_set **ret);
void registry_taker_done(struct registry_taker *t);

/* ---- all of them ----------------------------------------------------------
 */

struct registry;

struct registry *registry_new(void); /* NULL when memory is out */
void registry_free(struct registry *r);

/* Takes over the reference; an older set of the object goes.  0 or -ENOMEM. */
int registry_put(struct registry *r, struct registry_set *s);
/* The object's set, or NULL. */
struct registry_set *registry_find(
    const struct registry *r, const char *object);
/* Drops the sets of all objects that no member of c has. */
void registry_prune(struct registry *r, const struct conf *c);

/* The object that a member's sets come from: its as-set, or AS<number>. */
void registry_object_of(const struct conf_member *m, char to[REGISTRY_OBJECT]);
