/*
 * Keys of notes (signed-note): Ed25519, to sign as a log does (type 0x01) or
 * to cosign as a witness does (type 0x04, tlog-cosignature).  Other types,
 * ML-DSA-44 among them, are not known here and their signatures are ignored.
 *
 *   vkey   NAME+ID+base64(type, public key)
 *   skey   PRIVATE+KEY+NAME+ID+base64(type, seed)
 */
#pragma once

#include "base/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum key_type {
	KEY_LOG = 0x01,
	KEY_COSIGNER = 0x04,
};

#define KEY_NAME_MAX 255
/* Room for either text, with its NUL. */
#define KEY_TEXT (KEY_NAME_MAX + 80)
#define KEY_SIGNATURE 64

struct vkey {
	char name[KEY_NAME_MAX + 1];
	uint32_t id;
	uint8_t type; /* enum key_type */
	uint8_t pub[32];
};

/* Wiped by skey_wipe() as soon as it is not needed. */
struct skey {
	struct vkey v;
	uint8_t secret[64]; /* seed and public key */
};

/* Once, before any other function here.  0, or -EIO. */
int key_init(void);

bool vkey_parse(struct bytes text, struct vkey *ret);
const char *vkey_format(const struct vkey *k, char out[KEY_TEXT]);

/* Same public key, whatever its name and type (tlog-policy). */
bool vkey_same(const struct vkey *a, const struct vkey *b);

bool vkey_verify(const struct vkey *k, struct bytes message,
    const uint8_t signature[KEY_SIGNATURE]);

/* -EINVAL: the name is none, or too long. */
int skey_new(const char *name, enum key_type type, struct skey *ret);
/* From a seed: for keys that are known, in tests. */
int skey_from_seed(const char *name, enum key_type type, const uint8_t seed[32],
    struct skey *ret);
bool skey_parse(struct bytes text, struct skey *ret);
const char *skey_format(const struct skey *k, char out[KEY_TEXT]);
void skey_sign(
    const struct skey *k, struct bytes message, uint8_t ret[KEY_SIGNATURE]);
void skey_wipe(struct skey *k);

/*
 * Key files: one skey line, mode 0600, owned by root or by us, no link.
 *
 * -EPERM: others may read or write it; -EINVAL: no key in it; -errno.
 */
int key_file_read(const char *path, struct skey *ret);

/* A new file; -EEXIST when there is one.  File and folder are synced. */
int key_file_write(const char *path, const struct skey *k);
