/* Tiles and entry bundles: paths, which a tree has, whole logs of others. */
#include "tests/check.h"

#include "ledger/bundle.h"
#include "ledger/text.h"
#include "ledger/tile.h"
#include "tests/unit/ledger/vectors.h"

#include <stdlib.h>

static void one_tile(json_t *row)
{
	const char *level = vector_text(row, "level");
	const char *path = vector_text(row, "path");
	char out[TILE_PATH];
	struct tile t = {
	    .level = TILE_ENTRIES,
	    .width =
		(uint16_t)json_integer_value(json_object_get(row, "width")),
	    .index =
		(uint64_t)json_integer_value(json_object_get(row, "index")),
	};
	struct tile got;

	if (strcmp(level, "entries"))
		t.level = (uint8_t)atoi(level);
	assert_string_equal(tile_path(t, out), path);
	assert_true(tile_path_parse(text_of(path), &got));
	assert_int_equal(got.level, t.level);
	assert_int_equal(got.width, t.width);
	assert_true(got.index == t.index);
	/* No beginning of a path is that path. */
	for (size_t n = 0; n < strlen(path); n++) {
		uint8_t *exact = malloc(n + !n);

		memcpy(exact, path, n);
		if (tile_path_parse((struct bytes){exact, n}, &got))
			assert_true(tile_path(got, out)[n] == 0);
		free(exact);
	}
}

static bool tree_has(const char *path, uint64_t size)
{
	struct tile want, got;

	return tile_path_parse(text_of(path), &want) &&
	       tile_of_tree(want.level, want.index, size, &got) &&
	       got.width == want.width;
}

static void one_tree(json_t *row)
{
	uint64_t size =
	    (uint64_t)json_integer_value(json_object_get(row, "size"));
	json_t *has = json_object_get(row, "has");
	json_int_t n = 0;
	struct tile t;

	for (unsigned level = 0; level < TILE_LEVELS; level++)
		for (uint64_t i = 0; tile_of_tree(level, i, size, &t); i++)
			n++;
	assert_int_equal(
	    n, json_integer_value(json_object_get(row, "resources")));
	for (size_t i = 0; i < json_array_size(has); i++)
		assert_true(
		    tree_has(json_string_value(json_array_get(has, i)), size));
}

static void one_row(json_t *row)
{
	const char *kind = vector_text(row, "kind");
	struct tile t;

	if (!strcmp(kind, "tile"))
		one_tile(row);
	else if (!strcmp(kind, "tree"))
		one_tree(row);
	else if (tile_path_parse(text_of(vector_text(row, "path")), &t))
		fail_msg("accepted: %s", vector_text(row, "path"));
}

static void paths_are_those_of_the_specification(void **state)
{
	struct tile t;

	(void)state;
	vectors_each("paths.jsonl", one_row);
	/* An index beyond 64 bits. */
	assert_false(tile_path_parse(
	    text_of("tile/0/x018/x446/x744/x073/x709/x551/616"), &t));
	assert_true(tile_path_parse(
	    text_of("tile/0/x018/x446/x744/x073/x709/x551/615"), &t));
}

/* ---- whole logs of other programs --------------------------------------- */

static int read_file(void *arg, struct tile t, struct digest out[TILE_WIDTH])
{
	char path[128], name[TILE_PATH];
	size_t n;

	snprintf(
	    path, sizeof path, "%s/%s", (const char *)arg, tile_path(t, name));
	uint8_t *p = vectors_read(path, &n);
	assert_non_null(p);
	assert_int_equal(n, t.width * 32u);
	memcpy(out, p, n);
	free(p);
	return 0;
}

static void log_is_read(char *dir, uint64_t size, const char *root)
{
	struct tile_tree *t = malloc(sizeof *t);
	struct tile_edge *edge = calloc(1, sizeof *edge);
	struct merkle_edge *small = calloc(1, sizeof *small);
	struct tile_reader r = {read_file, dir};
	struct merkle_source s;
	static struct digest leaf[TILE_WIDTH];
	struct digest want, got;
	struct tile tile;

	assert_true(vector_digest(root, &want));
	tile_tree_init(t, &r, size);
	s = tile_tree_source(t);
	assert_int_equal(merkle_root(&s, size, &got), 0);
	assert_memory_equal(got.b, want.b, 32);
	for (uint64_t i = 0; tile_of_tree(TILE_ENTRIES, i, size, &tile); i++) {
		char path[128], name[TILE_PATH];
		size_t n;

		snprintf(
		    path, sizeof path, "%s/%s", dir, tile_path(tile, name));
		uint8_t *p = vectors_read(path, &n);
		assert_non_null(p);
		assert_true(
		    bundle_leaves((struct bytes){p, n}, tile.width, leaf));
		for (unsigned k = 0; k < tile.width; k++) {
			merkle_edge_add(small, &leaf[k]);
			tile_edge_add(edge, &leaf[k], NULL, NULL);
		}
		free(p);
	}
	got = merkle_edge_root(small);
	assert_memory_equal(got.b, want.b, 32);
	got = tile_edge_root(edge);
	assert_memory_equal(got.b, want.b, 32);
	free(t);
	free(edge);
	free(small);
}

