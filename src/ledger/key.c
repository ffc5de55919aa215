#include "ledger/key.h"

#include "ledger/digest.h"
#include "ledger/text.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

int key_init(void)
{
	return sodium_init() < 0 ? -EIO : 0;
}

/* key ID = SHA-256(name || 0x0A || type || public key)[:4] */
static uint32_t id_of(const struct vkey *k)
{
	struct bytes pieces[] = {text_of(k->name), {(const uint8_t *)"\n", 1},
	    {&k->type, 1}, {k->pub, 32}};
	struct digest d = digest_of(pieces, 4);
	struct rd r = rd_from(d.b, 4);

	return rd_u32(&r);
}

static bool type_known(uint8_t type)
{
	return type == KEY_LOG || type == KEY_COSIGNER;
}

static bool set_name(struct vkey *k, struct bytes name)
{
	if (name.n > KEY_NAME_MAX || !text_key_name(name))
		return false;
	memset(k->name, 0, sizeof k->name);
	memcpy(k->name, name.p, name.n);
	return true;
}

/* Eight lower-case digits. */
static bool take_id(struct bytes b, uint32_t *ret)
{
	struct rd r = rd_from(b.p, b.n);
	uint32_t v = 0;

	if (b.n != 8)
		return false;
	while (rd_left(&r)) {
		uint8_t c = rd_u8(&r);

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = v;
	return true;
}

/* NAME+ID+base64(type, 32 bytes); the bytes go to ret_raw. */
static bool parse(struct bytes text, struct vkey *k, uint8_t ret_raw[32])
{
	struct rd r = rd_from(text.p, text.n);
	struct bytes name, id;
	uint8_t raw[33];

	if (!text_until(&r, '+', &name) || !text_until(&r, '+', &id) ||
	    !set_name(k, name) || !take_id(id, &k->id))
		return false;
	size_t left = rd_left(&r);
	struct bytes rest = {rd_take(&r, left), left};
	bool ok = text_base64_n(rest, raw, sizeof raw) && type_known(raw[0]);
	if (ok) {
		k->type = raw[0];
		memcpy(ret_raw, raw + 1, 32);
	}
	sodium_memzero(raw, sizeof raw);
	return ok;
}

bool vkey_parse(struct bytes text, struct vkey *ret)
{
	struct vkey k;

	if (!parse(text, &k, k.pub) || k.id != id_of(&k))
		return false;
	*ret = k;
	return true;
}

static void format(const struct vkey *k, const uint8_t raw[32],
    const char *before, char out[KEY_TEXT])
{
	struct wr w = wr_from(out, KEY_TEXT);
	uint8_t typed[33] = {k->type};
	char id[12];

	memcpy(typed + 1, raw, 32);
	snprintf(id, sizeof id, "+%08x+", k->id);
	text_put(&w, before);
	text_put(&w, k->name);
	text_put(&w, id);
	text_put_base64(&w, typed, sizeof typed);
	wr_u8(&w, 0);
	must(wr_ok(&w));
	sodium_memzero(typed, sizeof typed);
}

const char *vkey_format(const struct vkey *k, char out[KEY_TEXT])
{
	format(k, k->pub, "", out);
	return out;
}

bool vkey_same(const struct vkey *a, const struct vkey *b)
{
	return !memcmp(a->pub, b->pub, sizeof a->pub);
}

bool vkey_verify(const struct vkey *k, struct bytes message,
    const uint8_t signature[KEY_SIGNATURE])
{
	return !crypto_sign_verify_detached(
	    signature, message.p, message.n, k->pub);
}

/* ---- secret -------------------------------------------------------------- */

int skey_from_seed(const char *name, enum key_type type, const uint8_t seed[32],
    struct skey *ret)
{
	struct skey k;

	if (!set_name(&k.v, text_of(name)))
		return -EINVAL;
	k.v.type = (uint8_t)type;
	must(!crypto_sign_seed_keypair(k.v.pub, k.secret, seed));
	k.v.id = id_of(&k.v);
	*ret = k;
	skey_wipe(&k);
	return 0;
}

int skey_new(const char *name, enum key_type type, struct skey *ret)
{
	uint8_t seed[32];

	randombytes_buf(seed, sizeof seed);
	int e = skey_from_seed(name, type, seed, ret);
	sodium_memzero(seed, sizeof seed);
	return e;
}

bool skey_parse(struct bytes text, struct skey *ret)
{
	struct rd r = rd_from(text.p, text.n);
	struct vkey v;
	uint8_t seed[32];
	struct skey k;

	if (!text_take(&r, "PRIVATE+KEY+"))
		return false;
	size_t left = rd_left(&r);
	bool ok = parse((struct bytes){rd_take(&r, left), left}, &v, seed) &&
		  !skey_from_seed(v.name, (enum key_type)v.type, seed, &k);
	sodium_memzero(seed, sizeof seed);
	if (!ok)
		return false;
	ok = k.v.id == v.id;
	if (ok)
		*ret = k;
	skey_wipe(&k);
	return ok;
}

const char *skey_format(const struct skey *k, char out[KEY_TEXT])
{
	format(&k->v, k->secret, "PRIVATE+KEY+", out);
	return out;
}

void skey_sign(
    const struct skey *k, struct bytes message, uint8_t ret[KEY_SIGNATURE])
{
	must(!crypto_sign_detached(ret, NULL, message.p, message.n, k->secret));
}

void skey_wipe(struct skey *k)
{
	sodium_memzero(k, sizeof *k);
}
