/* A recording as messages; see play_source.h. */
#include "cli/play/play_source.h"

#include "base/clock.h"
#include "bgp/bgp.h"
#include "cli/mrt/mrt.h"
#include "cli/play/play_book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 2048
#define TICK 1024 /* records between two ticks */
#define NO_PREFIX "out of memory"

/* Routes that go out together: same kind, family and attributes. */
struct batch {
	bool withdraw;
	uint8_t family;
	uint32_t set;
	size_t n, done;
	struct prefix prefix[BATCH];
};

/* Something known that goes out as a whole. */
struct pass {
	bool wanted;
	bool refresh; /* asked for, rather than the first */
};

/* A change that was read and is not in a batch yet. */
struct change {
	bool there;
	bool withdraw;
	uint32_t set;
	struct prefix prefix;
};

struct play_source {
	struct play_wants wants;
	struct play_shape shape;
	struct play_figures figures;
	struct mrt *mrt;
	bool read_out; /* nothing more comes from the file */
	struct play_book *book;
	struct play_scratch *scratch;
	struct play_scratch *narrow;
	char trouble[PLAY_ERROR];

	struct mrt_record record;
	struct mrt_walk walk;
	bool in_record;
	uint64_t first_us; /* time of the first record */
	uint64_t taken;	   /* routes taken, against the limit */
	struct change change;

	uint64_t begun_ns;
	uint64_t paced; /* routes since then */
	struct pass pass[FAMILY_COUNT];
	enum family family; /* of the pass at hand */
	uint32_t *list;	    /* its routes; NULL: none at hand */
	size_t n_list, at_list;
	struct batch batch;
};

/* ---- reading ----------------------------------------------------------- */

static void trouble(struct play_source *s, const char *text)
{
	(void)snprintf(s->trouble, sizeof s->trouble, "%s", text);
	s->read_out = true;
}

/* The next record with routes in it; false at the end. */
static bool next_record(struct play_source *s)
{
	while (!s->read_out) {
		int r = mrt_next(s->mrt, &s->record);

		if (r < 0)
			trouble(s, mrt_error(s->mrt));
		if (r <= 0)
			break;
		s->figures.records++;
		if (s->record.kind == MRT_DAMAGED)
			s->figures.damaged++;
		else if (s->record.kind == MRT_SKIPPED)
			s->figures.other++;
		if (s->record.kind != MRT_RIB && s->record.kind != MRT_UPDATE)
			continue;
		/* A look ahead: nothing of a damaged record is passed on. */
		struct mrt_route route;
		s->walk = mrt_walk(&s->record);
		while (mrt_walk_next(&s->walk, &route))
			continue;
		if (s->walk.damaged) {
			s->figures.damaged++;
			continue;
		}
		s->walk = mrt_walk(&s->record);
		return true;
	}
	s->read_out = true;
	return false;
}

static bool wanted(struct play_source *s, const struct mrt_route *r)
{
	if (s->wants.one_peer && r->peer != s->wants.peer)
		return false;
	if (!r->usable) {
		s->figures.other++;
		return false;
	}
	return s->wants.families & BGP_FAMILY(r->prefix.addr.family);
}

/* The attributes as we pass them on; PLAY_NO_SET when they are damaged. */
static uint32_t intern(struct play_source *s, const struct mrt_route *r)
{
	struct play_attrs a;

	if (!play_attrs_pass_on(
		s->scratch, r->attrs, r->as4, s->wants.asn, &a)) {
		s->figures.damaged++;
		return PLAY_NO_SET;
	}
	int64_t set = play_book_set(s->book, &a);
	if (set < 0) {
		trouble(s, NO_PREFIX);
		return PLAY_NO_SET;
	}
	return (uint32_t)set;
}

static bool limited(const struct play_source *s)
{
	return s->wants.limit && s->taken >= s->wants.limit;
}

/* A table's path: the first one of its prefix counts. */
static void take_path(struct play_source *s, const struct mrt_route *r)
{
	bool new;
	struct play_route *to;
	uint32_t set;

	if (!wanted(s, r) || limited(s))
		return;
	to = play_book_route(s->book, &r->prefix, &new);
	if (!to) {
		trouble(s, NO_PREFIX);
		return;
	}
	if (to->set != PLAY_NO_SET)
		return;
	set = intern(s, r);
	if (set == PLAY_NO_SET)
		return;
	to->set = set;
	s->taken++;
	s->figures.known[r->prefix.addr.family]++;
}

/* A change: it counts in the book at once, and goes out in its turn. */
static void take_change(struct play_source *s, const struct mrt_route *r)
{
	struct change c = {.there = true,
	    .withdraw = r->kind == MRT_ROUTE_WITHDRAWN,
	    .set = PLAY_NO_SET,
	    .prefix = r->prefix};
	struct play_route *to;
	bool new;

	if (!wanted(s, r))
		return;
	if (!c.withdraw) {
		c.set = intern(s, r);
		if (c.set == PLAY_NO_SET)
			return;
	}
	to = play_book_route(s->book, &r->prefix, &new);
	if (!to) {
		trouble(s, NO_PREFIX);
		return;
	}
	to->set = c.set;
	s->change = c;
	s->taken++;
}

