#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *family_name(enum family f)
{
	return f == FAMILY_IPV4 ? "ipv4" : "ipv6";
}

int ip_parse(const char *text, struct ip *ret)
{
	struct ip ip = {.family = FAMILY_IPV4};

	if (inet_pton(AF_INET, text, ip.b) != 1) {
		ip = (struct ip){.family = FAMILY_IPV6};
		if (inet_pton(AF_INET6, text, ip.b) != 1)
			return -EINVAL;
	}
	*ret = ip;
	return 0;
}

const char *ip_format(const struct ip *ip, char out[IP_TEXT])
{
	int af = ip->family == FAMILY_IPV4 ? AF_INET : AF_INET6;

	if (!inet_ntop(af, ip->b, out, IP_TEXT))
		out[0] = 0;
	return out;
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && !memcmp(a->b, b->b, sizeof a->b);
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof a->b);
}

struct ip ip_from_bytes(enum family f, const uint8_t *bytes)
{
	struct ip ip = {.family = (uint8_t)f};

	memcpy(ip.b, bytes, family_bytes(f));
	return ip;
}

int ip_from_sockaddr(
    const struct sockaddr *sa, struct ip *ret, uint16_t *ret_port)
{
	struct sockaddr_in s4;
	struct sockaddr_in6 s6;
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&s4, sa, sizeof s4);
		*ret =
		    ip_from_bytes(FAMILY_IPV4, (const uint8_t *)&s4.sin_addr);
		*ret_port = ntohs(s4.sin_port);
		return 0;
	case AF_INET6:
		memcpy(&s6, sa, sizeof s6);
		if (!memcmp(&s6.sin6_addr, mapped, sizeof mapped))
			*ret = ip_from_bytes(FAMILY_IPV4,
			    (const uint8_t *)&s6.sin6_addr + sizeof mapped);
		else
			*ret = ip_from_bytes(
			    FAMILY_IPV6, (const uint8_t *)&s6.sin6_addr);
		*ret_port = ntohs(s6.sin6_port);
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

socklen_t ip_to_sockaddr(
    const struct ip *ip, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof *ret);
	if (ip->family == FAMILY_IPV4) {
		struct sockaddr_in s4 = {
		    .sin_family = AF_INET, .sin_port = htons(port)};

		memcpy(&s4.sin_addr, ip->b, 4);
		memcpy(ret, &s4, sizeof s4);
		return sizeof s4;
	}
	struct sockaddr_in6 s6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(port)};

	memcpy(&s6.sin6_addr, ip->b, 16);
	memcpy(ret, &s6, sizeof s6);
	return sizeof s6;
}

int prefix_parse(const char *text, struct prefix *ret)
{
	char addr[IP_TEXT];
	const char *slash = strchr(text, '/');
	struct ip ip;
	unsigned len = 0;
	int digits = 0;

	if (!slash || (size_t)(slash - text) >= sizeof addr)
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = 0;
	if (ip_parse(addr, &ip))
		return -EINVAL;
	for (const char *p = slash + 1; *p; p++) {
		if (*p < '0' || *p > '9' || ++digits > 3)
			return -EINVAL;
		len = len * 10 + (unsigned)(*p - '0');
	}
	if (!digits || len > family_bits(ip.family))
		return -EINVAL;
	struct prefix p = prefix_of(&ip, (uint8_t)len);
	if (!ip_eq(&p.addr, &ip))
		return -ERANGE;
	*ret = p;
	return 0;
}

const char *prefix_format(const struct prefix *p, char out[PREFIX_TEXT])
{
	char ip[IP_TEXT];

	snprintf(out, PREFIX_TEXT, "%s/%u", ip_format(&p->addr, ip), p->len);
	return out;
}

struct prefix prefix_of(const struct ip *ip, uint8_t len)
{
	struct prefix p = {.addr = *ip, .len = len};
	unsigned full = len / 8u;

	if (full < sizeof p.addr.b) {
		p.addr.b[full] &= (uint8_t)(0xff00u >> (len % 8u));
		memset(p.addr.b + full + 1, 0, sizeof p.addr.b - full - 1);
	}
	return p;
}

bool prefix_eq(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && ip_eq(&a->addr, &b->addr);
}

int prefix_cmp(const struct prefix *a, const struct prefix *b)
{
	int c = ip_cmp(&a->addr, &b->addr);

	return c ? c : (int)a->len - (int)b->len;
}

bool prefix_contains(const struct prefix *p, const struct ip *ip)
{
	struct prefix q;

	if (p->addr.family != ip->family)
		return false;
	q = prefix_of(ip, p->len);
	return ip_eq(&q.addr, &p->addr);
}

bool prefix_covers(const struct prefix *p, const struct prefix *inner)
{
	return inner->len >= p->len && prefix_contains(p, &inner->addr);
}
