#include "ledger/tlog_proof.h"

#include "ledger/text.h"

#define HEADER "c2sp.org/tlog-proof@v1"

static bool take_path(struct rd *r, struct merkle_proof *p)
{
	struct bytes line;

	p->n = 0;
	while (text_line(r, &line)) {
		if (!line.n)
			return true;
		if (p->n == MERKLE_LEVELS ||
		    !text_base64_n(line, p->hash[p->n].b, 32))
			return false;
		p->n++;
	}
	return false;
}

bool tlog_proof_parse(struct bytes text, struct tlog_proof *ret)
{
	struct rd r = rd_from(text.p, text.n);

	ret->extra = (struct bytes){NULL, 0};
	if (text.n > TLOG_PROOF_MAX || !text_take(&r, HEADER "\n"))
		return false;
	if (text_take(&r, "extra ") &&
	    (!text_line(&r, &ret->extra) ||
		text_base64(ret->extra, NULL, 0) < 0))
		return false;
	if (!text_take(&r, "index ") || !text_take_u64(&r, &ret->index) ||
	    !text_take(&r, "\n") || !take_path(&r, &ret->path))
		return false;
	size_t left = rd_left(&r);
	ret->checkpoint = (struct bytes){rd_take(&r, left), left};
	return left > 0;
}

void tlog_proof_write(struct wr *w, const struct tlog_proof *p)
{
	text_put(w, HEADER "\n");
	if (p->extra.p) {
		text_put(w, "extra ");
		wr_bytes(w, p->extra.p, p->extra.n);
		text_put(w, "\n");
	}
	text_put(w, "index ");
	text_put_u64(w, p->index);
	text_put(w, "\n");
	for (unsigned i = 0; i < p->path.n; i++) {
		text_put_base64(w, p->path.hash[i].b, 32);
		text_put(w, "\n");
	}
	text_put(w, "\n");
	wr_bytes(w, p->checkpoint.p, p->checkpoint.n);
}

bool tlog_proof_holds(const struct tlog_proof *p, const struct digest *leaf,
    const struct checkpoint *c)
{
	return merkle_inclusion_holds(
	    &p->path, p->index, c->size, leaf, &c->root);
}
