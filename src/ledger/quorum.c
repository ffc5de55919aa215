#include "ledger/quorum.h"

#include "ledger/text.h"

#include <stdlib.h>

/* What a name stands for: a witness, or a group of names before it. */
struct party {
	struct bytes name; /* in the copy of the text */
	bool group;
	bool taken;	  /* is in a group already */
	unsigned witness; /* its index */
	unsigned need;	  /* of a group's members */
	unsigned n;
	uint8_t *member; /* indices of parties, the group's own */
};

#define PARTIES (2 * QUORUM_MAX)

struct quorum {
	uint8_t *text;
	size_t logs, witnesses, groups, parties;
	struct vkey log[QUORUM_MAX];
	struct vkey witness[QUORUM_MAX];
	struct party party[PARTIES];
	int quorum; /* a party; -1: none needed; -2: no such line yet */
};

#define NOT_SAID (-2)
#define NONE (-1)

/* ---- one line ------------------------------------------------------------ */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The next word of a line; false at its end. */
static bool take_word(struct rd *r, struct bytes *ret)
{
	struct rd end;

	while (rd_left(r) && is_blank(*r->p))
		rd_skip(r, 1);
	for (end = *r; rd_left(&end) && !is_blank(*end.p);)
		rd_skip(&end, 1);
	size_t n = rd_left(r) - rd_left(&end);
	*ret = (struct bytes){rd_take(r, n), n};
	return n > 0;
}

static bool at_end(struct rd *r)
{
	struct bytes none;

	return !take_word(r, &none);
}

static bool same(struct bytes a, struct bytes b)
{
	return a.n == b.n && !memcmp(a.p, b.p, a.n);
}

static int find(const struct quorum *q, struct bytes name)
{
	for (size_t i = 0; i < q->parties; i++)
		if (same(q->party[i].name, name))
			return (int)i;
	return -1;
}

static bool has_key(const struct vkey *keys, size_t n, const struct vkey *k)
{
	for (size_t i = 0; i < n; i++)
		if (vkey_same(&keys[i], k))
			return true;
	return false;
}

static const char *take_key(struct rd *r, enum key_type type, struct vkey *ret)
{
	struct bytes word;

	if (!take_word(r, &word))
		return "a vkey is missing";
	if (!vkey_parse(word, ret))
		return "this is no Ed25519 vkey (NAME+ID+KEY)";
	if (ret->type != type)
		return type == KEY_LOG ? "a log's key has type 1"
				       : "a witness's key has type 4";
	/* A URL may follow; it is not used here. */
	(void)take_word(r, &word);
	return at_end(r) ? NULL : "nothing more is expected on this line";
}

static const char *take_log(struct quorum *q, struct rd *r)
{
	struct vkey k;
	const char *e = take_key(r, KEY_LOG, &k);

	if (e)
		return e;
	if (has_key(q->log, q->logs, &k))
		return "this log's key is here already";
	if (q->logs == QUORUM_MAX)
		return "too many logs (64)";
	q->log[q->logs++] = k;
	return NULL;
}

/* A new name, or what is wrong with it. */
static const char *take_name(struct quorum *q, struct rd *r, struct bytes *ret)
{
	if (!take_word(r, ret))
		return "a name is missing";
	if (text_is(*ret, "none"))
		return "\"none\" is for the quorum only";
	if (find(q, *ret) >= 0)
		return "this name is defined already";
	return NULL;
}

static const char *take_witness(struct quorum *q, struct rd *r)
{
	struct bytes name;
	struct vkey k;
	const char *e = take_name(q, r, &name);

	if (!e)
		e = take_key(r, KEY_COSIGNER, &k);
	if (e)
		return e;
	if (has_key(q->witness, q->witnesses, &k))
		return "this witness's key is here already";
	if (q->witnesses == QUORUM_MAX)
		return "too many witnesses (64)";
	q->party[q->parties++] =
	    (struct party){.name = name, .witness = (unsigned)q->witnesses};
	q->witness[q->witnesses++] = k;
	return NULL;
}

static const char *take_member(
    struct quorum *q, struct party *g, struct bytes word)
{
	int i = find(q, word);

	if (i < 0)
		return "this member is not defined before";
	if (q->party[i].taken)
		return "this member is in a group already";
	q->party[i].taken = true;
	g->member[g->n++] = (uint8_t)i;
	return NULL;
}

