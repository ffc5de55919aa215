"""Monitoring feeds: pmbmpd, tshark and bgpdump read what we say, and it is
exactly what members announced; nobody who reads slowly is waited for."""
import collections
import os
import struct
import subprocess
import threading
import time

from lib import Lab, Spean, bgp, check, config, equal, wait_until
from lib.spean import BINARY, Member, of
from lib.speaker import Speaker
from lib.station import PORT, Station, feeds, many
from lib.tap import Tap

def bgpdump(path):
    r = subprocess.run(["bgpdump", "-m", path], text=True,
                       capture_output=True, timeout=60)
    equal(r.returncode, 0, f"exit code of bgpdump {path}: {r.stderr}")
    check("error" not in r.stderr.lower(), f"bgpdump: {r.stderr}")
    return [line.split("|") for line in r.stdout.splitlines()]


def test_a_station_hears_of_100_thousand_routes():
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = Speaker(lab.node("b"), 64502,
                    extra_caps=[bgp.cap_add_path(2, bgp.V4)])
        node = lab.node("station")
        station = Station(node)
        tap = Tap(lab.rs, filter_=f"tcp port {PORT}")
        text = config(Member(64501, a.addr, a.node.addr6),
                      *of(b, add_path="rx"),
                      policy="preset strict; transit-free 64499;")
        spean = Spean(lab, text + feeds(f"bmp {node.addr4} {{ stats 1s; }}"))
        a.connect()
        b.connect()
        prefixes = many(100000)
        a.announce(prefixes, path=[64501, 3356])
        a.announce([f"2a00:{i:x}::/32" for i in range(1, 1001)])
        a.announce("20.0.0.0/25")  # too long
        for path_id in (5, 6):
            b.announce(prefixes[:200], path=[64502, 100 + path_id],
                       path_id=path_id)
        wait_until(lambda: (station.count("post", a.addr) == 101000 and
                            station.count("pre", b.addr) == 400),
                   90, lambda: "all routes: " + str(
                       {k: len(v) for k, v in station.ribs().items()}),
                   every=2)
        ribs = station.ribs()
        equal({k: len(v) for k, v in ribs.items()},
              {("pre", a.addr): 101001, ("post", a.addr): 101000,
               ("pre", b.addr): 400, ("post", b.addr): 400,
               ("loc", "0.0.0.0"): 101000}, "routes by RIB")
        check(("20.0.0.0/25", None) in ribs["pre", a.addr],
              "the refused one is in pre-policy alone")
        one = ribs["pre", a.addr][prefixes[7], None]
        equal((one["as_path"], one["bgp_nexthop"], one["origin"]),
              ("64501 3356", a.addr, "i"), "a route's attributes")
        b.withdraw(prefixes[:100], path_id=5)
        a.close()
        wait_until(lambda: (station.count("pre", b.addr) == 300 and
                            station.count("loc", "0.0.0.0") == 200),
                   30, "what was taken away to go")
        seen = collections.Counter(
            m["bmp_msg_type"] for m in station.messages())
        equal((seen["init"], seen["peer_up"], seen["peer_down"]), (1, 3, 1),
              "Initiation, Peer Up of both and the Loc-RIB, Peer Down")
        wait_until(lambda: any(
            m["bmp_msg_type"] == "stats" and m["peer_ip"] == a.addr and
            m["counter_type"] == 0 and m["counter_value"] == 1
            for m in station.messages()), 5, "the count of refused routes")
        spean.stop()
        bad = [t for t in station.text().splitlines()
               if "WARN" in t or "ERROR" in t]
        equal(bad, [], "pmbmpd's complaints")
        equal(tap._tshark("-d", f"tcp.port=={PORT},bmp", "-Y",
                          "bmp and (_ws.malformed or "
                          "_ws.expert.severity >= 8388608)"), "",
              "what tshark finds malformed")


test_a_station_hears_of_100_thousand_routes.limit_s = 240


