"""How sessions come up, refresh, collide and end."""
import time

from lib import Lab, Speaker, Spean, bgp, check, config, equal, wait_until
from lib.spean import Member, of
from lib.tap import Tap

P = "198.51.100.0/24"
Q = "203.0.113.0/24"


def pair(lab, a_caps=(), b_caps=(), **kw):
    a = Speaker(lab.node("a"), 64501, extra_caps=a_caps)
    b = Speaker(lab.node("b"), 64502, extra_caps=b_caps)
    spean = Spean(lab, config(*of(a, b), **kw))
    a.connect()
    b.connect()
    return spean, a, b


def test_route_refresh():
    """RFC 2918: the whole table of that family again, unchanged."""
    with Lab() as lab:
        _, a, b = pair(lab)
        a.announce([P, Q])
        a.announce("2001:db8:1::/48")
        b.wait_prefixes([P, Q, "2001:db8:1::/48"])
        b.steady()
        with b.lock:
            b.rib.clear()
        b.send(bgp.route_refresh(bgp.V4))
        b.wait_prefixes([P, Q])
        equal(b.refreshes, [], "no BoRR without RFC 7313")


def test_enhanced_route_refresh():
    """RFC 7313: BoRR, the table, EoRR, in that order."""
    with Lab() as lab:
        _, a, b = pair(lab, b_caps=[bgp.CAP_ENHANCED_REFRESH])
        a.announce([P, Q])
        b.wait_prefixes([P, Q])
        b.steady()
        n = len(b.messages)
        with b.lock:
            b.rib.clear()
        b.send(bgp.route_refresh(bgp.V4))
        wait_until(lambda: (bgp.V4, 2) in b.refreshes, 10, "EoRR")
        b.wait_prefixes([P, Q])
        kinds = [(k, body[2] if k == bgp.REFRESH else None)
                 for _, k, body in b.messages[n:] if k != bgp.KEEPALIVE]
        equal(kinds[0], (bgp.REFRESH, 1), "BoRR first")
        equal(kinds[-1], (bgp.REFRESH, 2), "EoRR last")


def test_enhanced_refresh_of_ours():
    """BoRR and EoRR from a member: what it did not say again goes."""
    with Lab() as lab:
        _, a, b = pair(lab, a_caps=[bgp.CAP_ENHANCED_REFRESH])
        a.announce([P, Q])
        b.wait_prefixes([P, Q])
        a.send(bgp.route_refresh(bgp.V4, 1))
        a.announce(P)
        time.sleep(0.5)
        b.wait_prefixes([P, Q])
        a.send(bgp.route_refresh(bgp.V4, 2))
        b.wait_prefixes([P])


def test_refresh_of_bad_length():
    """RFC 7313 s5: Route Refresh Message Error, invalid length."""
    with Lab() as lab:
        _, a, b = pair(lab, a_caps=[bgp.CAP_ENHANCED_REFRESH])
        a.send(bgp.message(bgp.REFRESH, b"\0\1\1\1\0"))
        code = a.wait_closed()
        equal(code and code[:2], (7, 1), "NOTIFICATION")
        check(b.established, "the other session")


def test_we_connect():
    """Active: the exchange connects to members that wait."""
    with Lab() as lab:
        node = lab.node("a")
        s = Speaker(node, 64501)
        six = Speaker(node, 64501, addr=node.addr6)
        Spean(lab, config(*of(s, six), exchange="connect-retry 3s;"))
        s.listen()
        six.listen()
        check(s.established and six.established, "both are up")


def test_passive_never_connects():
    with Lab() as lab:
        s = Speaker(lab.node("a"), 64501)
        spean = Spean(lab, config(Member(64501, (s.addr, "passive on;")),
                                  exchange="connect-retry 2s;"))
        tap = Tap(lab.rs)
        time.sleep(4)
        rows = tap.fields("tcp.flags.syn == 1 and ip.src == 192.0.2.1",
                          "ip.dst")
        equal(rows, [], "SYNs of ours")
        s.connect()
        spean.wait_state(s.addr)


