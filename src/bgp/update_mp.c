/*
 * MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760).  What cannot be read in them
 * resets (RFC 7606 s5.3, 7.11), because their prefixes cannot be found.
 */
#include "bgp/update_internal.h"

static struct bytes rest_of(const struct rd *r)
{
	return (struct bytes){r->p, rd_left(r)};
}

/* A next hop of MP_REACH_NLRI; false: its length is impossible. */
static bool mp_next_hop(
    struct parse *p, enum family f, struct rd next_hop, struct bytes attr)
{
	struct bgp_update *u = p->u;
	size_t n = rd_left(&next_hop);
	bool six = n == 16 || n == 32;

	if (f == FAMILY_IPV4 && n != 4 &&
	    (!six || !(p->rules->next_hop6 & BGP_FAMILY(f))))
		return false;
	if (f == FAMILY_IPV6 && !six)
		return false;
	if (!bgp_host_address(next_hop.p, n == 4 ? 4 : 16))
		update_error(
		    p, BGP_WITHDRAW, BGP_FAULT_NEXT_HOP, ATTR_MP_REACH, attr);
	/* RFC 2545 s3: the second one is link-local, else it says nothing */
	if (n == 32 &&
	    (next_hop.p[16] != 0xfe || (next_hop.p[17] & 0xc0) != 0x80))
		n = 16;
	memcpy(u->next_hop[1], next_hop.p, n);
	u->next_hop_len[1] = (uint8_t)n;
	return true;
}

void update_mp_reach(struct parse *p, struct bytes value, struct bytes attr)
{
	struct rd r = rd_from(value.p, value.n);

	unsigned afi = rd_u16(&r);
	unsigned safi = rd_u8(&r);
	size_t n = rd_u8(&r);
	struct rd next_hop = rd_sub(&r, n);
	rd_skip(&r, 1); /* reserved: ignored */
	if (!rd_ok(&r)) {
		update_error(
		    p, BGP_RESET, BGP_FAULT_LENGTH, ATTR_MP_REACH, attr);
		return;
	}
	enum family f = bgp_family(afi, safi);
	if (f == FAMILY_COUNT || !update_wants(p, f)) {
		p->located = true;
		update_error(
		    p, BGP_DISCARD, BGP_FAULT_FAMILY, ATTR_MP_REACH, attr);
		return;
	}
	if (!mp_next_hop(p, f, next_hop, attr)) {
		update_error(
		    p, BGP_RESET, BGP_FAULT_MP_NEXT_HOP, ATTR_MP_REACH, attr);
		return;
	}
	bool add_path = p->rules->add_path & BGP_FAMILY(f);
	struct bytes run = rest_of(&r);
	if (!bgp_nlri_check(run, f, add_path)) {
		update_error(p, BGP_RESET, BGP_FAULT_NLRI, ATTR_MP_REACH, attr);
		return;
	}
	p->located |= run.n != 0;
	p->u->reach[1] = (struct bgp_nlri){
	    .family = (uint8_t)f, .add_path = add_path, .wire = run};
}

void update_mp_unreach(struct parse *p, struct bytes value, struct bytes attr)
{
	struct rd r = rd_from(value.p, value.n);
	unsigned afi = rd_u16(&r);
	unsigned safi = rd_u8(&r);

	if (!rd_ok(&r)) {
		update_error(
		    p, BGP_RESET, BGP_FAULT_LENGTH, ATTR_MP_UNREACH, attr);
		return;
	}
	enum family f = bgp_family(afi, safi);
	if (f == FAMILY_COUNT || !update_wants(p, f)) {
		update_error(
		    p, BGP_DISCARD, BGP_FAULT_FAMILY, ATTR_MP_UNREACH, attr);
		return;
	}
	bool add_path = p->rules->add_path & BGP_FAMILY(f);
	struct bytes run = rest_of(&r);
	if (!bgp_nlri_check(run, f, add_path)) {
		update_error(
		    p, BGP_RESET, BGP_FAULT_NLRI, ATTR_MP_UNREACH, attr);
		return;
	}
	p->u->withdrawn[1] = (struct bgp_nlri){
	    .family = (uint8_t)f, .add_path = add_path, .wire = run};
	if (!run.n) { /* RFC 4724 s2, unless more stands beside it */
		p->u->end_of_rib = true;
		p->u->end_of_rib_family = (uint8_t)f;
	}
}
