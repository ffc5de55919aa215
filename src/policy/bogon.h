/*
 * Prefixes and ASNs that have no business in the Internet's routing, and the
 * built-in list of transit-free networks.  Each entry has its source.
 */
#pragma once

#include "net/addr.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Why p, or what p lies in, is a bogon: "RFC 1918 private use"; NULL when it
 * is none.  *ret_list (or NULL): the entry, as text.
 */
const char *bogon_prefix(const struct prefix *p, const char **ret_list);

/* "reserved for private use (RFC 6996)", or NULL when asn is none. */
const char *bogon_asn(uint32_t asn);

/* Networks that buy transit from nobody: sorted, *ret_n of them. */
const uint32_t *bogon_transit_free(size_t *ret_n);
