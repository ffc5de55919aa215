"""What members see on the wire: RFC 7947 and its neighbours, by tshark.

Members are scripted speakers; every claim about a route is read from the
packets that left the route server, decoded by tshark.
"""
from lib import Lab, Speaker, Spean, bgp, check, config, equal, wait_until
from lib.spean import of
from lib.tap import Tap

P = "198.51.100.0/24"
Q = "203.0.113.0/24"
SIX = "2001:db8:1::/48"


class Exchange:
    """Speakers of these ASNs at an open exchange, and a tap beside it."""

    def __init__(self, lab, *asns, directives=None, six=(), late=(), **speaker):
        directives = directives or {}
        self.lab = lab
        self.speakers = []
        blocks = []
        for asn in asns:
            node = lab.node(f"m{asn % 100000}")
            s = Speaker(node, asn, addr=node.addr6 if asn in six else None,
                        **speaker.get(f"as{asn}", {}))
            self.speakers.append(s)
            blocks += of(s, **directives.get(asn, {}))
        self.spean = Spean(lab, config(*blocks))
        self.tap = Tap(lab.rs)
        for s in self.speakers:
            if s.asn not in late:
                s.connect()

    def sent(self, speaker, prefix):
        """The last announcement of prefix that went to the speaker."""
        return self.tap.last(prefix, dst=speaker.addr)


def test_attributes_unchanged():
    """RFC 7947 s2.2: next hop, AS path, MED and communities as they came."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502)
        a, b = x.speakers
        path = [64501, 64601, 4200000007, 64602]
        std = ["64501:100", "65535:65281", "64601:7"]
        large = ["64501:1:2", "4200000007:3:4"]
        other = (bgp.attr(bgp.ATOMIC, b"") +
                 bgp.attr(bgp.AGGREGATOR, b"\0\0\xfc\x5a\xc0\0\x02\x63"))
        a.announce(P, path, med=77, origin=2, communities=std, large=large,
                   extended=["rt:64501:9"], next_hop="192.0.2.77",
                   extra=other)
        b.wait_route(P)
        u = x.sent(b, P)
        equal(u.next_hops, ["192.0.2.77"], "next hop")
        equal(u.path, path, "AS path, our own ASN absent")
        equal(u.med, 77, "MED")
        equal(u.communities, std, "communities")
        equal(u.large, large, "large communities")
        equal(len(u.extended), 1, "extended communities")
        check("64501:9" in u.extended[0], f"extended: {u.extended}")
        equal(sorted(u.types), [1, 2, 3, 4, 6, 7, 8, 16, 32, 35],
              "attributes, and OTC")
        equal(x.tap.errors("192.0.2.1"), [], "tshark's complaints")


def test_unknown_attribute_relayed_with_partial():
    """RFC 4271 s5: unknown, optional, transitive: handed on, Partial set."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502)
        a, b = x.speakers
        a.announce(P, extra=bgp.attr(213, b"abc", 0xcf))
        b.wait_route(P)
        u = x.sent(b, P)
        check(213 in u.types, f"attributes {u.types}")
        equal(u.flags[213] & ~0x10, 0xe0, "flags: low bits zero, Partial")


def test_unwanted_attributes_removed():
    """Attributes that have no business at an exchange do not cross it."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502)
        a, b = x.speakers
        extra = (bgp.attr(23, b"\0\1\0\0") + bgp.attr(40, b"\1\0\7" + b"\0" * 7)
                 + bgp.attr(128, b"\0\0\0\1") + bgp.attr(213, b"x"))
        a.announce(P, extra=extra)
        b.wait_route(P)
        u = x.sent(b, P)
        check(not {23, 40, 128} & set(u.types), f"attributes {u.types}")
        check(213 in u.types, f"the innocent one is gone: {u.types}")


def test_ipv6_both_next_hops():
    """RFC 2545: global and link-local next hop, both as they came."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, six=(64501, 64502))
        a, b = x.speakers
        hops = [a.addr, "fe80::11:22"]
        a.announce(SIX, next_hop=hops, med=5, communities=["64501:1"])
        a.announce("2001:db8:2::/48", next_hop=[a.addr])
        b.wait_prefixes([SIX, "2001:db8:2::/48"])
        a.withdraw(SIX)
        b.wait_gone(SIX)
        u = x.sent(b, SIX)
        equal(u.next_hops, hops, "next hops")
        equal((u.path, u.med, u.communities), ([64501], 5, ["64501:1"]),
              "path, MED, communities")
        equal(x.sent(b, "2001:db8:2::/48").next_hops, [a.addr],
              "the global one alone")
        gone = [u for u in x.tap.updates(dst=b.addr) if SIX in u.withdrawn]
        equal(len(gone), 1, "withdrawals on the wire")