def collide(rs_wins):
    """Both sides connect: one connection stays, as RFC 4271 s6.8 says."""
    with Lab() as lab:
        node = lab.node("a")
        bgp_id = "192.0.1.1" if rs_wins else "192.0.3.1"
        s = Speaker(node, 64501, bgp_id=bgp_id)
        other = Speaker(node, 64501, bgp_id=bgp_id)
        spean = Spean(lab, config(*of(s), exchange="connect-retry 2s;"))
        # The one that we accept says nothing yet; ours gets to OpenSent.
        import threading
        t = threading.Thread(target=lambda: silent(other.listen))
        t.start()
        s.connect(20, wait=False)
        t.join(20)
        wait_until(lambda: s.established or other.established, 20,
                   "one of the two up")
        time.sleep(3)
        up = [x for x in (s, other) if x.established]
        check(len(up) == 1, f"{len(up)} connections are up")
        row = spean.session(s.addr)
        equal(row["state"], "established", "the session")
        up[0].announce(P)
        wait_until(lambda: spean.routes("--prefix", P), 5, "its route")


def silent(f):
    try:
        f(6)
    except AssertionError:
        pass


def test_collision_we_win():
    collide(True)


def test_collision_we_lose():
    collide(False)


def test_second_connection_of_an_established_peer():
    """A second connection does not harm the session that is up."""
    with Lab() as lab:
        spean, a, b = pair(lab)
        other = Speaker(a.node, 64501)
        other.connect(5, wait=False)
        time.sleep(2)
        check(a.established, "the first session was lost")
        check(not other.established, "two sessions of one peer")


def test_shutdown_communication():
    """RFC 9003: the operator's words reach the member, and the log."""
    with Lab() as lab:
        spean, a, b = pair(lab)
        text = "maintenance until 04:00 UTC, see ticket 7"
        spean.apply(config(*of(a, shutdown=f'"{text}"'), *of(b)))
        code = a.wait_closed()
        equal(code[:2], (6, 2), "Cease, administrative shutdown")
        equal(code[2][1:].decode(), text, "its words")
        check(b.established, "the other session")
        spean.apply(config(*of(a, b)))
        a.connect(40)
        a.notify(6, 2, bytes([5]) + b"bye \xff")
        a.close()
        wait_until(lambda: spean.session(a.addr)["state"] != "established",
                   10, "the session to end")
        check('"bye ' in spean.process.text().replace("\\", ""),
              "the member's words are not in the log")


def test_stop_says_goodbye():
    """SIGTERM: every member gets a Cease, and the daemon ends."""
    with Lab() as lab:
        spean, a, b = pair(lab)
        spean.process.send_signal(15)
        for s in (a, b):
            code = s.wait_closed()
            check(code and code[0] == 6, f"NOTIFICATION {code}")
        equal(spean.process.wait(10), 0, "exit code")


def test_hold_time():
    """RFC 4271: who says nothing is closed when the hold time is over."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501, hold=3)
        spean = Spean(lab, config(*of(a)))
        a.connect()
        time.sleep(5)
        check(a.established, "KEEPALIVEs of three seconds' hold time")
        got = [m for m in a.messages if m[1] == bgp.KEEPALIVE]
        check(len(got) >= 4, f"{len(got)} KEEPALIVEs in five seconds")
        a.hold = 0  # the speaker stops to speak, and goes on to read
        code = a.wait_closed(10)
        equal(code and code[0], 4, "hold timer expired")
        check(spean.session(a.addr)["state"] != "established", "state")


OPENS = {
    "version": (dict(version=3), (2, 1)),
    "asn": (dict(asn=64999), (2, 2)),
    "id zero": (dict(bgp_id="0.0.0.0"), (2, 3)),
    "hold 1": (dict(hold=1), (2, 6)),
    "hold 2": (dict(hold=2), (2, 6)),
    "our id": (dict(bgp_id="192.0.2.1"), None),
}


def test_bad_opens():
    """Each fault of an OPEN has its NOTIFICATION."""
    with Lab() as lab:
        node = lab.node("a")
        addr = [f"192.0.2.{100 + i}" for i in range(len(OPENS))]
        node.add_addresses(f"{a}/24" for a in addr)
        blocks = [Member(64501, a, name=f"n{i}") for i, a in enumerate(addr)]
        Spean(lab, config(*blocks))
        wrong = []
        for a, (name, (change, want)) in zip(addr, OPENS.items()):
            s = Speaker(node, 64501, addr=a)
            s.connect(5, wait=False, hello=False)
            kw = dict(asn=64501, bgp_id=a, hold=90) | change
            s.send(bgp.open_message(kw["asn"], kw["bgp_id"], kw["hold"],
                                    [bgp.cap_as4(kw["asn"])],
                                    kw.get("version", 4)))
            if want is None:
                continue
            try:
                code = s.wait_closed(5)
            except AssertionError:
                wrong.append(f"{name}: no answer")
                continue
            if not code or code[:2] != want:
                wrong.append(f"{name}: {code}, not {want}")
        check(not wrong, "\n".join(wrong))


def test_no_open_times_out():
    """A connection that says nothing is closed in the end, and harmless."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        Spean(lab, config(*of(a)))
        a.connect(5, wait=False, hello=False)
        time.sleep(1)
        b = Speaker(a.node, 64501)
        b.connect(20)
        check(b.established, "the session of the same member")


