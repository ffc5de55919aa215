"""Limits: how many routes, how often a session may fail."""
import time

from lib import Lab, Speaker, Spean, bgp, check, config, equal, wait_until
from lib.spean import of

FIVE = [f"198.51.{i}.0/24" for i in range(5)]
SIXES = [f"2001:db8:{i}::/48" for i in range(1, 6)]


def over(limit, prefixes, family):
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = Speaker(lab.node("b"), 64502)
        spean = Spean(lab, config(*of(a, max_prefix=limit), *of(b)))
        a.connect()
        b.connect()
        a.announce(prefixes[:3])
        b.wait_prefixes(prefixes[:3])
        a.announce(prefixes[:3], med=9)  # the same ones count once
        b.wait_route(prefixes[0], lambda r: r.med == 9)
        a.announce(prefixes[3:])
        code = a.wait_closed()
        check(code and code[:2] == (6, 1), f"NOTIFICATION {code}")
        equal(code[2][:3], bytes([0, family, 1]), "the family it names")
        b.wait_prefixes([])
        check(b.established, "another member's session")
        row = spean.session(a.addr)
        check(row["state"] != "established", f"state {row}")
        check(row.get("last_error"), f"the reason is shown: {row}")


def test_max_prefix():
    over("3, 3", FIVE, 1)


def test_max_prefix_ipv6():
    over("100, 3", SIXES, 2)


def test_max_prefix_raised_by_apply():
    """A higher limit lets the member come back."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = Speaker(lab.node("b"), 64502)
        spean = Spean(lab, config(*of(a, max_prefix="3, 3"), *of(b)))
        a.connect()
        b.connect()
        a.announce(FIVE)
        a.wait_closed()
        spean.apply(config(*of(a, max_prefix="10, 10"), *of(b)))
        a.connect(40)
        a.announce(FIVE)
        b.wait_prefixes(FIVE)


def test_flapping_backs_off():
    """A session that errors in a loop has to wait, and ever longer, even
    though it reaches Established each time."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = Speaker(lab.node("b"), 64502)
        spean = Spean(lab, config(*of(a, b)))
        b.connect()
        waits = []
        for _ in range(5):
            start = time.monotonic()
            a.connect(60)
            waits.append(time.monotonic() - start)
            a.send(bgp.update(withdrawn=b"\x18\xc6"))
            a.wait_closed()
        row = spean.session(a.addr)
        check(row["backoff_s"] is not None, f"backoff is shown: {row}")
        check(waits[0] < 2, f"the first time it was quick: {waits}")
        check(waits[4] > waits[1] and waits[4] > 4,
              f"it has to wait ever longer: {waits}")
        check(b.established, "another member's session")


test_flapping_backs_off.limit_s = 170


def test_one_loss_is_forgiven():
    """A session that was lost once comes back at once."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        Spean(lab, config(*of(a)))
        a.connect()
        time.sleep(1)
        a.close()
        start = time.monotonic()
        a.connect()
        check(time.monotonic() - start < 5, "it took long")


def test_connection_flood():
    """Hundreds of half-open connections from a member harm nobody."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = Speaker(lab.node("b"), 64502)
        spean = Spean(lab, config(*of(a, b)))
        b.connect()
        held = []
        for _ in range(300):
            s = a._socket()
            s.settimeout(2)
            try:
                s.connect((a.peer, 179))
            except OSError:
                s.close()
                continue
            held.append(s)
        check(b.established, "another member's session")
        b.announce("198.51.100.0/24")
        wait_until(lambda: spean.routes("--prefix", "198.51.100.0/24"), 5,
                   "a route of another member")
        for s in held:
            s.close()
        a.connect(60)
