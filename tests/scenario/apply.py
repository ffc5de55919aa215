"""Changing the configuration of a running exchange."""
import re
import time

from lib import Lab, Speaker, Spean, bgp, check, config, equal, wait_until
from lib.model import Keeper, Load, settle
from lib.spean import BINARY, Member, of

P = "198.51.100.0/24"
Q = "203.0.113.0/24"


class Scene:
    """Two members with a route each; nothing may happen to their sessions."""

    def __init__(self, lab, **kw):
        self.lab = lab
        self.a = Speaker(lab.node("a"), 64501)
        self.b = Speaker(lab.node("b"), 64502)
        self.base = of(self.a, self.b)
        self.spean = Spean(lab, config(*self.base, **kw))
        for s, p in ((self.a, P), (self.b, Q)):
            s.connect()
            s.announce(p)
        self.a.wait_prefixes([Q])
        self.b.wait_prefixes([P])
        self.a.steady()
        self.count = self.updates()

    def updates(self):
        return [len([m for m in s.messages if m[1] == bgp.UPDATE])
                for s in (self.a, self.b)]

    def untouched(self):
        """Neither session was reset, nor was it told anything new."""
        check(self.a.established and self.b.established, "a session was lost")
        equal(self.updates(), self.count, "UPDATEs to the untouched members")


def test_add_change_remove_members():
    """Members come and go; the sessions of the others do not notice."""
    with Lab() as lab:
        x = Scene(lab)
        c = Speaker(lab.node("c"), 64503)
        x.spean.apply(config(*x.base, *of(c, max_prefix="100, 100")))
        c.connect()
        c.wait_prefixes([P, Q])
        x.spean.apply(config(*x.base, *of(c, max_prefix="200, 100")))
        time.sleep(0.5)
        check(c.established, "a new max-prefix reset the session")
        x.untouched()
        c.announce("198.51.102.0/24")
        x.a.wait_prefixes([Q, "198.51.102.0/24"])
        x.spean.apply(config(*x.base))
        code = c.wait_closed()
        check(code and code[0] == 6, f"NOTIFICATION {code}")
        x.a.wait_prefixes([Q])
        x.b.wait_prefixes([P])
        check(x.a.established and x.b.established, "a session was lost")
        rows = x.spean.query("show", "members")
        equal([r["asn"] for r in rows], [64501, 64502], "members")


def test_policy_change_without_reset():
    """Another policy is applied to what is held; no session is reset."""
    with Lab() as lab:
        x = Scene(lab)
        x.a.announce("198.51.102.0/25")
        x.b.wait_prefixes([P, "198.51.102.0/25"])
        x.spean.apply(config(*x.base, policy="preset strict;"))
        # Under strict both are bogons, by ASN or prefix.
        x.b.wait_prefixes([])
        rows = x.spean.routes("--rejected")
        equal(len(rows), 3, "refused routes that are kept")
        check(all(r["reason"] for r in rows), "each has its reason")
        x.spean.apply(config(*x.base))
        x.b.wait_prefixes([P, "198.51.102.0/25"])
        x.a.wait_prefixes([Q])
        check(x.a.established and x.b.established, "a session was lost")


