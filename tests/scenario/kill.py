"""Any role may die, or hang, at any moment: nobody holds a wrong route.

Members announce and withdraw at random while a role is killed.  When all is
calm again, the table of every client equals that of a naive twin.
"""
import signal
import time

from lib import Lab, Spean, bgp, check, config, equal, wait_until
from lib.model import Announcement, Keeper, Load, settle
from lib.net import alive
from lib.spean import of

PREFIXES = [f"198.{52 + i // 250}.{i % 250}.0/24" for i in range(400)]


class Scene:
    def __init__(self, lab):
        self.members = []
        blocks = []
        for i in range(6):
            # Two of them know graceful restart, four do not; one takes
            # all paths, one knows no 4-byte ASNs: journals of their own.
            caps = [bgp.cap_gr(60, [bgp.V4])] if i < 2 else []
            caps += [bgp.cap_add_path(1, bgp.V4)] if i == 4 else []
            m = Keeper(lab.node(f"m{i}"), 64501 + i, extra_caps=caps,
                       as4=i != 5)
            self.members.append(m)
            blocks += of(m, add_path="tx" if i == 4 else "off")
        self.spean = Spean(lab, config(
            *blocks,
            exchange="selection-deferral 10s; connect-retry 5s;"))
        for m in self.members:
            m.keep()
        wait_until(lambda: all(m.established for m in self.members), 20,
                   "all members up")
        for m in self.members:
            m.lost = 1  # a slow start is none of our business
        self.load = Load(self.members, PREFIXES)
        wait_until(lambda: self.load.changes > 500, 20, "some changes")

    def settle(self, timeout=60):
        self.load.stop()
        settle(self.members, timeout)


def killed(role, number=signal.SIGKILL, moments=(0.0, 0.31, 0.77)):
    with Lab() as lab:
        x = Scene(lab)
        others = {r: p for r, p in x.spean.roles().items() if r != role}
        for wait in moments:
            time.sleep(wait)
            old = x.spean.kill(role, number)
            x.spean.wait_back(role, old, 30)
            wait_until(lambda: all(m.established for m in x.members), 40,
                       lambda: "members back: "
                       + str([m.established for m in x.members]))
        x.settle()
        now = {r: p for r, p in x.spean.roles().items() if r != role}
        equal(now, others, "the other roles lived on")
        check(x.spean.process.running(), "the parent lives")
        return x.members


def test_engine_killed():
    killed("engine")


def test_session_killed():
    killed("session")


def test_api_killed():
    """The api role carries no session: nobody even notices."""
    members = killed("api")
    equal([m.lost for m in members], [1] * 6, "connections of each member")


def test_engine_hangs():
    killed("engine", signal.SIGSTOP, (0.2,))


def test_session_hangs():
    killed("session", signal.SIGSTOP, (0.2,))


def test_api_hangs():
    members = killed("api", signal.SIGSTOP, (0.2,))
    equal([m.lost for m in members], [1] * 6, "connections of each member")


def test_engine_and_session_killed_together():
    with Lab() as lab:
        x = Scene(lab)
        engine = x.spean.kill("engine")
        session = x.spean.kill("session")
        x.spean.wait_back("engine", engine)
        x.spean.wait_back("session", session)
        wait_until(lambda: all(m.established for m in x.members), 40,
                   "members back")
        x.settle()


def killed_in_a_dump(role):
    """A table of 10,000 is on its way in and out when the role dies."""
    with Lab() as lab:
        x = Scene(lab)
        many = [f"10.{i >> 8}.{i & 255}.0/24" for i in range(10000)]
        a = x.members[2]
        path = [a.asn, 64900]
        for n, at in enumerate((0, 3000, 7000)):
            with a.alone:
                for p in many:
                    a.mine[p] = Announcement(path)
                a.announce(many[:at + 1], path)
            old = x.spean.kill(role)
            x.spean.wait_back(role, old)
            wait_until(lambda: all(m.established for m in x.members), 40,
                       "members back")
            if n < 2:
                path = path + [64901]
        with a.alone:
            a.announce(many, path)
        for p in many:
            a.mine[p] = Announcement(path)
        x.settle()


def test_engine_killed_in_a_dump():
    killed_in_a_dump("engine")


def test_session_killed_in_a_dump():
    killed_in_a_dump("session")


def test_parent_killed():
    """Its children leave at once, without a NOTIFICATION; a start repairs."""
    with Lab() as lab:
        x = Scene(lab)
        children = x.spean.roles()
        x.spean.process.send_signal(signal.SIGKILL)
        wait_until(lambda: not any(alive(p) for p in children.values()), 5,
                   "the children to leave")
        said = [m.notification for m in x.members if m.notification]
        equal(said, [], "NOTIFICATIONs")
        x.spean.restart()
        wait_until(lambda: all(m.established for m in x.members), 40,
                   "members back")
        x.settle()


def test_member_lost_under_load():
    """A member that is cut off and comes back, again and again."""
    with Lab() as lab:
        x = Scene(lab)
        victim = x.members[3]  # without graceful restart
        for _ in range(3):
            victim.abort()
            time.sleep(1.2)
        wait_until(lambda: all(m.established for m in x.members), 60,
                   "members back")
        x.settle()


for _f in (test_engine_killed, test_session_killed, test_engine_hangs,
           test_session_hangs, test_parent_killed):
    _f.limit_s = 160
