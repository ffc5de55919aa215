/* The tree: known answers, proofs good and bad, and the naive twin. */
#include "tests/check.h"

#include "ledger/merkle.h"
#include "ledger/tile.h"
#include "tests/naive/merkle.h"
#include "tests/unit/ledger/vectors.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

static struct digest leaf_of_hex(const char *hex)
{
	uint8_t buf[256];
	size_t n;

	assert_int_equal(
	    sodium_hex2bin(buf, sizeof buf, hex, strlen(hex), NULL, &n, NULL),
	    0);
	return merkle_leaf((struct bytes){buf, n});
}

/* Nodes of strings that are no hashes are in the vectors too. */
static struct digest node_of_hex(const char *left, const char *right)
{
	uint8_t buf[64];
	uint8_t tag = 1;
	size_t a, b;

	assert_int_equal(
	    sodium_hex2bin(buf, 32, left, strlen(left), NULL, &a, NULL), 0);
	assert_int_equal(
	    sodium_hex2bin(buf + a, 32, right, strlen(right), NULL, &b, NULL),
	    0);
	struct bytes pieces[] = {{&tag, 1}, {buf, a}, {buf + a, b}};
	return digest_of(pieces, 3);
}

static void one_hash(json_t *row)
{
	const char *kind = vector_text(row, "kind");
	struct digest want = vector_hex(vector_text(row, "hash")), got;

	if (!strcmp(kind, "empty")) {
		got = merkle_empty();
	} else if (!strcmp(kind, "leaf")) {
		got = leaf_of_hex(vector_text(row, "data"));
	} else if (!strcmp(kind, "node")) {
		got = node_of_hex(
		    vector_text(row, "left"), vector_text(row, "right"));
	} else {
		struct merkle_edge e = {0};
		json_t *entries = json_object_get(row, "entries");

		assert_string_equal(kind, "root");
		for (size_t i = 0; i < json_array_size(entries); i++) {
			struct digest leaf = leaf_of_hex(
			    json_string_value(json_array_get(entries, i)));
			merkle_edge_add(&e, &leaf);
		}
		got = merkle_edge_root(&e);
	}
	assert_memory_equal(got.b, want.b, 32);
}

static void hashes_are_those_of_rfc_6962(void **state)
{
	(void)state;
	vectors_each("rfc6962-hash.jsonl", one_hash);
}

/* False when one of them is no hash at all. */
static bool load_proof(json_t *list, struct merkle_proof *ret)
{
	size_t n = json_array_size(list);

	if (n > MERKLE_LEVELS)
		return false;
	ret->n = (unsigned)n;
	for (unsigned i = 0; i < n; i++)
		if (!vector_digest(json_string_value(json_array_get(list, i)),
			&ret->hash[i]))
			return false;
	return true;
}

/* Sizes beyond 2^63 come out of jansson as reals. */
static uint64_t number(json_t *row, const char *key)
{
	json_t *v = json_object_get(row, key);

	assert_true(json_is_number(v));
	if (json_is_real(v))
		return UINT64_MAX;
	return (uint64_t)json_integer_value(v);
}

static void one_proof(json_t *row)
{
	struct merkle_proof p = {0};
	struct digest a, b;
	bool ok = load_proof(json_object_get(row, "proof"), &p);

	if (!strcmp(vector_text(row, "kind"), "inclusion")) {
		ok = ok && vector_digest(vector_text(row, "leafHash"), &a) &&
		     vector_digest(vector_text(row, "root"), &b) &&
		     merkle_inclusion_holds(&p, number(row, "leafIdx"),
			 number(row, "treeSize"), &a, &b);
	} else {
		ok = ok && vector_root(vector_text(row, "root1"), &a) &&
		     vector_root(vector_text(row, "root2"), &b) &&
		     merkle_consistency_holds(&p, number(row, "size1"),
			 number(row, "size2"), &a, &b);
	}
	if (ok == vector_is(row, "wantErr"))
		fail_msg("%s: %s", vector_text(row, "file"),
		    ok ? "accepted" : "refused");
}

static void known_proofs_are_told_from_bad_ones(void **state)
{
	(void)state;
	vectors_each("merkle-proofs.jsonl", one_proof);
}

/* ---- against the naive twin --------------------------------------------- */

#define TREE 1500

static struct digest leaves[TREE];

static int read_leaves(void *arg, struct tile t, struct digest out[TILE_WIDTH])
{
	uint64_t span = (uint64_t)1 << (8 * t.level);

	(void)arg;
	for (unsigned i = 0; i < t.width; i++)
		out[i] = naive_root(
		    leaves + (t.index * TILE_WIDTH + i) * span, span);
	return 0;
}

