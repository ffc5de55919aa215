/* IPv4 and IPv6 addresses and prefixes as values; text in, text out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum family {
	FAMILY_IPV4,
	FAMILY_IPV6,
	FAMILY_COUNT,
};

/* An address, network byte order; bytes beyond the family's are zero. */
struct ip {
	uint8_t b[16];
	uint8_t family; /* enum family */
};

/* Bits beyond len are zero in every prefix made here. */
struct prefix {
	struct ip addr;
	uint8_t len;
};

#define IP_TEXT 46     /* room for any address as text, with its NUL */
#define PREFIX_TEXT 50 /* the same for a prefix */

static inline unsigned family_bits(enum family f)
{
	return f == FAMILY_IPV4 ? 32 : 128;
}

static inline unsigned family_bytes(enum family f)
{
	return f == FAMILY_IPV4 ? 4 : 16;
}

/* "ipv4" or "ipv6". */
const char *family_name(enum family f);

/* 0, or -EINVAL. */
int ip_parse(const char *text, struct ip *ret);

/* Writes the RFC 5952 text into out, gives it back. */
const char *ip_format(const struct ip *ip, char out[IP_TEXT]);

bool ip_eq(const struct ip *a, const struct ip *b);

/* IPv4 before IPv6, then by bytes; as memcmp. */
int ip_cmp(const struct ip *a, const struct ip *b);

/* From n bytes (4 or 16). */
struct ip ip_from_bytes(enum family f, const uint8_t *bytes);

/* IPv4-mapped IPv6 comes back as IPv4.  0, or -EAFNOSUPPORT. */
int ip_from_sockaddr(
    const struct sockaddr *sa, struct ip *ret, uint16_t *ret_port);

/* Gives the length of the sockaddr that it wrote. */
socklen_t ip_to_sockaddr(
    const struct ip *ip, uint16_t port, struct sockaddr_storage *ret);

/*
 * 0; -EINVAL for anything that is not ADDRESS/LENGTH; -ERANGE when bits are
 * set beyond the length.
 */
int prefix_parse(const char *text, struct prefix *ret);

const char *prefix_format(const struct prefix *p, char out[PREFIX_TEXT]);

/* The first len bits of ip. */
struct prefix prefix_of(const struct ip *ip, uint8_t len);

bool prefix_eq(const struct prefix *a, const struct prefix *b);
int prefix_cmp(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *p, const struct ip *ip);

/* True when inner is p or lies inside it. */
bool prefix_covers(const struct prefix *p, const struct prefix *inner);