static void logs_of_others_have_their_roots(void **state)
{
	char tessera[] = "log-tessera15", sunlight[] = "log-sunlight300";

	(void)state;
	log_is_read(
	    tessera, 15, "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
	log_is_read(
	    sunlight, 300, "gw31yQrqZZCcEOPrzX+bpy3nJ6QgngTKn8G1m0i62uU=");
}

/* ---- tiles that fill ---------------------------------------------------- */

struct filled {
	unsigned n;
	struct tile last;
	struct digest fold;
};

static void on_full(void *arg, struct tile t, const struct digest *hashes)
{
	struct filled *f = arg;

	f->n++;
	f->last = t;
	f->fold = tile_fold(hashes, 8);
}

static void full_tiles_are_given_once(void **state)
{
	struct tile_edge *e = calloc(1, sizeof *e);
	struct filled f = {0};
	struct tile t;

	(void)state;
	for (uint32_t i = 0; i < 70000; i++) {
		struct digest d = merkle_leaf((struct bytes){(uint8_t *)&i, 4});

		tile_edge_add(e, &d, on_full, &f);
		if (i == 65535) {
			assert_int_equal(f.n, 257);
			assert_int_equal(f.last.level, 1);
			struct digest root = tile_edge_root(e);
			assert_memory_equal(root.b, f.fold.b, 32);
			assert_false(tile_edge_partial(e, 0, &t));
			assert_false(tile_edge_partial(e, 1, &t));
		}
	}
	assert_int_equal(f.n, 274);
	assert_true(tile_edge_partial(e, 0, &t));
	assert_int_equal(t.index, 273);
	assert_int_equal(t.width, 112);
	assert_true(tile_edge_partial(e, 1, &t));
	assert_int_equal(t.width, 17);
	assert_true(tile_edge_partial(e, 2, &t));
	assert_int_equal(t.width, 1);
	assert_false(tile_edge_partial(e, 3, &t));
	free(e);
}

/* ---- bundles ------------------------------------------------------------ */

static void bundles_come_back(void **state)
{
	static uint8_t big[BUNDLE_ENTRY_MAX + 1];
	static uint8_t buf[2 * sizeof big];
	struct wr w = wr_from(buf, sizeof buf);
	struct bytes e;

	(void)state;
	bundle_add(&w, text_of("one"));
	bundle_add(&w, (struct bytes){NULL, 0});
	bundle_add(&w, (struct bytes){big, BUNDLE_ENTRY_MAX});
	assert_true(wr_ok(&w));
	struct rd r = rd_from(buf, wr_len(&w));
	assert_true(bundle_next(&r, &e));
	assert_true(text_is(e, "one"));
	assert_true(bundle_next(&r, &e));
	assert_int_equal(e.n, 0);
	assert_true(bundle_next(&r, &e));
	assert_int_equal(e.n, BUNDLE_ENTRY_MAX);
	assert_false(bundle_next(&r, &e));
	assert_true(rd_ok(&r));

	w = wr_from(buf, sizeof buf);
	bundle_add(&w, (struct bytes){big, sizeof big});
	assert_false(wr_ok(&w));
}

static void every_truncation_of_a_bundle_is_refused(void **state)
{
	uint8_t buf[64];
	struct wr w = wr_from(buf, sizeof buf);
	struct digest leaf[2];

	(void)state;
	bundle_add(&w, text_of("alpha"));
	bundle_add(&w, text_of("beta"));
	assert_true(bundle_leaves((struct bytes){buf, wr_len(&w)}, 2, leaf));
	assert_false(bundle_leaves((struct bytes){buf, wr_len(&w)}, 1, leaf));
	for (size_t n = 0; n < wr_len(&w); n++) {
		uint8_t *exact = malloc(n + !n);

		memcpy(exact, buf, n);
		assert_false(bundle_leaves((struct bytes){exact, n}, 2, leaf));
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_are_those_of_the_specification),
	    cmocka_unit_test(logs_of_others_have_their_roots),
	    cmocka_unit_test(full_tiles_are_given_once),
	    cmocka_unit_test(bundles_come_back),
	    cmocka_unit_test(every_truncation_of_a_bundle_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