static uint64_t record_us(const struct mrt_record *r)
{
	return (uint64_t)r->time_s * 1000000 + r->time_us;
}

/* When the record at hand is due. */
static uint64_t due(struct play_source *s)
{
	uint64_t us = record_us(&s->record);

	if (s->wants.pace != PLAY_RECORDED)
		return 0;
	if (!s->first_us)
		s->first_us = us;
	return s->begun_ns + (us > s->first_us ? (us - s->first_us) * 1000 : 0);
}

/* Makes s->change be there; false at the end or when it is not due yet. */
static bool next_change(
    struct play_source *s, uint64_t now_ns, uint64_t *ret_due_ns)
{
	struct mrt_route r;

	while (!s->change.there) {
		if (limited(s))
			s->read_out = true;
		if (!s->in_record) {
			if (s->read_out || !next_record(s))
				return false;
			s->in_record = true;
		}
		uint64_t at = due(s);
		if (at > now_ns) {
			*ret_due_ns = at;
			return false;
		}
		if (s->read_out || !mrt_walk_next(&s->walk, &r)) {
			s->in_record = false;
			continue;
		}
		if (r.kind != MRT_ROUTE_PATH)
			take_change(s, &r);
	}
	return true;
}

/* Reads all of a table; its updates, if it has any, are left. */
static int load(struct play_source *s,
    bool (*tick)(void *arg, uint64_t at, uint64_t size), void *arg)
{
	uint64_t n = 0, at, size;
	struct mrt_route r;

	do {
		while (s->record.kind == MRT_RIB && mrt_walk_next(&s->walk, &r))
			take_path(s, &r);
		mrt_progress(s->mrt, &at, &size);
		if (++n % TICK == 0 && !tick(arg, at, size))
			return -EINTR;
	} while (!limited(s) && next_record(s));
	s->read_out = true;
	return 0;
}

int play_source_open(const struct play_wants *w,
    bool (*tick)(void *arg, uint64_t at, uint64_t size), void *arg,
    struct play_source **ret, char error[PLAY_ERROR])
{
	struct play_source *s = calloc(1, sizeof *s);
	char text[MRT_ERROR] = "out of memory";
	int err = -ENOMEM;

	if (s) {
		s->wants = *w;
		s->book = play_book_new();
		s->scratch = play_scratch_new();
		s->narrow = play_scratch_new();
	}
	if (s && s->book && s->scratch && s->narrow)
		err = mrt_open(w->path, &s->mrt, text);
	if (!err) {
		s->in_record = next_record(s);
		s->figures.table = s->in_record && s->record.kind == MRT_RIB;
		if (s->figures.table) {
			s->in_record = false;
			err = load(s, tick, arg);
			(void)snprintf(text, sizeof text, "interrupted");
		}
	}
	if (err) {
		(void)snprintf(error, PLAY_ERROR, "%s", text);
		play_source_close(s);
		return err;
	}
	*ret = s;
	return 0;
}

void play_source_close(struct play_source *s)
{
	if (!s)
		return;
	mrt_close(s->mrt);
	play_book_free(s->book);
	play_scratch_free(s->scratch);
	play_scratch_free(s->narrow);
	free(s->list);
	free(s);
}

/* ---- sending ----------------------------------------------------------- */

void play_source_begin(
    struct play_source *s, const struct play_shape *shape, uint64_t now_ns)
{
	s->shape = *shape;
	/* Recorded time goes on where a lost session left it. */
	if (!s->begun_ns || s->wants.pace == PLAY_RATE) {
		s->begun_ns = now_ns;
		s->paced = 0;
	}
	free(s->list);
	s->list = NULL;
	s->batch.n = s->batch.done = 0;
	s->figures.messages = s->figures.no_hop = s->figures.too_long = 0;
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		s->figures.announced[f] = s->figures.withdrawn[f] = 0;
		s->pass[f] =
		    (struct pass){.wanted = shape->families & BGP_FAMILY(f)};
		if (!s->pass[f].wanted)
			s->figures.no_hop +=
			    play_book_count(s->book, (enum family)f);
	}
}

void play_source_refresh(struct play_source *s, enum family f)
{
	if (!(s->shape.families & BGP_FAMILY(f)) || s->pass[f].wanted)
		return;
	s->pass[f] = (struct pass){.wanted = true, .refresh = true};
}

/* How many more routes the pace allows now. */
static size_t allowed(
    const struct play_source *s, uint64_t now_ns, uint64_t *ret_due_ns)
{
	uint64_t so_far, rate = s->wants.rate;

	if (s->wants.pace != PLAY_RATE)
		return BATCH;
	so_far =
	    (uint64_t)((double)(now_ns - s->begun_ns) / 1e9 * (double)rate) + 1;
	if (so_far > s->paced)
		return so_far - s->paced < BATCH ? so_far - s->paced : BATCH;
	*ret_due_ns =
	    s->begun_ns + (uint64_t)((double)s->paced / (double)rate * 1e9) + 1;
	return 0;
}