def test_roles_of_rfc9234():
    """We say RS; a member that says it is none of RS-client is refused."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501, extra_caps=[bgp.cap_role(2)])
        b = Speaker(lab.node("b"), 64502, extra_caps=[bgp.cap_role(0)])
        Spean(lab, config(*of(a, b)))
        a.connect()
        equal(a.open["caps"].get(9), [b"\1"], "our role: RS")
        b.connect(5, wait=False)
        code = b.wait_closed(5)
        equal(code and code[:2], (2, 11), "role mismatch")


def test_otc():
    """RFC 9234 s5: a client's route with OTC is a leak, and what goes out has
    the exchange's, whether they say roles or not."""
    for caps in ([bgp.cap_role(2)], []):
        with Lab() as lab:
            spean, a, b = pair(lab, a_caps=caps, b_caps=caps)
            a.announce(P, otc=64501)
            a.announce(Q)
            r = b.wait_route(Q)
            equal(r.value(bgp.OTC), b"\0\0\xfb\xf4", "OTC of AS64500")
            equal(list(b.table()), [Q], "what b holds")
            rows = spean.query("show", "routes", "--rejected")
            equal([(r["prefix"], r["reason"]) for r in rows],
                  [(P, "otc_leak")], "what was refused")


def test_strict_role():
    """RFC 9234 s4.2, strict mode: without a role there is no session."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501, extra_caps=[bgp.cap_role(2)])
        b = Speaker(lab.node("b"), 64502)
        Spean(lab, config(*of(a, b), exchange="strict-role on;"))
        a.connect()
        b.connect(5, wait=False)
        code = b.wait_closed(5)
        equal(code and code[:2], (2, 11), "role mismatch")


def test_no_capabilities():
    """A speaker of 1995: IPv4 alone, 2-byte ASNs, no parameters."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501, caps=[], as4=False)
        b = Speaker(lab.node("b"), 64502)
        Spean(lab, config(*of(a, b)))
        a.connect()
        b.connect()
        b.announce(P, [64502, 64601])
        b.announce("2001:db8:1::/48")
        r = a.wait_route(P)
        equal(r.path, [64502, 64601], "path")
        a.announce(Q)
        b.wait_prefixes([Q])
        a.steady()
        a.wait_prefixes([P])


def test_extended_optional_parameters():
    """RFC 9072: an OPEN whose parameters are longer than 255 bytes."""
    with Lab() as lab:
        pad = [bgp.cap(200 + i, b"x" * 60) for i in range(6)]
        a = Speaker(lab.node("a"), 64501, extra_caps=pad)
        Spean(lab, config(*of(a)))
        a.connect()


def test_many_sessions():
    """Five hundred members at once: all up, and all hear of a route."""
    with Lab() as lab:
        lan = "192.0.2.0/24, 10.7.0.0/16"
        node = lab.node("m")
        addr = [f"10.7.{i // 250}.{i % 250 + 1}" for i in range(500)]
        node.add_addresses(["10.7.255.2/16"])
        node.add_addresses(f"{a}/16" for a in addr)
        lab.rs.add_addresses(["10.7.255.1/16"])
        all_ = [Speaker(node, 64500 + 100 + i, addr=a, peer="10.7.255.1",
                        hold=240) for i, a in enumerate(addr)]
        spean = Spean(lab, config(
            *of(*all_), lan=lan, listen="192.0.2.1, 10.7.255.1",
            exchange="connect-retry 60s;"))
        start = time.monotonic()
        for s in all_:
            s.connect(30, wait=False)
        wait_until(lambda: all(s.established for s in all_), 60,
                   lambda: "all up; not up: " + "; ".join(
                       f"{s} {s.closed} {s.notification}"
                       for s in all_ if not s.established))
        took = time.monotonic() - start
        all_[0].announce(P)
        wait_until(lambda: all(P in s.table() for s in all_[1:]), 20,
                   "everybody to hear of it")
        up = sum(r["state"] == "established"
                 for r in spean.query("show", "sessions"))
        equal(up, 500, f"sessions up after {took:.1f} s")


test_many_sessions.limit_s = 150
