"""`spean play` into a real daemon: bird2 takes the routes, and what it holds
is compared with what `bgpdump -m` says of the recording."""
import bz2
import gzip
import json
import os
import re
import signal
import subprocess
import time

from lib import Lab, check, equal, wait_until
from lib.net import need
from lib.spean import BINARY, TOP

DATA = TOP / "tests" / "data" / "mrt"
OWN = 64501
BIRD = """log "%(dir)s/log" all;
router id %(bird4)s;
protocol device {}
protocol bgp play {
  local %(local)s as 64500;
  neighbor %(peer)s as 64501;
  passive on; error wait time 1, 2;
  %(options)s
  ipv4 { import all; export none; %(ipv4)s };
  ipv6 { import all; export none; };
}
"""


class Taker:
    """A bird2 that waits for the player."""

    def __init__(self, lab, six=False, options="", ipv4=""):
        self.lab = lab
        self.bird, self.player = lab.node("bird"), lab.node("play")
        self.six = six
        self.dir = lab.file("bird")
        os.makedirs(self.dir)
        conf = lab.write("bird.conf", BIRD % {
            "dir": self.dir, "bird4": self.bird.addr4, "options": options,
            "ipv4": ipv4, "local": self.addr(self.bird),
            "peer": self.addr(self.player)})
        self.process = self.bird.spawn("bird", [
            "bird", "-f", "-c", conf, "-s", f"{self.dir}/ctl", "-P",
            f"{self.dir}/pid"])
        wait_until(lambda: "BGP" in self.birdc("show", "protocols"), 10,
                   "bird to answer")

    def addr(self, node):
        return node.addr6 if self.six else node.addr4

    def argv(self, path, *args):
        return [BINARY, "play", str(path), "--to", self.addr(self.bird),
                "--from", self.addr(self.player), "--as", str(OWN),
                *map(str, args)]

    def play(self, path, *args):
        """Starts it and waits until all was sent."""
        p = self.player.spawn("play", self.argv(path, *args))
        wait_until(lambda: "all sent" in p.text() or not p.running(), 60,
                   lambda: f"all to be sent:\n{p.text()}")
        return p

    def run(self, path, *args):
        """Plays to the end: (exit code, stdout, stderr)."""
        r = subprocess.run(
            self.player.argv(self.argv(path, *args)), text=True,
            capture_output=True, timeout=60)
        return r.returncode, r.stdout, r.stderr

    def birdc(self, *words):
        return self.bird.run("birdc", "-s", f"{self.dir}/ctl", *words,
                             fail=False)

    def routes(self):
        """{prefix: {attribute: text}}"""
        out, prefix = {}, None
        for line in self.birdc("show", "route", "all").splitlines():
            m = re.match(r"([0-9a-f:.]+/\d+) ", line)
            if m:
                prefix = m.group(1)
                check(prefix not in out, f"{prefix} is there twice")
                out[prefix] = {}
            m = re.match(r"\s+BGP\.([a-z_]+): ?(.*)", line)
            if m and prefix:
                out[prefix][m.group(1)] = m.group(2).strip()
        return out

    def wait_count(self, n, timeout=30):
        got = [0]

        def probe():
            got[0] = len(self.routes())
            return got[0] == n
        wait_until(probe, timeout, lambda: f"{n} routes, bird has {got[0]}",
                   every=0.3)
        return self.routes()