def test_extended_next_hop():
    """RFC 8950: IPv4 by way of IPv6 goes only to those who can take it."""
    with Lab() as lab:
        cap = {"extra_caps": [bgp.cap_ext_next_hop(bgp.V4)]}
        x = Exchange(lab, 64501, 64502, 64503, as64501=cap, as64502=cap)
        a, b, c = x.speakers
        hops = [a.node.addr6, "fe80::1"]
        a.announce(P, next_hop=hops)
        a.announce(Q)
        b.wait_prefixes([P, Q])
        c.wait_prefixes([Q])
        u = x.sent(b, P)
        equal(u.next_hops, hops, "next hops to the one that can")
        c.steady()
        c.wait_prefixes([Q])


# What a member adds, and who gets the route then.  B is 64502, C 64503, D
# has a 32-bit ASN.
D = 4200000001
CONTROL = [
    ({}, "BCD"),
    ({"communities": ["0:64502"]}, "CD"),
    ({"communities": ["0:64502", "0:64503"]}, "D"),
    ({"communities": ["0:64500"]}, ""),
    ({"communities": ["0:64500", "64500:64502"]}, "B"),
    ({"communities": ["0:64502", "64500:64502"]}, "CD"),
    ({"communities": ["64500:64500"]}, "BCD"),
    ({"extended": ["rt:0:64502"]}, "CD"),
    ({"extended": [f"rt:0:{D}"]}, "BC"),
    ({"extended": ["rt:0:64500", "rt:64500:64503"]}, "C"),
    ({"extended": ["rt:0:64500", f"rt:64500:{D}"]}, "D"),
    ({"large": ["64500:0:64502"]}, "CD"),
    ({"large": [f"64500:0:{D}"]}, "BC"),
    ({"large": ["64500:0:0"]}, ""),
    ({"large": ["64500:0:0", f"64500:1:{D}"]}, "D"),
    ({"large": ["64500:0:64502", "64500:1:0"]}, "CD"),
    # kinds mix: a large one allows what a standard one denied to all
    ({"communities": ["0:64500"], "large": ["64500:1:64503"]}, "C"),
    # informational ones are ours to set, and say nothing
    ({"large": ["64500:1000:1", "64500:1101:9"]}, "BCD"),
]


def test_control_communities():
    """Euro-IX semantics in all three kinds: obeyed, and scrubbed."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, 64503, D)
        a, clients = x.speakers[0], dict(zip("BCD", x.speakers[1:]))
        prefixes = [f"198.51.{i}.0/24" for i in range(len(CONTROL))]
        for prefix, (words, _) in zip(prefixes, CONTROL):
            mine = dict(words)
            mine["communities"] = ["64501:1"] + mine.get("communities", [])
            mine["large"] = ["64501:5:6"] + mine.get("large", [])
            mine["extended"] = ["rt:64501:3"] + mine.get("extended", [])
            a.announce(prefix, **mine)
        for name, s in clients.items():
            want = [p for p, (_, who) in zip(prefixes, CONTROL)
                    if name in who]
            s.wait_prefixes(want)
        seen = 0
        for u in x.tap.updates(src="192.0.2.1"):
            if not u.nlri:
                continue
            seen += 1
            equal(u.communities, ["64501:1"], f"communities of {u.nlri}")
            equal(u.large, ["64501:5:6"], f"large of {u.nlri}")
            equal(len(u.extended), 1, f"extended {u.extended} of {u.nlri}")
        check(seen >= 3, f"{seen} UPDATEs on the wire")


def test_control_communities_change():
    """A changed control community moves the route, and only for those."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, 64503)
        a, b, c = x.speakers
        a.announce(P)
        b.wait_prefixes([P])
        c.wait_prefixes([P])
        a.announce(P, communities=["0:64502"])
        b.wait_gone(P)
        a.announce(P, communities=["0:64503"])
        b.wait_prefixes([P])
        c.wait_gone(P)
        to_c = [u for u in x.tap.updates(dst=c.addr) if u.nlri or u.withdrawn]
        # Scrubbed, the route looked the same to C in the first two.
        check(len(to_c) <= 3, f"C was told {len(to_c)} times")


