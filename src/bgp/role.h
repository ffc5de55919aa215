/*
 * BGP roles (RFC 9234): what a speaker is to its neighbour, and what that
 * says of a route with or without the OTC attribute ("only to customer").
 *
 * An operator cannot change what is done here (RFC 9234 s5): no policy asks
 * for less.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* As in the capability, RFC 9234 s4.1. */
enum bgp_role {
	BGP_ROLE_PROVIDER = 0,
	BGP_ROLE_RS = 1,
	BGP_ROLE_RS_CLIENT = 2,
	BGP_ROLE_CUSTOMER = 3,
	BGP_ROLE_PEER = 4,
	BGP_ROLE_COUNT,
};

/* "rs-client"; NULL for a number that is no role. */
const char *bgp_role_word(unsigned role);

/* May two speakers with these roles have a session?  RFC 9234 s4.2. */
bool bgp_role_fits(unsigned ours, unsigned theirs);

/* An OTC attribute, or its absence. */
struct bgp_otc {
	bool has;
	uint32_t asn;
};

enum bgp_otc_import {
	BGP_OTC_KEEP, /* the route stays as it came */
	BGP_OTC_ADD,  /* the neighbour's ASN is to be added as OTC */
	BGP_OTC_LEAK, /* a route leak: never to be chosen */
};

/* A route from a neighbour of that role and ASN (RFC 9234 s5, ingress). */
enum bgp_otc_import bgp_otc_import(
    enum bgp_role theirs, uint32_t their_asn, struct bgp_otc otc);

enum bgp_otc_export {
	BGP_OTC_PASS, /* it goes out as it is */
	BGP_OTC_SET,  /* our ASN is to be added as OTC */
	BGP_OTC_BAR,  /* it must not go there */
};

/* A route to a neighbour of that role (RFC 9234 s5, egress). */
enum bgp_otc_export bgp_otc_export(enum bgp_role theirs, struct bgp_otc otc);
