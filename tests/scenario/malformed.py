"""Malformed input: what RFC 7606 names happens, and nothing else.

One member sends every attribute in every kind of bad shape.  What it costs
is read from what a bystander is told; an innocent member that runs bird2
stays up all along, and tshark finds nothing malformed in what it is sent.
"""
import ipaddress
import pathlib
import random
import struct
import time

from lib import Lab, Speaker, Spean, bgp, check, config, equal, wait_until
from lib.members import daemon
from lib.net import LAN4, LAN6
from lib.spean import Member, of
from lib.tap import Tap

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "malformed"
SIX = "2001:db8:%x::/48"
MARK = 64999  # in the path of every malformed route, to know it again

FINE = "fine"          # the route stays, the attribute too or not
DISCARD = "discard"    # the route stays, the attribute is gone
WITHDRAW = "withdraw"  # RFC 7606: treat-as-withdraw
RESET = "reset"
SOFT = (DISCARD, WITHDRAW)  # the RFCs leave it open

PATH = bgp.path_value([64501, MARK])
HOP6 = bgp.pack_addresses(["2001:db8:100::11"])


def zero_like(value):
    return b"\0" * len(value)


# Code: (good value, {mutation: what it costs}).  Mutations that are not
# named cost treat-as-withdraw; `dup` is fine: the first one counts.
ATTRS = {
    bgp.ORIGIN: (b"\0", {"zero": FINE}),
    bgp.AS_PATH: (PATH, {}),
    bgp.NEXT_HOP: (bgp.pack_addresses(["192.0.2.11"]), {}),
    bgp.MED: (b"\0\0\0\7", {"zero": FINE}),
    # s7.5: from an external neighbour it is discarded, whatever it holds
    bgp.LOCAL_PREF: (b"\0\0\0\7", dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    bgp.ATOMIC: (b"", {"long": DISCARD, "zero": FINE, "flags": SOFT}),
    bgp.AGGREGATOR: (b"\0\0\xfc\x5a\xc0\0\x02\x63", {
        "short": DISCARD, "long": DISCARD, "zero": (FINE, DISCARD),
        "flags": SOFT}),
    # 0:0 is a control community's, so it is scrubbed.
    bgp.COMMUNITIES: (b"\xfb\xf5\0\1", {"zero": (FINE, DISCARD)}),
    bgp.ORIGINATOR: (b"\1\2\3\4", dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    bgp.CLUSTERS: (b"\1\2\3\4", dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    bgp.EXTENDED: (b"\0\2\xfb\xf5\0\0\0\1", {"zero": FINE}),
    # RFC 6793 s4.1: of no meaning from a speaker of 4-byte ASNs
    bgp.AS4_PATH: (PATH, dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    bgp.AS4_AGGREGATOR: (b"\0\0\xfc\x5a\xc0\0\x02\x63", dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    # Not for an exchange: discarded in any shape.
    22: (b"\0\0\0\0\0\1\2\3\4", dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), (FINE, DISCARD))
        | {"flags": SOFT}),
    23: (b"\0\1\0\0", dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    26: (b"\1\0\x0b" + b"\0" * 8, dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    bgp.LARGE: (b"\0\0\xfb\xf5\0\0\0\1\0\0\0\2", {"zero": FINE}),
    # RFC 9234 s5: from a client of the route server it is a leak.
    bgp.OTC: (b"\0\0\xfb\xf5", dict.fromkeys(
        ("good", "zero", "dup"), WITHDRAW)),
    40: (b"\1\0\7" + b"\0" * 7, dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    128: (b"\0\0\xfc\x5a\x40\1\1\0", dict.fromkeys(
        ("good", "short", "long", "zero", "dup"), DISCARD)
        | {"flags": SOFT}),
    213: (b"abc", {"short": FINE, "long": FINE, "zero": FINE,
                   "flags": (FINE, WITHDRAW)}),
}
MUTATIONS = ("good", "short", "long", "flags", "dup", "truncated", "zero")
OPTIONAL_WRONG = {0x40: 0xc0, 0xc0: 0x40, 0x80: 0x40}
# Optional, non-transitive ones that bgp.FLAGS does not list.
FLAGS = bgp.FLAGS | {26: 0x80}


def shape(code, value, mutation):
    """The attribute in that shape, as bytes of the attribute list."""
    flags = FLAGS.get(code, 0xc0)
    if mutation == "short":
        return bgp.attr(code, value[:-1], flags)
    if mutation == "long":
        return bgp.attr(code, value + b"\1", flags)
    if mutation == "flags":
        return bgp.attr(code, value, OPTIONAL_WRONG[flags])
    if mutation == "dup":
        return bgp.attr(code, value, flags) * 2
    if mutation == "truncated":
        # The length says more than the attribute list has left.
        return struct.pack("!BBB", flags, code, len(value) + 9) + value
    if mutation == "zero":
        return bgp.attr(code, zero_like(value), flags)
    return bgp.attr(code, value, flags)


def whole_update(code, mutation, prefix):
    """An UPDATE for prefix, sound but for that one attribute."""
    value, _ = ATTRS[code]
    parts = {bgp.ORIGIN: bgp.attr(bgp.ORIGIN, b"\0"),
             bgp.AS_PATH: bgp.attr(bgp.AS_PATH, PATH),
             bgp.NEXT_HOP: bgp.attr(bgp.NEXT_HOP, ATTRS[bgp.NEXT_HOP][0])}
    bad = shape(code, value, mutation)
    parts.pop(code, None)
    order = sorted(parts)
    head = b"".join(parts[c] for c in order if c < code)
    tail = b"".join(parts[c] for c in order if c > code)
    if mutation == "truncated":  # must stand last to run over the end
        head, tail = head + tail, b""
    return bgp.update(attrs=head + bad + tail, reach=bgp.nlri(prefix))


def expected(code, mutation):
    value, costs = ATTRS[code]
    if mutation in costs:
        want = costs[mutation]
    elif mutation in ("good", "dup"):
        want = FINE
    else:
        want = WITHDRAW
    return want if isinstance(want, tuple) else (want,)


class Scene:
    """A hostile member, a bystander, an innocent bird2, and a tap."""

    def __init__(self, lab, extra=(), lan=f"{LAN4}, {LAN6}"):
        self.lab = lab
        self.a_node, self.b_node = lab.node("a"), lab.node("b")
        self.m_node = lab.node("m")
        self.a = Speaker(self.a_node, 64501)
        self.b = Speaker(self.b_node, 64502)
        self.spean = Spean(lab, config(
            Member(64501, self.a.addr), Member(64502, self.b.addr),
            Member(64503, self.m_node.addr4), *extra, lan=lan))
        self.tap = Tap(lab.rs)
        self.bird = daemon("bird2", self.m_node, 64503, ["203.0.113.0/24"],
                           families=(4,))
        self.bird.wait_up()
        self.b.connect()
        self.b.wait_prefixes(["203.0.113.0/24"])
        self.began = time.monotonic()
        self.roles = self.spean.roles()

    def sync(self, n):
        """Until the bystander has seen what the member sent before."""
        self.a.announce("198.51.99.0/24", med=n)
        self.b.wait_route("198.51.99.0/24", lambda r: r.med == n)

    def innocent(self):
        """Nothing of it all was noticed by those who did nothing."""
        age = time.monotonic() - self.began
        for s in (self.b.addr, self.m_node.addr4):
            row = self.spean.session(s)
            equal(row["state"], "established", f"state of {s}")
            check(row["uptime_s"] >= age - 3, f"{s} was reset: {row}")
        check(self.bird.up(), "bird2 is up")
        equal(self.tap.errors("192.0.2.1"), [],
              "malformed messages that were relayed")
        equal(self.spean.roles(), self.roles, "processes: none died")


def judge(scene, code, mutation, prefix):
    """What became of the route, seen by the bystander."""
    route = scene.b.table().get(prefix)
    if scene.a.closed:
        return RESET
    if route is None:
        return WITHDRAW
    if mutation != "zero" and code != bgp.AS_PATH and \
            MARK not in route.path:
        return "ignored"
    if code in (bgp.NEXT_HOP,) or code in route.attrs:
        return FINE
    return DISCARD


def test_every_attribute():
    """{every attribute} x {good and six bad shapes}, in one session."""
    with Lab() as lab:
        x = Scene(lab)
        x.a.connect()
        x.a.announce("198.51.98.0/24")
        x.a.announce(SIX % 0x98)
        keep = ["198.51.98.0/24", SIX % 0x98]
        cases = [(c, m) for c in ATTRS for m in MUTATIONS
                 if not (m == "short" and not ATTRS[c][0])
                 and not (m == "zero" and not ATTRS[c][0])]
        wrong = []
        for n, (code, mutation) in enumerate(cases):
            prefix = f"198.{52 + n // 250}.{n % 250}.0/24"
            x.a.announce(prefix)  # so that a withdrawal is seen
            x.b.wait_route(prefix)
            x.a.send(whole_update(code, mutation, prefix))
            try:
                x.sync(n)
            except AssertionError:
                if not x.a.closed:
                    raise
            got = judge(x, code, mutation, prefix)
            want = expected(code, mutation)
            # An attribute that nobody wants may be dropped when it is good.
            if got not in want and not (got == DISCARD and FINE in want
                                        and code in (22,)):
                wrong.append(f"attribute {code} {mutation}: {got}, "
                             f"not {' or '.join(want)}")
            if x.a.closed:
                wrong[-1] += f" {x.a.notification}"
                x.a.connect(60)
                for k in keep:
                    x.a.announce(k)
            missing = [k for k in keep if k not in x.b.table()]
            if missing:
                wrong.append(f"attribute {code} {mutation}: other routes "
                             f"suffered: {missing}")
                for k in keep:
                    x.a.announce(k)
        check(not wrong, "\n".join([f"{len(wrong)} of {len(cases)}:"]
                                   + wrong))
        x.innocent()


test_every_attribute.limit_s = 170

V6_HEAD = struct.pack("!HBB", bgp.V6, 1, 16) + HOP6 + b"\0"
BASE6 = bgp.base_attrs([64501])
GOOD_MP = bgp.attr(bgp.MP_REACH, V6_HEAD + bgp.nlri(SIX % 1))
HOP4 = bgp.attr(bgp.NEXT_HOP, ATTRS[bgp.NEXT_HOP][0])


def raw_attr(code, size, value, flags=0x80):
    return struct.pack("!BBB", flags, code, size) + value


# What must reset: NLRI that cannot be located, or a second MP attribute.
RESETS = {
    "mp_reach_empty": bgp.update(attrs=bgp.attr(bgp.MP_REACH, b"") + BASE6),
    "mp_reach_short": bgp.update(
        attrs=bgp.attr(bgp.MP_REACH, V6_HEAD[:6]) + BASE6),
    "mp_reach_next_hop_length": bgp.update(attrs=bgp.attr(
        bgp.MP_REACH, struct.pack("!HBB", 2, 1, 7) + b"\x20" * 8
        + bgp.nlri(SIX % 1)) + BASE6),
    "mp_reach_prefix_overrun": bgp.update(attrs=bgp.attr(
        bgp.MP_REACH, V6_HEAD + b"\x40\x20\x01") + BASE6),
    "mp_reach_prefix_too_long": bgp.update(attrs=bgp.attr(
        bgp.MP_REACH, V6_HEAD + b"\x81" + b"\x20" * 17) + BASE6),
    "mp_reach_twice": bgp.update(attrs=GOOD_MP * 2 + BASE6),
    "mp_unreach_empty": bgp.update(attrs=bgp.attr(bgp.MP_UNREACH, b"")),
    "mp_unreach_short": bgp.update(attrs=bgp.attr(bgp.MP_UNREACH, b"\0\2")),
    "mp_unreach_prefix_overrun": bgp.update(attrs=bgp.attr(
        bgp.MP_UNREACH, b"\0\2\1\x40\x20\x01")),
    "mp_unreach_twice": bgp.update(attrs=bgp.attr(
        bgp.MP_UNREACH, b"\0\2\1" + bgp.nlri(SIX % 1)) * 2),
    "nlri_overrun": bgp.update(attrs=bgp.base_attrs([64501]) + HOP4,
                               reach=b"\x20\xc6\x33"),
    "nlri_too_long": bgp.update(attrs=bgp.base_attrs([64501]) + HOP4,
                                reach=b"\x21\xc6\x33\x64\0\0"),
    "withdrawn_overrun": bgp.update(withdrawn=b"\x18\xc6"),
    "withdrawn_length": bgp.message(bgp.UPDATE, b"\xff\xff\0\0"),
    "attributes_length": bgp.message(bgp.UPDATE, b"\0\0\xff\xff\x40\1\1\0"),
    "update_too_short": bgp.message(bgp.UPDATE, b"\0\0\0"),
    # s5.2: an error, attributes, and no NLRI that could be withdrawn
    "no_nlri_bad_origin": bgp.update(attrs=bgp.attr(bgp.ORIGIN, b"\7")
                                     + bgp.attr(bgp.AS_PATH, PATH)),
    # RFC 4271 s6.1
    "marker": b"\0" * 16 + b"\0\x13\4",
    "length_too_small": bgp.MARKER + b"\0\x12\4",
    # We say that we take extended messages, but these are never so long.
    "keepalive_too_large": bgp.MARKER + b"\x10\1\4",
    "type_unknown": bgp.MARKER + b"\0\x13\x09",
    "keepalive_with_body": bgp.MARKER + b"\0\x14\4\0",
    "open_again": bgp.open_message(64501, "192.0.2.77"),
}


def test_what_must_reset():
    """Each of these ends its session with a NOTIFICATION, and no other."""
    with Lab() as lab:
        names = sorted(RESETS)
        addr = {n: f"192.0.2.{100 + i}" for i, n in enumerate(names)}
        x = Scene(lab, [Member(64501, a, name=n) for n, a in addr.items()])
        x.a_node.add_addresses(f"{a}/24" for a in addr.values())
        x.a.connect()
        x.a.announce("198.51.98.0/24")
        x.b.wait_route("198.51.98.0/24")
        wrong = []
        for i, n in enumerate(names):
            s = Speaker(x.a_node, 64501, addr=addr[n])
            s.connect()
            mine = f"198.52.{i}.0/24"
            s.announce(mine)
            x.b.wait_route(mine)
            s.send(RESETS[n])
            try:
                s.wait_closed(6)
            except AssertionError:
                wrong.append(f"{n}: no reset")
                continue
            code = s.notification and s.notification[0]
            if code not in (1, 3, 5):
                wrong.append(f"{n}: NOTIFICATION {s.notification}")
            try:
                x.b.wait_gone(mine, 5)
            except AssertionError:
                wrong.append(f"{n}: its route stayed")
        check(not wrong, "\n".join(wrong))
        check(x.a.established, "the member's other session was reset")
        check("198.51.98.0/24" in x.b.table(), "its other session's route")
        x.innocent()


test_what_must_reset.limit_s = 150


def test_mp_reach_flags_and_families():
    """Errors in IPv6 routes whose prefixes can be found cost just these."""
    with Lab() as lab:
        x = Scene(lab)
        x.a.connect()
        x.a.announce(["198.51.98.0/24"])
        x.a.announce([SIX % 1, SIX % 2])
        x.b.wait_prefixes(["198.51.98.0/24", "203.0.113.0/24",
                           SIX % 1, SIX % 2])
        bad = {
            "origin": bgp.attr(bgp.ORIGIN, b"\7")
            + bgp.attr(bgp.AS_PATH, PATH),
            "no origin": bgp.attr(bgp.AS_PATH, PATH),
            "no path": bgp.attr(bgp.ORIGIN, b"\0"),
            "communities": BASE6 + bgp.attr(bgp.COMMUNITIES, b"abc"),
        }
        for n, (name, attrs) in enumerate(bad.items()):
            x.a.announce(SIX % 1)
            x.b.wait_route(SIX % 1)
            x.a.send(bgp.update(attrs=GOOD_MP + attrs))
            x.sync(n)
            check(SIX % 1 not in x.b.table(), f"{name}: the route stayed")
            check(SIX % 2 in x.b.table(), f"{name}: another one suffered")
        # A family that was never agreed on is ignored.
        vpn = struct.pack("!HBB", 1, 128, 12) + b"\0" * 8 + b"\1\2\3\4" \
            + b"\0" + b"\x70" + b"\0" * 14
        x.a.send(bgp.update(attrs=bgp.attr(bgp.MP_REACH, vpn) + BASE6))
        x.sync(99)
        # A next hop that no host can have.
        x.a.send(bgp.update(attrs=bgp.mp_reach(
            bgp.V6, ["::"], bgp.nlri(SIX % 2)) + BASE6))
        x.sync(100)
        check(SIX % 2 not in x.b.table(), "a route by way of ::")
        check(not x.a.closed, f"reset: {x.a.notification}")
        x.innocent()


def test_why_names_the_fault():
    """Treated as withdrawn: shown as refused, with the public reason."""
    with Lab() as lab:
        x = Scene(lab)
        x.a.connect()
        x.a.send(whole_update(bgp.COMMUNITIES, "short", "198.51.97.0/24"))
        x.sync(1)
        rows = x.spean.routes("--prefix", "198.51.97.0/24", "--rejected")
        equal([r["reason"] for r in rows], ["malformed_attribute"], "reason")
        row = x.spean.session(x.a.addr)
        equal(row["state"], "established", "the session")


def test_unknown_attributes_withdraw():
    """Where the configuration refuses what nobody knows: said so."""
    with Lab() as lab:
        a, b = Speaker(lab.node("a"), 64501), Speaker(lab.node("b"), 64502)
        spean = Spean(lab, config(
            *of(a, b), policy="preset open; unknown-attributes withdraw;"))
        a.connect()
        b.connect()
        hop = bgp.attr(bgp.NEXT_HOP, ipaddress.ip_address(a.addr).packed)
        plain = bgp.base_attrs([64501]) + hop
        a.send(bgp.update(attrs=plain + bgp.attr(99, b"spean"),
                          reach=bgp.nlri("198.51.97.0/24")))
        a.send(bgp.update(attrs=plain, reach=bgp.nlri("198.51.98.0/24")))
        b.wait_prefixes(["198.51.98.0/24"])
        check("198.51.97.0/24" not in b.table(), "it was passed on")
        rows = spean.routes("--rejected")
        equal([(r["prefix"], r["reason"]) for r in rows],
              [("198.51.97.0/24", "unwanted_attribute")], "refused")


def messages(data):
    """Every BGP message in a recording, found by its marker."""
    i = data.find(bgp.MARKER)
    while 0 <= i < len(data) - 19:
        n = max(19, struct.unpack("!H", data[i + 16:i + 18])[0])
        yield data[i:i + n]
        i = data.find(bgp.MARKER, i + 16)


def test_recordings():
    """What broke other parsers: the exchange and the innocent live on."""
    with Lab() as lab:
        found = []
        for path in sorted(DATA.glob("*.pcap")):
            each = {m for m in messages(path.read_bytes())}
            found += [(path.name, m) for m in sorted(each)]
        for path in sorted(DATA.glob("*.dat")):
            data = bytes.fromhex("".join(path.read_text().split()))
            found += [(path.name, m) for m in messages(data)]
        check(len(found) > 40, f"{len(found)} messages")
        addr = [f"192.0.{16 + i // 250}.{1 + i % 250}"
                for i in range(len(found))]
        extra = [Member(64501, a, name=f"r{i}") for i, a in enumerate(addr)]
        node = lab.node("r")
        node.add_addresses(["192.0.16.254/20"])
        node.add_addresses(f"{a}/20" for a in addr)
        lab.rs.add_addresses(["192.0.31.254/20"])
        x = Scene(lab, extra, lan=f"{LAN4}, {LAN6}, 192.0.16.0/20")
        x.a.connect()
        x.a.announce("198.51.98.0/24")
        for (name, m), a in zip(found, addr):
            s = Speaker(node, 64501, addr=a, peer="192.0.2.1")
            if m[18] == bgp.OPEN:
                s.connect(5, wait=False, hello=False)
                s._try_send(s.sock, m)
            else:
                s.connect(15)
                s._try_send(s.sock, m)
                s._try_send(s.sock, bgp.message(bgp.KEEPALIVE))
            time.sleep(0.02)
            s.close()
        x.sync(7)
        check("198.51.98.0/24" in x.b.table(), "a bystander's route")
        x.innocent()


test_recordings.limit_s = 170


def sound_attrs(r):
    return (bgp.base_attrs([64501] + [r.randrange(1, 1 << 32)
                                      for _ in range(r.randrange(6))])
            + bgp.attr(bgp.NEXT_HOP, b"\xc0\0\2\x0b")
            + bgp.optional_attrs(
                med=r.randrange(99), communities=["64501:7", "0:64999"],
                extended=["rt:64501:1"], large=["64501:1:2"])
            + bgp.attr(bgp.AGGREGATOR, b"\0\0\xfc\x5a\xc0\0\2\x63")
            + bgp.attr(r.randrange(256), r.randbytes(r.randrange(20)),
                       r.randrange(256)))


def mutate(r, data):
    data = bytearray(data)
    for _ in range(r.choice((1, 1, 1, 2, 4, 8))):
        if len(data) < 5:
            break
        at = r.randrange(len(data))
        what = r.randrange(5)
        if what == 0:
            data[at] = r.randrange(256)
        elif what == 1:
            data[at] ^= 1 << r.randrange(8)
        elif what == 2:
            del data[at:at + r.randrange(1, 8)]
        elif what == 3:
            data[at:at] = r.randbytes(r.randrange(1, 8))
        else:
            data[at] = r.choice((0, 1, 0x7f, 0x80, 0xff))
    return bytes(data)


def broken_update(r, k):
    """Broken among its attributes, most of the time, or anywhere."""
    attrs = sound_attrs(r)
    anywhere = r.random() < 0.1
    if not anywhere:
        attrs = mutate(r, attrs)
    if r.random() < 0.5:
        attrs = bgp.mp_reach(bgp.V6, ["2001:db8:100::11"],
                             bgp.nlri(SIX % (k % 4096))) + attrs
    body = bgp.update(
        withdrawn=bgp.nlri(f"198.53.{k % 250}.0/24"), attrs=attrs,
        reach=bgp.nlri(f"198.54.{k % 250}.0/24")
        + bgp.nlri(f"198.55.{k % 250}.0/25"))[19:]
    return bgp.message(bgp.UPDATE, mutate(r, body) if anywhere else body)


def test_random_mutations():
    """Thousands of UPDATEs broken at random: the exchange lives on, and
    nobody is told anything malformed."""
    with Lab() as lab:
        addr = [f"192.0.2.{60 + i}" for i in range(150)]
        x = Scene(lab, [Member(64501, a, name=a) for a in addr])
        x.a_node.add_addresses(f"{a}/24" for a in addr)
        x.a.connect()
        x.a.announce("198.51.98.0/24")
        r = random.Random(7606)
        sent = 0
        end = time.monotonic() + 20
        for k, a in enumerate(addr):
            s = Speaker(x.a_node, 64501, addr=a)
            s.connect()
            for _ in range(300):
                if s.closed or time.monotonic() > end:
                    break
                s._try_send(s.sock, broken_update(r, sent))
                sent += 1
                time.sleep(0.0005)
            s.close()
            if time.monotonic() > end:
                break
        check(sent > 500, f"{sent} messages")
        x.sync(1)
        check("198.51.98.0/24" in x.b.table(), "a bystander's route")
        x.innocent()
