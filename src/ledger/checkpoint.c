#include "ledger/checkpoint.h"

#include "ledger/text.h"

/* Opaque, but there: no line of the text is empty. */
static bool lines_are_full(struct bytes b)
{
	struct rd r = rd_from(b.p, b.n);
	struct bytes line;

	while (rd_left(&r))
		if (!text_line(&r, &line) || !line.n)
			return false;
	return true;
}

bool checkpoint_parse(struct bytes text, struct checkpoint *ret)
{
	struct rd r = rd_from(text.p, text.n);
	struct bytes size, root;
	struct checkpoint c;

	if (!text_line(&r, &c.origin) || !c.origin.n || !text_line(&r, &size) ||
	    !text_u64(size, &c.size) || !text_line(&r, &root) ||
	    !text_base64_n(root, c.root.b, sizeof c.root.b))
		return false;
	size_t left = rd_left(&r);
	c.extensions = (struct bytes){rd_take(&r, left), left};
	if (!lines_are_full(c.extensions))
		return false;
	*ret = c;
	return true;
}

void checkpoint_write(struct wr *w, const struct checkpoint *c)
{
	wr_bytes(w, c->origin.p, c->origin.n);
	text_put(w, "\n");
	text_put_u64(w, c->size);
	text_put(w, "\n");
	text_put_base64(w, c->root.b, sizeof c->root.b);
	text_put(w, "\n");
}
