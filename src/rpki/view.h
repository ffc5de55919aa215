/*
 * The RPKI as an engine sees it: its own tables, kept by the records of
 * rpki/records.h.  The tables stay where they are for the view's life.
 */
#pragma once

#include "rpki/records.h"

struct rpki_view;

enum view_event {
	VIEW_NOTHING,
	VIEW_ALL,     /* everything may be different, also from no data */
	VIEW_CHANGES, /* see view_changes() */
	VIEW_NO_DATA, /* it no longer counts: all is unchecked */
	VIEW_BROKEN,  /* makes no sense: ask for all of it (RPKI_AGAIN) */
};

/* What an epoch changed; borrowed until the next record. */
struct view_changes {
	const struct prefix *prefix; /* routes in these; may repeat */
	size_t n_prefix;
	const uint32_t *customer; /* routes with these in their path */
	size_t n_customer;
};

/* NULL when memory is out. */
struct rpki_view *view_new(void);
void view_free(struct rpki_view *v);

/* A link to a new incarnation of the role: what was begun is forgotten. */
void view_restart(struct rpki_view *v);
enum view_event view_record(struct rpki_view *v, uint32_t type,
    const void *data, size_t n, uint64_t now_ns);
struct view_changes view_changes(const struct rpki_view *v);

/* When the data stops to count; UINT64_MAX: it does not, or there is none. */
uint64_t view_due(const struct rpki_view *v);
enum view_event view_tick(struct rpki_view *v, uint64_t now_ns);

/* False: nothing is known, everything is unchecked. */
bool view_has_data(const struct rpki_view *v);
uint64_t view_epoch(const struct rpki_view *v);
const struct vrps *view_vrps(const struct rpki_view *v);
const struct aspas *view_aspas(const struct rpki_view *v);
