"""Real daemons as members: up, routes both ways, reset, restarted."""
from lib import Lab, Speaker, Spean, config, equal, wait_until
from lib.members import daemon
from lib.spean import Member, of

OURS = ["198.51.100.0/24", "198.51.101.0/24", "2001:db8:1::/48"]
THEIRS4 = ["203.0.113.0/24", "203.0.114.0/24"]
THEIRS6 = ["2001:db8:2::/48"]


def interop(kind):
    with Lab() as lab:
        node, other = lab.node("m"), lab.node("o")
        s4 = Speaker(other, 64502)
        s6 = Speaker(other, 64502, addr=other.addr6)
        spean = Spean(lab, config(
            Member(64501, node.addr4, node.addr6), *of(s4, s6)))
        s4.connect()
        s6.connect()
        s4.announce(THEIRS4, [64502, 64601], med=5,
                    communities=["64502:1"])
        s6.announce(THEIRS6, [64502, 64601],
                    next_hop=[other.addr6, other.link_local()])
        member = daemon(kind, node, 64501, OURS)

        def crossed(who):
            member.wait_up()
            for addr in (node.addr4, node.addr6):
                spean.wait_state(addr)
            member.wait_routes(THEIRS4 + THEIRS6)
            s4.wait_prefixes(OURS)
            s6.wait_prefixes(OURS)
            r = member.routes()[THEIRS4[0]]
            path = [int(x) for x in str(r["as_path"]).replace(
                "[", " ").replace(",", " ").replace("]", " ").split()]
            equal(path, [64502, 64601], f"path at {kind}, {who}")
            hop = r["next_hop"]
            hop = hop[0] if isinstance(hop, list) else hop
            equal(hop.split()[0], other.addr4, f"next hop at {kind}, {who}")

        crossed("at first")
        s4.withdraw(THEIRS4[1])
        member.wait_routes(THEIRS4[:1] + THEIRS6)
        s4.announce(THEIRS4, [64502, 64601])
        crossed("after a withdrawal")

        def began(addr):
            row = spean.session(addr)
            return row["flaps"], row["state"]

        before = began(node.addr4)
        member.reset()
        # gobgp keeps idle for half a minute after a reset of its own.
        wait_until(lambda: began(node.addr4) != before
                   and began(node.addr4)[1] == "established", 60,
                   f"the session to come back after {kind}'s reset")
        crossed("after a reset")

        member.stop()
        wait_until(lambda: spean.session(node.addr4)["state"]
                   != "established", 15, "the session to end")
        member.start()
        crossed("after a restart")


def test_bird2():
    interop("bird2")


def test_frr():
    interop("frr")


def test_openbgpd():
    interop("openbgpd")


def test_gobgp():
    interop("gobgp")


def test_exabgp():
    interop("exabgp")


for _f in (test_bird2, test_frr, test_openbgpd, test_gobgp, test_exabgp):
    _f.limit_s = 150