def test_prefix_set_change():
    """A member's prefix set decides at once about what it announced."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 3333)
        b = Speaker(lab.node("b"), 2121)
        nets = ["193.0.0.0/21", "193.0.22.0/23"]
        spean = Spean(lab, config(*of(a, b), policy="preset strict;"))
        a.connect()
        b.connect()
        a.announce(nets)
        b.wait_prefixes(nets)
        spean.apply(config(*of(a, prefix=nets[0]), *of(b),
                           policy="preset strict;"))
        b.wait_prefixes(nets[:1])
        equal(spean.route(nets[1])["reason"], "prefix_not_registered",
              "reason")
        spean.apply(config(*of(a, prefix=[nets[0], nets[1]]), *of(b),
                           policy="preset strict;"))
        b.wait_prefixes(nets)
        check(a.established and b.established, "a session was reset")


TEN_FAULTS = """exchange "X" {
	asn 4294967296;
	router-id 192.0.2.300;
	listn 192.0.2.1;
	listen 192.0.2.1;
	lan 192.0.2.0/33;
	hold 2s;
}
polcy { preset strict; }
policy { preset strickt; max-path 0; }
member "A" {
	asn 64501;
	at 192.0.2.999;
	max-prefix many;
	prefix 203.0.113.1/24;
}
"""


def test_ten_faults():
    """Ten faults, ten positions; and nothing changes."""
    with Lab() as lab:
        x = Scene(lab)
        path = lab.write("bad.conf", TEN_FAULTS)
        code, out, err = x.spean.run("check", "-c", path)
        equal(code, 1, "exit code of check")
        found = re.findall(rf"^{re.escape(path)}:(\d+):(\d+): (.+)$",
                           out + err, re.M)
        lines = [int(f[0]) for f in found]
        for want in (2, 3, 4, 6, 7, 9, 10, 13, 14, 15):
            check(want in lines, f"line {want} is not named in {out}{err}")
        check(len(found) >= 10, f"{len(found)} errors")
        check("listen" in out + err, "a suggestion for the misspelt word")
        code, out, err = x.spean.run("apply", "-c", path)
        equal(code, 1, "exit code of apply")
        again = re.findall(rf"^{re.escape(path)}:(\d+):(\d+): ", out + err,
                           re.M)
        equal([(l, c) for l, c in again], [f[:2] for f in found],
              "the same positions from apply")
        x.untouched()
        rows = x.spean.query("show", "members")
        equal([r["asn"] for r in rows], [64501, 64502], "members")


def test_thousand_members():
    """A thousand members at once: fast, and the others do not notice."""
    with Lab() as lab:
        lan = "192.0.2.0/24, 2001:db8:100::/64, 10.7.0.0/16"
        x = Scene(lab, lan=lan)
        many = [Member(60001 + i, f"10.7.{i // 250}.{i % 250 + 1}",
                       prefix=[f"10.{100 + i // 250}.{i % 250}.0/24"])
                for i in range(1000)]
        start = time.monotonic()
        x.spean.apply(config(*x.base, *many, lan=lan))
        took = time.monotonic() - start
        check(took < 3, f"apply of 1,000 members took {took:.2f} s")
        equal(len(x.spean.query("show", "members")), 1002, "members")
        x.untouched()
        start = time.monotonic()
        x.spean.apply(config(*x.base, *many[:500], lan=lan))
        took = time.monotonic() - start
        check(took < 3, f"removing 500 took {took:.2f} s")
        equal(len(x.spean.query("show", "members")), 502, "members")
        x.untouched()


def test_confirm_and_undo():
    """--confirm undoes itself; confirm keeps; undo goes back."""
    with Lab() as lab:
        x = Scene(lab)
        c = Member(64503, "192.0.2.99")

        def members():
            return [r["asn"] for r in x.spean.query("show", "members")]
        x.spean.apply(config(*x.base, c), "--confirm", "2s")
        equal(members(), [64501, 64502, 64503], "applied")
        wait_until(lambda: members() == [64501, 64502], 10,
                   "the change to undo itself", every=0.2)
        x.spean.apply(config(*x.base, c), "--confirm", "3s")
        x.spean.cli("confirm")
        time.sleep(4)
        equal(members(), [64501, 64502, 64503], "confirmed, and it stays")
        x.spean.cli("undo")
        equal(members(), [64501, 64502], "undone")
        x.untouched()


def test_diff_changes_nothing():
    """diff says what would change for whom, and that is all."""
    with Lab() as lab:
        x = Scene(lab)
        path = lab.write("new.conf", config(
            *of(x.a, max_prefix="7, 7"), Member(64503, "192.0.2.99")))
        rows = x.spean.query("diff", "-c", path)
        text = str(rows)
        for word in ("64501", "64502", "64503"):
            check(word in text, f"{word} is not in the diff: {text}")
        x.untouched()
        equal([r["asn"] for r in x.spean.query("show", "members")],
              [64501, 64502], "members")


def test_check_accepts_the_example():
    """The same text that runs is fine by check; a missing file is not."""
    with Lab() as lab:
        path = lab.write("good.conf", config(Member(64501, "192.0.2.9")))
        lab.rs.run(BINARY, "check", "-c", path)
        x = Spean(lab, config(), start=False)
        equal(x.run("check", "-c", "/nonexistent")[0], 3, "exit code")
        equal(x.run("show", "nonsense")[0], 2, "exit code of misuse")
        equal(x.run("show", "sessions")[0], 3, "exit code without a daemon")


def test_start_uses_the_file():
    """A start uses -c; a file that cannot be parsed does not start."""
    with Lab() as lab:
        spean = Spean(lab, config(Member(64501, "192.0.2.9")))
        spean.apply(config(Member(64502, "192.0.2.9")))
        spean.restart()
        equal([r["asn"] for r in spean.query("show", "members")], [64501],
              "members after a start")
        spean.stop()
        lab.write("spean.conf", TEN_FAULTS)
        p = lab.rs.spawn("bad", [BINARY, "run", "-c", spean.conf,
                                 "--run-dir", spean.run_dir, "--state-dir",
                                 spean.state_dir])
        wait_until(lambda: not p.running(), 10, "it to end")
        equal(p.popen.returncode, 1, "exit code")
        check("spean.conf:2:" in p.text(), "positions in its output")


def test_new_listen_address():
    """A listening address can be added while it runs."""
    with Lab() as lab:
        x = Scene(lab, listen="192.0.2.1")
        c = Speaker(lab.node("c"), 64503)
        six = Speaker(c.node, 64503, addr=c.node.addr6)
        x.spean.apply(config(*x.base, *of(six)))
        six.connect()
        x.untouched()


def test_changes_under_load():
    """Policies, members and their sets change while routes come and go;
    in the end every client holds what a naive twin says."""
    with Lab() as lab:
        asns = (3333, 2121, 1103, 1853)
        keepers = [Keeper(lab.node(f"m{i}"), a) for i, a in enumerate(asns)]
        guest = Keeper(lab.node("guest"), 1955)
        strict = "preset strict; "
        base = of(*keepers)
        spean = Spean(lab, config(*base, policy=strict))
        for k in keepers:
            k.keep()
        wait_until(lambda: all(k.established for k in keepers), 20, "all up")
        for k in keepers:
            k.lost = 1  # a slow start is none of our business
        prefixes = [f"193.{i // 200}.{i % 200}.0/24" for i in range(400)]
        load = Load(keepers, prefixes, hops=[12041, 12042, 12043])
        others = (strict + "max-path 2;", strict + "max-communities 0;",
                  strict + "prefix-length ipv4 8-23;", "preset open;", strict)
        for n in range(2):
            for policy in others:
                spean.apply(config(*base, policy=policy))
                time.sleep(0.2)
            spean.apply(config(*base, *of(guest), policy=strict))
            guest.connect()
            spean.apply(config(
                *of(keepers[0], prefix=["193.0.0.0/16 le 24"]),
                *of(*keepers[1:]), policy=strict))
            spean.apply(config(*base, policy=strict))
            guest.wait_closed()
        load.stop()
        settle(keepers)
        equal([k.lost for k in keepers], [1] * 4, "connections of each")
