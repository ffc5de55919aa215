"""Several processes of one role do as one."""
import time

from lib import Lab, Spean, bgp, check, config, equal, wait_until
from lib.model import Announcement, Keeper, settle
from lib.spean import Member, of


class Scene:
    def __init__(self, lab, cores, n=8, **directives):
        self.members = [Keeper(lab.node(f"m{i}"), 64501 + i,
                               extra_caps=[bgp.cap_gr(60, [bgp.V4])]
                               if i % 2 else [])
                        for i in range(n)]
        blocks = [b for m in self.members for b in of(m, **directives)]
        self.spean = Spean(lab, config(
            *blocks, exchange=f"{cores} selection-deferral 10s; "
                              "connect-retry 5s;"))
        for m in self.members:
            m.keep()
        self.wait_up()
        for m in self.members:
            m.lost = 0

    def wait_up(self):
        wait_until(lambda: all(m.established for m in self.members), 40,
                   lambda: "members up: "
                   + str([m.established for m in self.members]))

    def announce(self, per_member=50):
        for i, m in enumerate(self.members):
            mine = [f"10.{i}.{k}.0/24" for k in range(per_member)]
            mine += [f"10.200.{k}.0/24" for k in range(per_member)]
            path = [m.asn] + [64900 + i] * (i % 3)
            with m.alone:
                for p in mine:
                    m.mine[p] = Announcement(path)
                m.announce(mine, path)


def test_an_instance_lost_is_its_peers_loss_alone():
    with Lab() as lab:
        x = Scene(lab, "session-instances 3;")
        x.announce()
        settle(x.members, 60)
        hit = set()
        names = ["session", "session-2", "session-3"]
        check(all(n in x.spean.roles() for n in names), x.spean.roles())
        for name in names:
            for m in x.members:
                m.lost = 0
            others = {r: p for r, p in x.spean.roles().items() if r != name}
            old = x.spean.kill(name)
            x.spean.wait_back(name, old)
            time.sleep(0.5)
            mine = {m.asn for m in x.members if m.lost}
            check(not mine & hit, f"{name}: {mine}, earlier ones {hit}")
            hit |= mine
            x.wait_up()
            equal({r: p for r, p in x.spean.roles().items() if r != name},
                  others, "the other roles lived on")
        equal(hit, {m.asn for m in x.members}, "each member has an instance")
        settle(x.members, 60)


def test_answers_are_put_together():
    with Lab() as lab:
        x = Scene(lab, "session-instances 4;")
        x.announce(20)
        settle(x.members, 60)
        rows = x.spean.query("show", "sessions")
        equal([r["member_asn"] for r in rows],
              [m.asn for m in x.members], "sorted by ASN")
        equal([r["families"]["ipv4"]["received"] for r in rows],
              [40] * len(x.members), "received")
        status = x.spean.query("show", "status")[0]
        equal(status["session"]["sessions"], len(x.members), "sessions")
        equal(status["session"]["established"], len(x.members), "established")
        check(status["session"]["engine"], "the engine is there")
        equal([r["role"] for r in status["roles"]][:6],
              ["parent", "session", "session-2", "session-3", "session-4",
               "engine"], "roles")
        equal(len(x.spean.query("show", "members")), len(x.members),
              "members")


def test_a_change_of_their_number_needs_a_restart():
    with Lab() as lab:
        x = Scene(lab, "session-instances 2;", n=2)
        text = config(*of(*x.members), exchange="session-instances 3;")
        out = x.spean.run("apply", "-c", lab.write("new.conf", text))
        equal(out[0], 1, "exit code")
        check("'session-instances' changes with a restart only (now 2)"
              in out[1] + out[2], out)
        equal([m.lost for m in x.members], [0, 0], "nobody notices")
        text = config(*of(*x.members), Member(64999, "192.0.2.99"),
                      exchange="session-instances 2;")
        x.spean.apply(text)
        check("192.0.2.99" in x.spean.sessions(), "a new member is there")
