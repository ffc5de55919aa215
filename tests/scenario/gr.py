"""Graceful restart (RFC 4724, 8538, 9494): no route is withdrawn by it.

The route server is the helper when a member restarts, and the restarting
speaker when one of its own roles dies.  A tap tells whether anything was
withdrawn that should not have been.
"""
import time

from lib import Lab, Speaker, Spean, bgp, check, config, equal, wait_until
from lib.members import daemon
from lib.spean import Member, of
from lib.tap import Tap

MINE = ["198.51.100.0/24", "198.51.101.0/24"]
OTHERS = ["203.0.113.0/24"]
GR_CAPS = [bgp.cap_gr(60, [bgp.V4, bgp.V6])]


def withdrawn(tap, dst=None, src="192.0.2.1"):
    return [p for u in tap.updates(src=src, dst=dst) for p in u.withdrawn]


def lab_with(kind, lab, exchange="", **options):
    """A daemon of that kind, and a speaker that watches."""
    node, other = lab.node("m"), lab.node("o")
    s = Speaker(other, 64502, extra_caps=GR_CAPS)
    spean = Spean(lab, config(Member(64501, node.addr4), *of(s),
                              exchange=exchange))
    s.connect()
    s.announce(OTHERS)
    s.end_of_ribs(bgp.V4, bgp.V6)
    member = daemon(kind, node, 64501, MINE, families=(4,), gr=True,
                    **options)
    member.wait_up()
    member.wait_routes(OTHERS)
    s.wait_prefixes(MINE)
    return spean, member, s


def member_restarts(kind, **options):
    """The route server helps: it keeps the member's routes meanwhile."""
    with Lab() as lab:
        spean, member, s = lab_with(kind, lab, **options)
        time.sleep(1)
        tap = Tap(lab.rs)
        member.restart_gracefully()
        member.wait_up()
        member.wait_routes(OTHERS)
        spean.wait_state(member.node.addr4)
        time.sleep(2)
        s.wait_prefixes(MINE)
        equal(withdrawn(tap, s.addr), [], "withdrawn from the others")


def test_helps_bird2():
    member_restarts("bird2")


def test_helps_gobgp():
    member_restarts("gobgp")


def test_helps_frr():
    """FRR's bgpd killed: its socket closes without a NOTIFICATION."""
    with Lab() as lab:
        spean, member, s = lab_with("frr", lab)
        time.sleep(1)
        tap = Tap(lab.rs)
        member.kill()
        member.start()
        member.wait_up()
        member.wait_routes(OTHERS)
        time.sleep(2)
        s.wait_prefixes(MINE)
        equal(withdrawn(tap, s.addr), [], "withdrawn from the others")


def server_restarts(kind, role, **options):
    """The member helps: it keeps our routes while a role is away."""
    with Lab() as lab:
        spean, member, s = lab_with(kind, lab, **options)
        time.sleep(1)
        seen = []
        tap = Tap(lab.rs)
        for name, old in spean.kill_all(role).items():
            spean.wait_back(name, old)
        s.wait_closed()
        s.connect(30)
        s.announce(OTHERS)
        s.end_of_ribs(bgp.V4, bgp.V6)
        check(64 in s.open["caps"], "our OPEN has graceful restart")
        flags = s.open["caps"][64][0]
        check(flags[0] & 0x80, f"R is set in our OPEN: {flags.hex()}")

        def back():
            # What the member holds meanwhile: all, or all as stale.
            seen.append(sorted(member.routes()))
            return spean.session(member.node.addr4)["state"] == "established"
        wait_until(back, 40, "the member's session", every=0.2)
        for _ in range(10):
            seen.append(sorted(member.routes()))
            time.sleep(0.2)
        s.wait_prefixes(MINE)
        equal([x for x in seen if x != OTHERS], [],
              f"what {kind} held meanwhile")
        equal(withdrawn(tap), [], "withdrawn on the wire")


def test_bird2_helps_engine():
    server_restarts("bird2", "engine")


def test_bird2_helps_session():
    server_restarts("bird2", "session")


def test_frr_helps_engine():
    server_restarts("frr", "engine")


def test_gobgp_helps_engine():
    server_restarts("gobgp", "engine")


def test_openbgpd_helps_engine():
    server_restarts("openbgpd", "engine")


