/*
 * Single words as people write them: ASNs, durations, and what they meant
 * when they misspelt one.  Shared by the configuration and the command line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "64501", "AS64501" or asdot "1.10" (RFC 5396), all n bytes of it.  False
 * for anything else.  Reserved ASNs are still read: see asn_reserved().
 */
bool asn_parse(const char *text, size_t n, uint32_t *ret);

/* Why nobody can use this ASN as its own (AS 0, AS_TRANS ...), or NULL. */
const char *asn_reserved(uint32_t asn);

/* "90", "90s", "10m", "2h", "1d", "1h30m": seconds.  False for others. */
bool seconds_parse(const char *text, size_t n, uint64_t *ret);

/* "90s", "10m", "1h30m" back into buf. */
const char *seconds_format(uint64_t s, char *buf, size_t buf_len);

/* All digits, no sign, fits.  False for others. */
bool number_parse(const char *text, size_t n, uint64_t *ret);

/* Collects the nearest of several candidates to a misspelt word. */
struct suggest {
	const char *word;
	size_t len;
	const char *best; /* NULL: none is near enough */
	unsigned distance;
	size_t same; /* letters at the start; the larger wins a tie */
};

void suggest_init(struct suggest *s, const char *word, size_t len);
void suggest_offer(struct suggest *s, const char *candidate);