def lines(path):
    """The fields of bgpdump's lines, without those of ADD-PATH's ids."""
    out = subprocess.run([need("bgpdump"), "-m", str(path)], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for line in out.stdout.splitlines():
        f = line.split("|")
        if f[0].endswith("_AP"):
            del f[6]
        yield f


def as_path(text):
    """bgpdump's writing of an AS path, as bird's: {1,2} is {1 2}."""
    return text.replace(",", " ")


def compare(routes, want):
    """want: {prefix: fields of its line}"""
    equal(sorted(routes), sorted(want), "prefixes")
    for prefix, f in want.items():
        r = routes[prefix]
        equal(r["as_path"], f"{OWN} {as_path(f[6])}".strip(),
              f"{prefix}: AS path")
        equal(r["origin"].lower(), f[7].lower(), f"{prefix}: origin")
        if f[10] not in ("0", ""):
            equal(r.get("med"), f[10], f"{prefix}: MED")


def test_one_path_a_prefix_of_a_table():
    path = DATA / "bview.ipv4_unicast_add_path.gz"
    first = {}
    for f in lines(path):
        first.setdefault(f[5], f)
    with Lab() as lab:
        t = Taker(lab)
        t.play(path)
        routes = t.wait_count(len(first))
        compare(routes, first)
        for prefix, r in routes.items():
            equal(r["next_hop"], t.player.addr4, f"{prefix}: next hop")


def test_a_chosen_peer_of_a_table():
    path = DATA / "bview.64k_stream_overflow.gz"
    rows = list(lines(path))
    r = subprocess.run([BINARY, "play", path, "--count", "--json"],
                       capture_output=True, text=True)
    peers = json.loads(r.stdout)["peers"]
    chosen = [p for p in peers if p["rib_entries"]][3]
    want = {f[5]: f for f in rows if f[3] == chosen["address"]
            and f[4] == str(chosen["asn"])}
    equal(len(want), 1, "prefixes of that peer")
    with Lab() as lab:
        t = Taker(lab, six=True)
        t.play(path, "--peer", chosen["peer"])
        routes = t.wait_count(1)
        compare(routes, want)
        hop = next(iter(routes.values()))["next_hop"].split()[0]
        equal(hop, t.player.addr6, "next hop")


def test_updates_end_as_recorded():
    path = DATA / "updates.20100722.2015.gz"
    want = {}
    for f in lines(path):
        if ":" in f[5]:
            continue  # this session has no next hop for them
        if f[2] == "A":
            want[f[5]] = f
        elif f[2] == "W":
            want.pop(f[5], None)
    with Lab() as lab:
        t = Taker(lab)
        t.play(path)
        compare(t.wait_count(len(want)), want)


def test_a_list_of_both_families():
    with Lab() as lab:
        t = Taker(lab)
        path = lab.write("list", "# mine\n203.0.113.0/24 65010\n"
                         "2001:db8:5::/48\tAS65011\n198.51.100.0/24 1.10\n")
        p = t.play(path, "--next-hop6", t.player.addr6)
        routes = t.wait_count(3)
        equal(routes["203.0.113.0/24"]["as_path"], f"{OWN} 65010", "path")
        equal(routes["198.51.100.0/24"]["as_path"], f"{OWN} 65546", "path")
        equal(routes["2001:db8:5::/48"]["as_path"], f"{OWN} 65011", "path")
        equal(routes["2001:db8:5::/48"]["next_hop"].split()[0],
              t.player.addr6, "next hop")
        # The peer asks again, and the session stays until ^C.
        t.birdc("reload", "in", "play")
        equal(len(t.wait_count(3)), 3, "after a refresh")
        check(p.running(), "it stays")
        p.send_signal(signal.SIGINT)
        equal(p.wait(5), 0, "exit code after ^C")
        t.wait_count(0)
        # Without a next hop they are left out, and it says so.
        p = t.play(path)
        t.wait_count(2)
        check("1 routes were left out" in p.text()
              and "--next-hop6" in p.text(), p.text())


def test_ipv4_over_ipv6_with_extended_next_hops():
    with Lab() as lab:
        t = Taker(lab, six=True, ipv4="extended next hop on;")
        path = lab.write("list", "203.0.113.0/24 65010\n")
        t.play(path)
        routes = t.wait_count(1)
        equal(routes["203.0.113.0/24"]["next_hop"].split()[0],
              t.player.addr6, "next hop")


def test_a_peer_with_old_asns():
    with Lab() as lab:
        t = Taker(lab, options="enable as4 off;")
        path = lab.write("list", "203.0.113.0/24 4200000000\n")
        t.play(path)
        routes = t.wait_count(1)
        # AS_TRANS was in AS_PATH, and bird put AS4_PATH in its place.
        equal(routes["203.0.113.0/24"]["as_path"], f"{OWN} 4200000000",
              "path")


def test_a_file_cut_short_is_played_as_far_as_it_goes():
    whole = gzip.decompress(
        (DATA / "bview.ipv4_unicast_add_path.gz").read_bytes())
    with Lab() as lab:
        t = Taker(lab)
        path = lab.file("cut.bz2")
        with open(path, "wb") as f:
            f.write(bz2.compress(whole[:len(whole) - 7]))
        code, out, err = t.run(path, "--exit-when-sent", "--json")
        equal(code, 1, f"exit code; {err}")
        check("cut short in record 32 at byte" in err
              and "is kept" in err, err)
        equal(json.loads(out)["announced"]["ipv4"], 30, "routes sent")


def test_pace_and_limit():
    with Lab() as lab:
        t = Taker(lab)
        path = lab.write("list", "".join(
            f"10.{i}.0.0/16 65010\n" for i in range(100)))
        start = time.monotonic()
        code, out, err = t.run(path, "--pace", "20/s", "--limit", 50,
                               "--exit-when-sent", "--json")
        took = time.monotonic() - start
        equal(code, 0, f"exit code; {err}")
        equal(json.loads(out)["announced"]["ipv4"], 50, "routes sent")
        check(2 <= took < 8, f"50 routes at 20/s took {took:.1f} s")


def test_a_refusal_is_told_in_words():
    with Lab() as lab:
        t = Taker(lab)
        path = lab.write("list", "203.0.113.0/24 65010\n")
        argv = t.argv(path)
        argv[argv.index("--as") + 1] = "64777"
        r = subprocess.run(t.player.argv(argv), text=True,
                           capture_output=True, timeout=30)
        equal(r.returncode, 1, f"exit code; {r.stderr}")
        check("bad peer" in r.stderr.lower(), r.stderr)
        # Nobody there at all.
        argv[argv.index("--to") + 1] = "192.0.2.99"
        argv += ["--port", "9"]
        r = subprocess.run(t.player.argv(argv), text=True,
                           capture_output=True, timeout=60)
        equal(r.returncode, 3, f"exit code; {r.stderr}")


def test_md5():
    with Lab() as lab:
        t = Taker(lab, options='password "sesame";')
        path = lab.write("list", "203.0.113.0/24 65010\n")
        secret = lab.write("secret", "sesame\n", 0o600)
        t.play(path, "--password-file", secret)
        t.wait_count(1)
