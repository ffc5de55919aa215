"""A client that does not read costs bounded memory and delays nobody."""
import time

from lib import Lab, Speaker, Spean, bgp, check, config, wait_until
from lib.spean import of

MANY = [f"10.{i >> 8 & 255}.{i & 255}.0/24" for i in range(40000)]
MB = 1 << 20


def two(lab, **conf):
    """A member that announces, and one with a small window."""
    a = Speaker(lab.node("a"), 64501)
    c = Speaker(lab.node("c"), 64503, hold=0)
    spean = Spean(lab, config(*of(a, c), **conf))
    a.connect()
    c.connect(rcvbuf=4096)
    return spean, a, c


def test_client_that_stops_reading():
    """Bounded memory, nobody delayed; when it reads again it has it all."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = Speaker(lab.node("b"), 64502)
        c = Speaker(lab.node("c"), 64503, hold=0)
        spean = Spean(lab, config(*of(a, b, c)))
        a.connect()
        b.connect()
        c.connect(rcvbuf=4096)
        a.announce(MANY)
        b.wait_prefixes(MANY, 30)
        c.wait_prefixes(MANY, 60)
        c.reading = False
        before = {r: spean.memory(r) for r in ("session", "engine")}
        worst = 0
        rounds = 6
        for n in range(rounds):
            # Attributes of its own for each, so that nothing is packed.
            for k in range(0, 4000):
                a.announce(MANY[k], [64501, 64600 + n], med=k)
            a.announce(MANY, [64501, 64700 + n], med=n)
            start = time.monotonic()
            b.wait_route(MANY[-1], lambda r: r.med == n and
                         r.path == [64501, 64700 + n], 30)
            worst = max(worst, time.monotonic() - start)
        check(worst < 5, f"another client waited {worst:.1f} s")
        grown = {r: (spean.memory(r) - before[r]) / MB for r in before}
        check(grown["session"] < 48 and grown["engine"] < 96,
              f"grown by {grown} MB")
        check(spean.session(c.addr)["state"] == "established",
              "the slow one is still up")
        a.withdraw(MANY[:100])
        b.wait_prefixes(MANY[100:], 30)
        c.reading = True
        c.wait_route(MANY[-1], lambda r: r.path == [64501, 64700 + rounds - 1],
                     60)
        c.wait_prefixes(MANY[100:], 60)
        wrong = [p for p, r in c.table().items()
                 if r.path != [64501, 64700 + rounds - 1]]
        check(not wrong, f"{len(wrong)} stale routes: {wrong[:3]}")


def test_rejoins_the_shared_stream():
    """Once it has caught up it is told of changes like all others."""
    with Lab() as lab:
        _, a, c = two(lab)
        for n in range(3):
            c.reading = False
            for k in range(20):
                a.announce(MANY[:10000], [64501, 64600 + k], med=n)
            time.sleep(1)
            c.reading = True
            c.wait_route(MANY[9999], lambda r: r.med == n
                         and r.path[-1] == 64619, 60)
            a.announce("198.51.100.0/24", med=n)
            start = time.monotonic()
            c.wait_route("198.51.100.0/24", lambda r: r.med == n)
            took = time.monotonic() - start
            check(took < 5, f"a change took {took:.1f} s")
        table = c.table()
        wrong = [p for p in MANY[:10000] if table[p].med != 2]
        check(not wrong, f"{len(wrong)} stale routes")


def test_send_hold():
    """RFC 9687: who takes nothing at all is closed in the end."""
    with Lab() as lab:
        spean, a, c = two(lab, exchange="hold 3s; send-hold 5s;")
        c.reading = False
        for k in range(20):
            a.announce(MANY[:20000], [64501, 64600 + k])
        wait_until(lambda: spean.session(c.addr)["state"] != "established",
                   30, "the session that takes nothing to be closed",
                   every=0.3)
        check(spean.session(a.addr)["state"] == "established", "the other")


def test_many_slow_clients():
    """Ten of twenty stop reading: the other ten are told in time."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        node = lab.node("c")
        node.add_addresses(f"192.0.2.{100 + i}/24" for i in range(20))
        clients = [Speaker(node, 64600 + i, addr=f"192.0.2.{100 + i}", hold=0)
                   for i in range(20)]
        spean = Spean(lab, config(*of(a, *clients)))
        a.connect()
        for c in clients:
            c.connect(rcvbuf=8192)
        for c in clients[:10]:
            c.reading = False
        few = MANY[:4000]
        for n in range(30):
            a.announce(few, [64501, 64800 + n], med=n)
        for c in clients[10:]:
            c.wait_route(few[-1], lambda r: r.med == 29, 30)
        total = sum(spean.memory(r) for r in ("session", "engine"))
        check(total < 200 * MB, f"{total / MB:.0f} MB")
        for c in clients[:10]:
            c.reading = True
        for c in clients:
            c.wait_prefixes(few, 60)
            wrong = [p for p, r in c.table().items() if r.med != 29]
            wait_until(lambda: all(r.med == 29
                                   for r in c.table().values()), 30,
                       f"{c}: {len(wrong)} stale")


def test_refresh_while_slow():
    """A route refresh of a client that lags is answered all the same."""
    with Lab() as lab:
        _, a, c = two(lab)
        c.reading = False
        for k in range(10):
            a.announce(MANY[:20000], [64501, 64600 + k], med=k)
        c.send(bgp.route_refresh(bgp.V4))
        c.reading = True
        c.wait_prefixes(MANY[:20000], 60)
        wait_until(lambda: all(r.med == 9 for r in c.table().values()), 60,
                   "the newest routes")