def test_notification_is_graceful_with_gobgp():
    """RFC 8538: with N on both sides a Cease keeps the routes, a Hard
    Reset does not."""
    with Lab() as lab:
        spean, member, s = lab_with("gobgp", lab, notification=True)
        time.sleep(1)
        tap = Tap(lab.rs)
        member.send_cease()
        wait_until(lambda: not member.up(), 10, "the session to end")
        time.sleep(10)
        equal(withdrawn(tap, s.addr), [], "withdrawn after a Cease")
        equal(sorted(s.table()), MINE, "routes while it is away")
        # It comes back without the F bit: only now are the old ones removed
        # (RFC 4724 s4.2), and replaced.
        member.wait_up(60)
        time.sleep(2)
        s.wait_prefixes(MINE)
        # We close for good: Cease with Hard Reset, and the routes go.
        tap = Tap(lab.rs, "tap2")
        spean.apply(config(*of(s)))
        s.wait_prefixes([])
        rows = tap.fields(f"bgp.type == 3 and ip.dst == {member.node.addr4}",
                          "bgp.notify.major_error",
                          "bgp.notify.minor_error_cease")
        equal(rows, [["6", "9"]], "Cease, Hard Reset on the wire")


def scripted(lab):
    """A member that can do graceful restart and has announced its routes,
    and one that watches."""
    a = Speaker(lab.node("a"), 64501, extra_caps=[bgp.cap_gr(5, [bgp.V4])])
    b = Speaker(lab.node("b"), 64502, extra_caps=GR_CAPS)
    Spean(lab, config(*of(a, b)))
    a.connect()
    b.connect()
    a.announce(MINE)
    a.end_of_ribs(bgp.V4)
    b.wait_prefixes(MINE)
    return a, b


def test_end_of_rib_removes_what_is_stale():
    """What the member does not announce again goes with its End-of-RIB."""
    with Lab() as lab:
        a, b = scripted(lab)
        a.abort()
        time.sleep(1)
        b.wait_prefixes(MINE)
        a.connect()
        a.announce(MINE[:1])
        time.sleep(1)
        b.wait_prefixes(MINE)
        a.end_of_ribs(bgp.V4)
        b.wait_prefixes(MINE[:1])
        equal(b.withdrawn, [(MINE[1], None)], "withdrawals")


def test_restart_time_ends():
    """Who does not come back in time loses its routes, and no sooner."""
    with Lab() as lab:
        a, b = scripted(lab)
        a.abort()
        start = time.monotonic()
        b.wait_prefixes([], 15)
        took = time.monotonic() - start
        check(4 < took < 9, f"gone after {took:.1f} s, restart time 5 s")


def test_forwarding_lost():
    """F is 0 when the member comes back: its stale routes go at once."""
    with Lab() as lab:
        a, b = scripted(lab)
        a.abort()
        a.caps[-1] = bgp.cap_gr(60, [bgp.V4], forwarding=False)
        a.connect()
        b.wait_prefixes([], 4)


def test_notification_without_n_is_hard():
    """RFC 4724 s4: a NOTIFICATION ends the routes when N was not agreed."""
    with Lab() as lab:
        a, b = scripted(lab)
        a.notify(6, 2)
        a.close()
        b.wait_prefixes([], 4)


def test_llgr_is_off():
    """RFC 9494 is offered only when the operator says so."""
    with Lab() as lab:
        a, _ = scripted(lab)
        check(71 not in a.open["caps"], "LLGR in our OPEN")
        check(64 in a.open["caps"], "graceful restart in our OPEN")


def test_llgr():
    """Stale routes get LLGR_STALE, and only clients that know it keep them."""
    with Lab() as lab:
        llgr = bgp.cap_llgr(600, [bgp.V4])
        a = Speaker(lab.node("a"), 64501, extra_caps=[
            bgp.cap_gr(2, [bgp.V4]), llgr])
        b = Speaker(lab.node("b"), 64502, extra_caps=GR_CAPS + [llgr])
        c = Speaker(lab.node("c"), 64503, extra_caps=GR_CAPS)
        Spean(lab, config(*of(a, b, c), exchange="llgr 600s;"))
        for s in (a, b, c):
            s.connect()
        a.announce(MINE)
        a.announce("198.51.102.0/24", communities=["65535:7"])
        for s in (b, c):
            s.wait_prefixes(MINE + ["198.51.102.0/24"])
        a.abort()
        b.wait_route(MINE[0], lambda r: "65535:6" in r.communities, 15)
        b.wait_prefixes(MINE)   # NO_LLGR: gone
        c.wait_prefixes([])     # knows nothing of LLGR


def test_first_start_defers_nothing():
    """A clean first start serves a member at once."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501, extra_caps=GR_CAPS)
        b = Speaker(lab.node("b"), 64502, extra_caps=GR_CAPS)
        Spean(lab, config(*of(a, b)))
        a.connect()
        a.announce(MINE)
        b.connect()
        start = time.monotonic()
        b.wait_prefixes(MINE)
        check(time.monotonic() - start < 3, "served late")
        check(not b.open["caps"][64][0][0] & 0x80, "R set at a first start")