def test_prepending():
    """RS:101|102|103:PEER prepends the member's own ASN, for that peer."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, 64503)
        a, b, c = x.speakers
        path = [64501, 64601]
        for n in (1, 2, 3):
            a.announce(f"198.51.{n}.0/24", path,
                       large=[f"64500:10{n}:64502"])
        a.announce("198.51.9.0/24", path, large=["64500:102:0"])
        for s in (b, c):
            s.wait_prefixes([f"198.51.{n}.0/24" for n in (1, 2, 3, 9)])
        for n in (1, 2, 3):
            p = f"198.51.{n}.0/24"
            u = x.sent(b, p)
            equal(u.path, [64501] * n + path, f"to the peer named, {n}")
            equal(u.large, [], "scrubbed")
            equal(x.sent(c, p).path, path, "to the other one")
        for s in (b, c):
            equal(x.sent(s, "198.51.9.0/24").path, [64501] * 2 + path,
                  "to all")


def test_best_path_per_client():
    """RFC 7947 s2.3: a hidden best route gives way to the next best one."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, 64503, 64504)
        a, b, c, d = x.speakers
        a.announce(P, [64501], communities=["0:64503"])
        b.announce(P, [64502, 64602])
        d.wait_route(P, lambda r: r.path == [64501])
        c.wait_route(P, lambda r: r.path == [64502, 64602])
        a.wait_route(P, lambda r: r.path == [64502, 64602])
        b.wait_route(P, lambda r: r.path == [64501])
        # The best goes: those who had it move on, C hears nothing new.
        c.steady()
        told = len(c.messages)
        a.withdraw(P)
        d.wait_route(P, lambda r: r.path == [64502, 64602])
        b.wait_gone(P)
        c.steady()
        equal(len([m for m in c.messages[told:] if m[1] == bgp.UPDATE]), 0,
              "UPDATEs to the client whose route did not change")
        equal(x.sent(c, P).path, [64502, 64602], "C's, on the wire")
        equal(x.sent(d, P).next_hops, [b.addr], "D's next hop, on the wire")


def test_best_path_order():
    """The order of DESIGN: shorter path, origin, MED, id; GSHUT loses."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, 64503)
        a, b, c = x.speakers
        cases = [
            ("198.51.1.0/24", dict(path=[64501, 7, 8]), dict(path=[64502, 9])),
            ("198.51.2.0/24", dict(origin=2), dict(origin=0)),
            # MED is compared only within one neighbour AS, so the lower
            # identifier, A's, wins although its MED is higher.
            ("198.51.3.0/24", dict(med=0), dict(med=9)),
            ("198.51.4.0/24", dict(communities=["65535:0"]),
             dict(path=[64502, 7, 8, 9])),
        ]
        want = {}
        for p, of_a, of_b in cases:
            a.announce(p, **of_a)
            b.announce(p, **of_b)
            want[p] = b
        want["198.51.3.0/24"] = a
        for p, winner in want.items():
            c.wait_route(p, lambda r: r.next_hops == [winner.addr])


def test_own_asn_not_offered():
    """A path through the client is not offered to it; the next one is."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, 64503)
        a, b, c = x.speakers
        a.announce(P, [64501, 64503])
        a.announce(Q, [64501, 64503])
        b.announce(Q, [64502, 64601, 64602])
        b.wait_route(P)
        c.wait_route(Q, lambda r: r.path == [64502, 64601, 64602])
        c.steady()
        check(P not in c.table(), "C was offered a path through itself")


