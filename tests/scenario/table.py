"""A whole Internet table under `strict`: it crosses, and it comes back after
each role was killed in the middle of it."""
import os
import re
import time

from lib import Lab, Spean, check, config, equal, wait_until
from lib.members import daemon
from lib.spean import BINARY, TOP, Member

TABLE = str(TOP / "examples" / "ipasn_20140513.dat.gz")


class Crossing:
    """One member plays the table; two bird2 take it."""

    def __init__(self, lab):
        m = lab.node("m")
        nodes = [lab.node("b1"), lab.node("b2")]
        self.spean = Spean(lab, config(
            Member(64501, m.addr4), *[Member(64502 + i, n.addr4)
                                      for i, n in enumerate(nodes)],
            policy="preset strict;",
            exchange="selection-deferral 15s; connect-retry 5s;"))
        self.birds = [daemon("bird2", n, 64502 + i, [], families=(4,),
                             gr=i == 0) for i, n in enumerate(nodes)]
        for b in self.birds:
            b.wait_up()
        self.player = m.spawn("play", [
            BINARY, "play", TABLE, "--to", "192.0.2.1", "--as", "64501",
            "--from", m.addr4, "--retry", "--quiet"])
        self.m = m

    def counts(self):
        out = []
        for b in self.birds:
            n = re.search(r"(\d+) of (\d+) routes",
                          b.birdc("show", "route", "count"))
            out.append(int(n.group(1)) if n else 0)
        return out

    def accepted(self):
        row = self.spean.session(self.m.addr4)
        return row["families"].get("ipv4", {}).get("accepted", 0)

    def wait_all(self, want=None, timeout=60):
        """Until both hold what is accepted, and that no longer grows."""
        last = [None]

        def same():
            n = self.accepted()
            now = [n] + self.counts()
            calm = now == last[0]
            last[0] = now
            return calm and n > 400000 and set(now) == {want or n}
        wait_until(same, timeout, lambda: f"{want or 'all'}: {last[0]}",
                   every=0.5)
        return last[0][0]


def test_a_whole_table_and_killed_roles():
    with Lab() as lab:
        x = Crossing(lab)
        n = x.wait_all()
        check(n > 480000, f"{n} accepted under strict")
        refused = x.spean.session(x.m.addr4)["families"]["ipv4"]["rejected"]
        equal(n + refused, 512621, "accepted and refused")
        rows = x.spean.routes("--rejected")
        equal(len(rows), refused, "refused routes, shown")
        check(all(r["reason"] for r in rows), "each has a reason")
        for role, wait in (("api", 0), ("engine", 0), ("session", 0),
                           ("engine", 1.5), ("session", 1.5)):
            time.sleep(wait)  # into the middle of the next load
            old = x.spean.kill(role)
            x.spean.wait_back(role, old)
            if wait == 0:
                x.wait_all(n)
        x.wait_all(n)
        check(os.path.exists(f"/proc/{x.spean.process.pid}"), "the parent")


test_a_whole_table_and_killed_roles.limit_s = 400
