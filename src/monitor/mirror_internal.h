/* What mirror.c and mirror_view.c share. */
#pragma once

#include "monitor/mirror.h"

#define WATCH_PATHS 8192 /* of one prefix */

struct many { /* a list of several */
	struct mirror_list head;
	struct mirror_set *set[];
};

struct mirror_table {
	uint8_t *prefix; /* by place: length, address */
	struct mirror_list **list;
	uint16_t *waits; /* views that are still to hear of it */
	uint32_t *free;
	uint32_t *place; /* by the engine's id: place + 1, 0: none */
	uint32_t prefix_cap, list_cap, waits_cap, free_cap, place_cap;
	uint32_t n_free;
	uint32_t end;
};

struct mirror {
	struct list views;
	struct mirror_table table[FAMILY_COUNT];
	struct mirror_set **set; /* by the engine's number */
	uint32_t set_cap;
	struct mirror_class **class; /* by the engine's number */
	uint32_t class_cap;
	struct mirror_peer *slot[FEED_SLOTS];
	struct mirror_list *last; /* the last one made of several */
	uint32_t serial;
	uint32_t sessions;
	bool complete;
	bool out;
	struct mirror_stats stats;
	struct mirror_set *paths[WATCH_PATHS];
};

/* Stands in `told` for a place of which the reader knows nothing. */
extern struct mirror_list mirror_nothing;

void mirror_list_unref(struct mirror *m, struct mirror_list *l);
void mirror_place_free(struct mirror *m, enum family f, uint32_t place);
void mirror_prefix(
    const struct mirror *m, enum family f, uint32_t place, struct prefix *ret);
/* The list there is about to be another one. */
void mirror_view_mark(struct mirror_view *v, enum family f, uint32_t place,
    struct mirror_list *was);