def test_dumps_give_back_what_was_announced():
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = Speaker(lab.node("b"), 64502, extra_caps=[
            bgp.cap_add_path(2, bgp.V4, bgp.V6)])
        mrt = lab.file("mrt")
        spean = Spean(lab, config(Member(64501, a.addr, a.node.addr6),
                                  Member(64502, b.addr, b.node.addr6,
                                         add_path="rx"),
                                  policy="preset strict;"
                                  " transit-free 64499;") +
                      feeds(f'mrt "{mrt}"; updates 1h;'))
        a.connect()
        b.connect()
        want = set()
        for i, p in enumerate(many(3000)):
            a.announce(p, path=[64501, 1000 + i % 7], med=i % 3,
                       communities=[f"64501:{i % 5}"] if i % 2 else ())
            want.add((a.addr, p, f"64501 {1000 + i % 7}", a.addr,
                      str(i % 3), f"64501:{i % 5}" if i % 2 else ""))
        six = [f"2a00:{i:x}::/32" for i in range(1, 501)]
        a.announce(six, path=[64501, 3356])
        want |= {(a.addr, p, "64501 3356", a.node.addr6, "0", "")
                 for p in six}
        b.announce("203.0.112.0/24", path_id=7)
        b.announce("203.0.112.0/24", path=[64502, 9], path_id=8)
        b.announce("2a01:5::/32", path_id=9)
        a.announce("20.0.0.0/25")  # too long
        wait_until(lambda: len(spean.routes()) == 3504, 20, "all routes")
        out = spean.cli("dump")
        table = [f for f in os.listdir(mrt) if f.startswith("rib.")]
        equal(len(table), 1, f"dumps ({out})")
        got = bgpdump(f"{mrt}/{table[0]}")
        of_a = {(f[3], f[5], f[6], f[8], f[10], f[11])
                for f in got if f[4] == "64501" and f[5] != "20.0.0.0/25"}
        equal(of_a, want, "a's routes in the dump")
        refused = [f for f in got if f[5] == "20.0.0.0/25"]
        equal(len(refused), 1, "the refused route is there")
        with open(f"{mrt}/{table[0]}", "rb") as f:
            equal(f.read().count(struct.pack(">III", 64500, 1101, 1)), 1,
                  "and its reason, as RS:1101:1")
        r = subprocess.run([BINARY, "play", f"{mrt}/{table[0]}", "--count"],
                           text=True, capture_output=True, timeout=60)
        equal(r.returncode, 0, r.stderr)
        paths = sorted(tuple(f[5:8]) for f in got if f[4] == "64502")
        equal(paths, [("203.0.112.0/24", "7", "64502"),
                      ("203.0.112.0/24", "8", "64502 9"),
                      ("2a01:5::/32", "9", "64502")],
              "b's paths, each with its path id")
        a.withdraw(six[:100])
        b.close()
        wait_until(lambda: len(spean.routes()) == 3401, 20, "routes to go")
        time.sleep(1)
        spean.stop()
        updates = [f for f in os.listdir(mrt) if f.startswith("updates.")]
        equal([f for f in os.listdir(mrt) if f.endswith(".part")], [],
              "files that are not finished")
        state, ups = {}, []
        for name in sorted(updates):
            for f in bgpdump(f"{mrt}/{name}"):
                if f[2] == "STATE":
                    ups.append((f[3], f[5], f[6]))
                elif f[2] == "A":
                    state[f[3], f[5]] = (f[6], f[8], f[10], f[11])
                elif f[2] == "W":
                    state.pop((f[3], f[5]))
        left = {(k[0], k[1], *v) for k, v in state.items()
                if k[0] == a.addr and k[1] != "20.0.0.0/25"}
        gone = {(a.addr, p, "64501 3356", a.node.addr6, "0", "")
                for p in six[:100]}
        equal(left, want - gone, "what the updates add up to")
        check((b.addr, "6", "1") in ups, f"b's session ended: {ups}")


class Deaf:
    """A station that accepts and reads only when it is told to."""

    def __init__(self, node, reset=False):
        self.got = 0
        self.accepted = 0
        self.reading = reset
        self.reset = reset
        self.listener = node.socket(2)
        self.listener.bind((node.addr4, PORT))
        self.listener.listen(4)
        node.lab.closers.append(self.listener.close)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                while not self.reset or self.got < 5000 * self.accepted:
                    if not self.reading:
                        time.sleep(0.05)
                        continue
                    data = s.recv(65536)
                    if not data:
                        break
                    self.got += len(data)
            except OSError:
                pass
            if self.reset:
                # A RST, with bytes unread.
                s.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")
            s.close()