static struct tile_tree *tree_of(uint64_t size)
{
	struct tile_tree *t = malloc(sizeof *t);
	struct tile_reader r = {read_leaves, NULL};

	assert_non_null(t);
	tile_tree_init(t, &r, size);
	return t;
}

static void make_leaves(void)
{
	for (uint32_t i = 0; i < TREE; i++)
		leaves[i] = merkle_leaf((struct bytes){(uint8_t *)&i, 4});
}

static void three_ways_give_one_root(void **state)
{
	struct merkle_edge e = {0};
	struct tile_edge *t = calloc(1, sizeof *t);

	(void)state;
	make_leaves();
	for (uint64_t n = 0; n <= TREE; n++) {
		struct digest want = naive_root(leaves, n), got;

		got = merkle_edge_root(&e);
		assert_memory_equal(got.b, want.b, 32);
		got = tile_edge_root(t);
		assert_memory_equal(got.b, want.b, 32);
		if (n < TREE) {
			merkle_edge_add(&e, &leaves[n]);
			tile_edge_add(t, &leaves[n], NULL, NULL);
		}
	}
	free(t);
}

static void check_size(uint64_t size, uint64_t at)
{
	struct tile_tree *t = tree_of(size);
	struct merkle_source s = tile_tree_source(t);
	struct digest root = naive_root(leaves, size), old, got;
	static struct digest want[MERKLE_LEVELS];
	static struct merkle_proof p;

	assert_int_equal(merkle_root(&s, size, &got), 0);
	assert_memory_equal(got.b, root.b, 32);

	assert_int_equal(merkle_inclusion(&s, at, size, &p), 0);
	assert_int_equal(p.n, naive_path(at, leaves, size, want));
	assert_memory_equal(p.hash, want, p.n * sizeof *want);
	assert_true(merkle_inclusion_holds(&p, at, size, &leaves[at], &root));
	if (size > 1) {
		assert_false(merkle_inclusion_holds(
		    &p, at ^ 1, size, &leaves[at], &root));
		p.hash[at % p.n].b[at % 32] ^= 4;
		assert_false(
		    merkle_inclusion_holds(&p, at, size, &leaves[at], &root));
	}

	old = naive_root(leaves, at + 1);
	assert_int_equal(merkle_consistency(&s, at + 1, size, &p), 0);
	assert_int_equal(p.n, naive_proof(at + 1, leaves, size, want));
	assert_memory_equal(p.hash, want, p.n * sizeof *want);
	assert_true(merkle_consistency_holds(&p, at + 1, size, &old, &root));
	assert_false(
	    merkle_consistency_holds(&p, at + 1, size, &leaves[at], &old) &&
	    size > 1);
	if (p.n) {
		p.n--;
		assert_false(
		    merkle_consistency_holds(&p, at + 1, size, &old, &root));
	}
	free(t);
}

static void proofs_are_the_naive_twins(void **state)
{
	(void)state;
	make_leaves();
	for (uint64_t size = 1; size <= 40; size++)
		for (uint64_t at = 0; at < size; at++)
			check_size(size, at);
	srandom(62);
	for (int i = 0; i < 300; i++) {
		uint64_t size = 1 + (uint64_t)random() % TREE;

		check_size(size, (uint64_t)random() % size);
	}
	check_size(1024, 255);
	check_size(1025, 1023);
	check_size(1025, 1024);
}

static void what_no_tree_has_is_refused(void **state)
{
	struct tile_tree *t = tree_of(5);
	struct merkle_source s = tile_tree_source(t);
	struct merkle_proof p;
	struct digest d;

	(void)state;
	assert_int_equal(merkle_inclusion(&s, 5, 5, &p), -ERANGE);
	assert_int_equal(merkle_inclusion(&s, 0, 0, &p), -ERANGE);
	assert_int_equal(merkle_consistency(&s, 0, 5, &p), -ERANGE);
	assert_int_equal(merkle_consistency(&s, 6, 5, &p), -ERANGE);
	assert_int_equal(
	    merkle_inclusion(&s, 0, MERKLE_SIZE_MAX + 1, &p), -ERANGE);
	assert_int_equal(merkle_root(&s, 6, &d), -ERANGE);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hashes_are_those_of_rfc_6962),
	    cmocka_unit_test(known_proofs_are_told_from_bad_ones),
	    cmocka_unit_test(three_ways_give_one_root),
	    cmocka_unit_test(proofs_are_the_naive_twins),
	    cmocka_unit_test(what_no_tree_has_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