/* Begins the next pass that is wanted; BoRR may come before it. */
static bool pass_begin(struct play_source *s, struct wr *w, bool *ret_wrote)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		if (!s->pass[f].wanted)
			continue;
		s->family = (enum family)f;
		s->at_list = 0;
		s->list = play_book_list(s->book, s->family, &s->n_list);
		if (!s->list) {
			trouble(s, NO_PREFIX);
			return false;
		}
		*ret_wrote = s->pass[f].refresh && s->shape.enhanced_refresh;
		if (*ret_wrote)
			bgp_refresh_write(w, s->family, 1);
		return true;
	}
	return false;
}

static void pass_end(struct play_source *s, struct wr *w)
{
	struct pass *p = &s->pass[s->family];

	if (!p->refresh)
		bgp_end_of_rib_write(w, s->family);
	else if (s->shape.enhanced_refresh)
		bgp_refresh_write(w, s->family, 2);
	else
		bgp_keepalive_write(w);
	*p = (struct pass){0};
	free(s->list);
	s->list = NULL;
}

/* Fills the batch with the next routes of the pass that share a set. */
static void batch_of_list(struct play_source *s, size_t most)
{
	struct batch *b = &s->batch;
	const struct play_route *r = play_book_at(s->book, s->list[s->at_list]);

	b->withdraw = false;
	b->family = (uint8_t)s->family;
	b->set = r->set;
	b->n = b->done = 0;
	while (b->n < most && s->at_list < s->n_list) {
		r = play_book_at(s->book, s->list[s->at_list]);
		if (r->set != b->set)
			break;
		b->prefix[b->n++] = r->prefix;
		s->at_list++;
	}
}

/* Fills the batch with the next changes that can share a message. */
static void batch_of_changes(
    struct play_source *s, size_t most, uint64_t now_ns, uint64_t *ret_due_ns)
{
	struct batch *b = &s->batch;
	const struct change *c = &s->change;

	b->n = b->done = 0;
	while (b->n < most && next_change(s, now_ns, ret_due_ns)) {
		if (b->n == 0) {
			b->withdraw = c->withdraw;
			b->family = c->prefix.addr.family;
			b->set = c->set;
		} else if (b->withdraw != c->withdraw || b->set != c->set ||
			   b->family != c->prefix.addr.family) {
			break;
		}
		s->change.there = false;
		if (s->shape.families & BGP_FAMILY(b->family))
			b->prefix[b->n++] = c->prefix;
		else
			s->figures.no_hop++;
	}
}

/* Writes the next message of the batch; false: none, it does not fit. */
static bool write_batch(struct play_source *s, struct wr *w)
{
	struct batch *b = &s->batch;
	enum family f = (enum family)b->family;
	const struct prefix *p = b->prefix + b->done;
	size_t left = b->n - b->done, n;
	struct play_attrs a;

	if (b->withdraw) {
		n = play_encode_withdraw(w, f, p, left);
		s->figures.withdrawn[f] += n;
	} else {
		a = play_book_attrs(s->book, b->set);
		if (!s->shape.as4 && !play_attrs_narrow(s->narrow, &a, &a))
			n = 0;
		else
			n = play_encode_reach(w, &s->shape, &a, f, p, left);
		s->figures.announced[f] += n;
		if (n == 0)
			s->figures.too_long += left;
	}
	b->done = n ? b->done + n : b->n;
	s->paced += n;
	s->figures.messages += n > 0;
	return n > 0;
}

enum play_next play_source_next(
    struct play_source *s, struct wr *w, uint64_t now_ns, uint64_t *ret_due_ns)
{
	for (;;) {
		bool wrote = false;
		uint64_t due_ns = 0;

		if (s->batch.done < s->batch.n) {
			if (write_batch(s, w))
				return PLAY_MESSAGE;
			continue;
		}
		if (!s->list && pass_begin(s, w, &wrote) && wrote)
			return PLAY_MESSAGE;
		if (s->list && s->at_list == s->n_list) {
			pass_end(s, w);
			return PLAY_MESSAGE;
		}
		size_t most = allowed(s, now_ns, &due_ns);
		if (most && s->list)
			batch_of_list(s, most);
		else if (most)
			batch_of_changes(s, most, now_ns, &due_ns);
		if (s->batch.done < s->batch.n)
			continue;
		if (due_ns) {
			*ret_due_ns = due_ns;
			return PLAY_LATER;
		}
		return PLAY_END;
	}
}

const struct play_figures *play_source_figures(const struct play_source *s)
{
	return &s->figures;
}

const char *play_source_trouble(const struct play_source *s)
{
	return s->trouble;
}