def test_slow_and_broken_stations_delay_nobody():
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = Speaker(lab.node("b"), 64502)
        nodes = [lab.node(n) for n in ("deaf", "resets", "good", "nobody")]
        deaf = Deaf(nodes[0])
        resets = Deaf(nodes[1], reset=True)
        good = Station(nodes[2])
        spean = Spean(lab, config(*of(a, b)) + feeds(
            "bmp " + ", ".join(n.addr4 for n in nodes) + ";"))
        a.connect()
        b.connect()
        prefixes = many(20000)
        for med in range(4):
            a.announce(prefixes, med=med)
        b.wait_route(prefixes[-1], lambda r: r.med == 3, 30)
        wait_until(lambda: good.count("loc", "0.0.0.0") == 20000, 60,
                   "the good station", every=1)
        wait_until(lambda: resets.accepted > 1, 20,
                   "the one that resets to be tried again")
        old = spean.kill("monitor")
        a.announce(prefixes, med=7)
        spean.wait_back("monitor", old, 20)
        b.wait_route(prefixes[-1], lambda r: r.med == 7, 30)

        def meds():
            return {int(m.get("med", -1)) for m in
                    good.ribs()["loc", "0.0.0.0"].values()}

        wait_until(lambda: (good.count("pre", a.addr) == 20000 and
                            meds() == {7}), 60,
                   "the newest state after the kill", every=1)
        check(spean.memory("monitor") < 200 << 20, "its memory is bounded")
        lines = {x["station"]: x for x in spean.query("show", "monitoring")}
        equal(lines[nodes[3].addr4]["state"] in ("waiting", "connecting"),
              True, f"one that is not there: {lines}")
        check(lines[nodes[3].addr4]["error"], "says why")
        deaf.reading = True
        wait_until(lambda: not {
            x["station"]: x for x in spean.query("show", "monitoring")
        }[nodes[0].addr4]["prefixes_waiting"], 60,
            "the deaf one to get all once it reads")
        # Without the block the role is gone; with another one it is back.
        plain = config(*of(a, b))
        spean.apply(plain)
        wait_until(lambda: "monitor" not in spean.roles(), 10,
                   "the role to end")
        spean.apply(plain + feeds(f"bmp {nodes[2].addr4};"))
        wait_until(lambda: spean.roles().get("monitor"), 10,
                   "the role to come back")
        check(a.established and b.established, "no session was lost")


def test_a_full_disk_costs_only_the_dump():
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        mrt = lab.file("mrt")
        os.makedirs(mrt)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "mrt", mrt],
                       check=True)
        lab.closers.append(
            lambda: subprocess.run(["umount", "-l", mrt], check=False))
        spean = Spean(lab, config(*of(a)) +
                      feeds(f'mrt "{mrt}"; updates 1h;'))
        a.connect()
        a.announce(many(5000))
        wait_until(lambda: len(spean.routes()) == 5000, 20, "all routes")
        spean.cli("dump")
        first = [f for f in os.listdir(mrt) if f.startswith("rib.")]
        equal(len(first), 1, "the first dump")
        equal(len(bgpdump(f"{mrt}/{first[0]}")), 5000, "its routes")
        fill = os.open(f"{mrt}/fill", os.O_WRONLY | os.O_CREAT)
        try:
            while os.write(fill, b"x" * 4096):
                pass
        except OSError:
            pass
        os.close(fill)
        time.sleep(1.1)
        code, _, said = spean.run("dump")
        equal(code, 1, "exit code with a full disk")
        check("No space left" in said, f"it says so: {said}")
        a.announce(many(5000), med=3)
        time.sleep(1)
        os.unlink(f"{mrt}/fill")
        equal(len(bgpdump(f"{mrt}/{first[0]}")), 5000,
              "the old dump is as it was")
        spean.cli("dump")
        rows = spean.query("show", "monitoring")
        table = [x for x in rows if x["kind"] == "table"][0]
        equal(table["error"], None, "the error is over")

        def written():
            n = collections.Counter()
            for name in os.listdir(mrt):
                if name.startswith("updates."):
                    # One that is being written may end in the middle.
                    for f in bgpdump(f"{mrt}/{name}"):
                        if f[2] == "A":
                            n[f[2], f[10]] += 1
            return n

        wait_until(lambda: written()["A", "3"] == 5000, 25,
                   lambda: f"what changed meanwhile: {written()}", every=1)
        check(a.established, "the session lived on")
