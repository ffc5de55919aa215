"""TCP-MD5 (RFC 2385) and GTSM (RFC 5082), seen on the wire."""
import time

from lib import Lab, LabError, Speaker, Spean, check, config, equal
from lib.members import daemon
from lib.spean import Member
from lib.tap import Tap

SECRET = "correct horse battery"


def protected(lab, speaker, what):
    return Spean(lab, config(Member(speaker.asn, (speaker.addr, what))))


def no_session(spean, speaker, seconds=4):
    try:
        speaker.connect(seconds)
    except LabError:
        pass
    check(not speaker.established, f"{speaker} came up")
    check(spean.session(speaker.addr)["state"] != "established", "state")


def md5_case(six):
    with Lab() as lab:
        node = lab.node("a")
        addr = node.addr6 if six else node.addr4
        s = Speaker(node, 64501, addr=addr, password=SECRET)
        spean = protected(lab, s, f'password "{SECRET}";')
        tap = Tap(lab.rs)
        s.connect()
        spean.wait_state(s.addr)
        word = "ipv6" if six else "ip"
        rs = lab.rs.addr6 if six else lab.rs.addr4
        rows = tap.fields(f"{word}.src == {rs} and {word}.dst == {addr} and "
                          "not tcp.flags.reset == 1", "tcp.options.md5.digest",
                          "tcp.flags.syn")
        check(len(rows) >= 3, f"{len(rows)} packets")
        unsigned = [r for r in rows if not r[0]]
        equal(unsigned, [], "our packets without a signature")
        s.abort()
        for password in ("wrong", None):
            s.password = password
            no_session(spean, s)
        s.password = SECRET
        s.connect(30)


def test_md5():
    md5_case(False)


def test_md5_ipv6():
    md5_case(True)


def test_md5_changed_by_apply():
    """A new password resets that session, and counts from then on."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501, password="one")
        b = Speaker(lab.node("b"), 64502)
        spean = Spean(lab, config(
            Member(a.asn, (a.addr, 'password "one";')),
            Member(b.asn, b.addr)))
        a.connect()
        b.connect()
        out = spean.apply(config(
            Member(a.asn, (a.addr, 'password "two";')),
            Member(b.asn, b.addr)))
        check("one" not in out.split('"') and "two" not in out.split('"'),
              f"the password is in the diff: {out}")
        a.wait_closed()
        a.password = "two"
        a.connect(40)
        check(b.established, "the other session was reset")


def test_md5_with_bird2():
    with Lab() as lab:
        node = lab.node("m")
        Spean(lab, config(
            Member(64501, (node.addr4, f'password "{SECRET}";'))))
        daemon("bird2", node, 64501, ["198.51.100.0/24"], families=(4,),
               password=SECRET).wait_up()


def gtsm_case(six):
    with Lab() as lab:
        node = lab.node("a")
        addr = node.addr6 if six else node.addr4
        s = Speaker(node, 64501, addr=addr, ttl=255)
        spean = protected(lab, s, "gtsm on;")
        tap = Tap(lab.rs)
        s.connect()
        spean.wait_state(addr)
        word, hops = ("ipv6", "ipv6.hlim") if six else ("ip", "ip.ttl")
        rs = lab.rs.addr6 if six else lab.rs.addr4
        rows = tap.fields(f"{word}.src == {rs} and {word}.dst == {addr}", hops)
        equal({r[0] for r in rows}, {"255"}, "TTL of our packets")
        s.abort()
        # From further away than the LAN: no session, whatever is said.
        s.ttl = 64
        no_session(spean, s)
        s.ttl = 255
        s.connect(30)


def test_gtsm():
    gtsm_case(False)


def test_gtsm_ipv6():
    gtsm_case(True)


def test_gtsm_stops_injection():
    """A RST or data of TTL 64 does not reach an established session."""
    with Lab() as lab:
        s = Speaker(lab.node("a"), 64501, ttl=255)
        spean = protected(lab, s, "gtsm on;")
        s.connect()
        import socket
        s.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64)
        s.announce("198.51.100.0/24")
        time.sleep(2)
        equal(spean.routes(), [], "routes from a TTL-64 packet")


def test_gtsm_with_bird2():
    with Lab() as lab:
        node = lab.node("m")
        Spean(lab, config(Member(64501, (node.addr4, "gtsm on;"))))
        daemon("bird2", node, 64501, ["198.51.100.0/24"], families=(4,),
               gtsm=True).wait_up()


def test_stranger_refused():
    """An address that no member has gets no session and no OPEN."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        x = Speaker(lab.node("x"), 64501)
        Spean(lab, config(Member(a.asn, a.addr)))
        a.connect()
        try:
            x.connect(3)
        except LabError:
            pass
        check(not x.established, "a stranger came up")
        equal(x.open, None, "what a stranger was told")
        check(a.established, "the member is still up")
