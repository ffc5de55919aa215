/* What the registry folder keeps to itself. */
#pragma once

#include "net/prefix_set.h"
#include "registry/registry.h"

struct registry_set {
	uint32_t refs;
	struct registry_head head;
	struct prefix_set *prefixes;
	size_t count[FAMILY_COUNT];
	uint32_t *origin; /* sorted once it is finished */
	size_t n_origin;
};

/* An empty set that is being made, with one reference; NULL: no memory. */
struct registry_set *set_new(const struct registry_head *h);
/* 0; -EINVAL, also over the limits; -ENOMEM. */
int set_add_prefix(
    struct registry_set *s, const struct prefix *p, uint8_t min, uint8_t max);
int set_add_origin(struct registry_set *s, uint32_t asn);
/* Makes it ready to be asked; false when it is empty. */
bool set_finish(struct registry_set *s);