def test_withdrawals():
    """Withdrawn routes go, and so do those of a session that ends."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502)
        a, b = x.speakers
        a.announce([P, Q])
        a.announce(SIX)
        b.wait_prefixes([P, Q, SIX])
        a.withdraw(P)
        a.withdraw(SIX)
        b.wait_prefixes([Q])
        a.close()
        b.wait_prefixes([])
        gone = [p for u in x.tap.updates(dst=b.addr) for p in u.withdrawn]
        equal(sorted(gone), sorted([P, Q, SIX]), "withdrawn on the wire")


def test_add_path():
    """RFC 7911: several paths in, all that a client may have out."""
    with Lab() as lab:
        rx = {"extra_caps": [bgp.cap_add_path(1, bgp.V4, bgp.V6)]}
        both = {"extra_caps": [bgp.cap_add_path(3, bgp.V4, bgp.V6)]}
        x = Exchange(lab, 64501, 64502, 64503, 64504,
                     directives={64501: {"add_path": "both"},
                                 64503: {"add_path": "tx"}},
                     as64501=both, as64503=rx)
        a, b, c, d = x.speakers
        a.announce(P, [64501, 64601], path_id=1)
        a.announce(P, [64501, 64602, 64603], path_id=2)
        b.announce(P, [64502, 64604, 64605])

        def all_three():
            return sorted(r.path for r in c.paths(P).values()) == [
                [64501, 64601], [64501, 64602, 64603], [64502, 64604, 64605]]
        wait_until(all_three, 15, lambda: f"three paths: {c.paths(P)}")
        d.wait_route(P, lambda r: r.path == [64501, 64601])
        a.withdraw(P, path_id=1)
        wait_until(lambda: len(c.paths(P)) == 2, 15, "one path withdrawn")
        d.wait_route(P, lambda r: r.path == [64501, 64602, 64603])
        ids = [i for u in x.tap.updates(dst=c.addr) for i in u.path_ids]
        check(len(set(ids)) == 3, f"path ids on the wire: {ids}")
        equal(x.sent(d, P).path_ids, [], "none for a client without")


def test_two_byte_client():
    """RFC 6793: a speaker of 2-byte ASNs gets AS_TRANS and AS4_PATH."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, as64502={"as4": False})
        a, b = x.speakers
        a.announce(P, [64501, 4200000007, 64601])
        r = b.wait_route(P)
        equal(r.path, [64501, 23456, 64601], "path with AS_TRANS")
        equal(bgp.read_path(r.value(bgp.AS4_PATH)),
              [64501, 4200000007, 64601], "AS4_PATH")
        b.announce(Q, [64502, 23456], extra=bgp.attr(
            bgp.AS4_PATH, bgp.path_value([64502, 4200000008])))
        a.wait_route(Q)
        u = x.sent(a, Q)
        equal(u.path, [64502, 4200000008], "merged for others")
        check(bgp.AS4_PATH not in u.types, "AS4_PATH went to a 4-byte peer")


def test_extended_messages():
    """RFC 8654: what does not fit into 4,096 bytes goes to those who can."""
    with Lab() as lab:
        wide = {"extra_caps": [bgp.CAP_EXTENDED_MESSAGE]}
        x = Exchange(lab, 64501, 64502, 64503, as64501=wide, as64502=wide)
        a, b, c = x.speakers
        a.announce(P, extra=bgp.attr(213, b"x" * 5000))
        a.announce(Q)
        b.wait_prefixes([P, Q])
        c.wait_prefixes([Q])
        c.steady()
        c.wait_prefixes([Q])
        equal(len(b.table()[P].value(213)), 5000, "the long attribute")


def test_late_client_gets_all():
    """A client that comes last gets the table, packed, and End-of-RIB."""
    with Lab() as lab:
        x = Exchange(lab, 64501, 64502, late=(64502,))
        a, b = x.speakers
        many = [f"10.{i}.{j}.0/24" for i in range(20) for j in range(250)]
        a.announce(many)
        a.announce([SIX])
        wait_until(lambda: x.spean.session(a.addr)["families"]["ipv4"]
                   ["accepted"] == len(many), 20, "the table accepted")
        b.connect()
        b.wait_prefixes(many + [SIX])
        wait_until(lambda: b.end_of_rib == {bgp.V4, bgp.V6}, 10, "End-of-RIB")
        updates = [m for m in b.messages if m[1] == bgp.UPDATE]
        check(len(updates) < 60, f"{len(updates)} UPDATEs for one set")


def test_no_policy_nothing_moves():
    """RFC 8212: without a policy nothing is accepted and nothing sent."""
    with Lab() as lab:
        a, b = [Speaker(lab.node(n), asn)
                for n, asn in (("a", 64501), ("b", 64502))]
        spean = Spean(lab, config(*of(a, b), policy=None))
        a.connect()
        b.connect()
        a.announce(P)
        wait_until(lambda: spean.session(a.addr)["families"]["ipv4"]
                   ["rejected"] == 1, 10, "the route to be refused")
        equal(spean.route(P, "--rejected")["reason"], "no_policy", "reason")
        b.steady()
        equal(b.prefixes(), [], "what B got")