static const char *take_members(struct quorum *q, struct rd *r, struct party *g)
{
	struct bytes how, word;
	uint64_t need = 0;
	const char *e = NULL;

	if (!take_word(r, &how))
		return "expected all, any or a number";
	while (!e && take_word(r, &word))
		e = take_member(q, g, word);
	if (e)
		return e;
	if (!g->n)
		return "a group has members";
	if (text_is(how, "all"))
		need = g->n;
	else if (text_is(how, "any"))
		need = 1;
	else if (!text_u64(how, &need) || !need || need > g->n)
		return "expected all, any or a number of its members";
	g->need = (unsigned)need;
	return NULL;
}

static const char *take_group(struct quorum *q, struct rd *r)
{
	struct party g = {.group = true};
	const char *e = take_name(q, r, &g.name);

	if (e)
		return e;
	if (q->groups == QUORUM_MAX)
		return "too many groups (64)";
	g.member = malloc(PARTIES);
	if (!g.member)
		return "out of memory";
	e = take_members(q, r, &g);
	if (e) {
		free(g.member);
		return e;
	}
	q->groups++;
	q->party[q->parties++] = g;
	return NULL;
}

static const char *take_quorum(struct quorum *q, struct rd *r)
{
	struct bytes name;

	if (q->quorum != NOT_SAID)
		return "the quorum is said once";
	if (!take_word(r, &name))
		return "a name or none is missing";
	q->quorum = text_is(name, "none") ? NONE : find(q, name);
	if (q->quorum < 0 && !text_is(name, "none"))
		return "this name is not defined before";
	return at_end(r) ? NULL : "nothing more is expected on this line";
}

static const char *take_line(struct quorum *q, struct bytes line)
{
	static const struct {
		const char *word;
		const char *(*take)(struct quorum *q, struct rd *r);
	} kinds[] = {
	    {"log", take_log},
	    {"witness", take_witness},
	    {"group", take_group},
	    {"quorum", take_quorum},
	};
	struct rd r = rd_from(line.p, line.n);
	struct bytes word;

	if (!take_word(&r, &word) || word.p[0] == '#')
		return NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (text_is(word, kinds[i].word))
			return kinds[i].take(q, &r);
	return "expected log, witness, group or quorum";
}

/* ---- the whole ----------------------------------------------------------- */

static bool octets_allowed(struct bytes b)
{
	struct rd r = rd_from(b.p, b.n);

	while (rd_left(&r)) {
		uint8_t c = rd_u8(&r);

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static const char *take_text(
    struct quorum *q, struct bytes text, unsigned *line_no)
{
	struct rd r = rd_from(text.p, text.n);
	struct bytes line;

	for (*line_no = 1; rd_left(&r); ++*line_no) {
		if (!text_line(&r, &line))
			return "the last line does not end in a newline";
		if (!octets_allowed(line))
			return "a control character";
		const char *e = take_line(q, line);
		if (e)
			return e;
	}
	*line_no = 0;
	return q->quorum == NOT_SAID ? "there is no quorum line" : NULL;
}

struct quorum *quorum_parse(struct bytes text, struct quorum_error *ret_error)
{
	struct quorum *q = calloc(1, sizeof *q);
	struct quorum_error e = {0, "out of memory"};

	if (text.n > QUORUM_TEXT)
		e.what = "longer than 256 KiB";
	else if (q && (q->text = malloc(text.n + 1)))
		e.what = NULL;
	if (!e.what) {
		q->quorum = NOT_SAID;
		if (text.n)
			memcpy(q->text, text.p, text.n);
		e.what = take_text(q, (struct bytes){q->text, text.n}, &e.line);
	}
	if (!e.what)
		return q;
	quorum_free(q);
	*ret_error = e;
	return NULL;
}

void quorum_free(struct quorum *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->parties; i++)
		free(q->party[i].member);
	free(q->text);
	free(q);
}

const struct vkey *quorum_logs(const struct quorum *q, size_t *ret_n)
{
	*ret_n = q->logs;
	return q->log;
}

const struct vkey *quorum_witnesses(const struct quorum *q, size_t *ret_n)
{
	*ret_n = q->witnesses;
	return q->witness;
}

int quorum_witness(const struct quorum *q, struct bytes name)
{
	int i = find(q, name);

	return i < 0 || q->party[i].group ? -1 : (int)q->party[i].witness;
}

bool quorum_met(const struct quorum *q, uint64_t witnesses)
{
	bool met[PARTIES];

	if (q->quorum == NONE)
		return true;
	/* Members stand before their groups. */
	for (size_t i = 0; i < q->parties; i++) {
		const struct party *p = &q->party[i];
		unsigned n = 0;

		for (unsigned k = 0; k < p->n; k++)
			n += met[p->member[k]];
		met[i] = p->group ? n >= p->need
				  : (witnesses >> p->witness & 1) != 0;
	}
	return met[q->quorum];
}
