#!/usr/bin/env python3
"""Measures route servers from outside, over TCP; run.sh calls it.

    run.py -f TABLE -B BGPBLAST [-d DUT,...] [-s LINE,...] [-n ROUNDS]
           [-o FILE.jsonl]

Makes two network namespaces joined by a veth, for the device under test
(DUT) and the tester.  The tester is pinned to the last CPU; the DUT may use
all.  The rounds are interleaved: one of each DUT, then the next round.
"""
import argparse
import fcntl
import ipaddress
import json
import os
import queue
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import duts
import shares
import steady
import usage
from verdict import faults

LINES = {  # clients, mode, share, phases, more arguments of the tester
    "a": (2, "single", 1000000, "blast", ""),
    "a6": (2, "single", 1000000, "blast", "-6"),
    "b": (20, "split", 50000, "blast,flap,join,churn", "-e 7"),
    "c": (10, "same", 200000, "blast", ""),
    "d": (100, "split", 10000, "blast", "-e 37"),
    # d, one route in ten with control communities, 20 prefix sets
    "e": (100, "split", 10000, "blast", "-e 37 -c -R 20"),
    # a policy is changed while d's routes stand
    "f": (100, "split", 10000, "blast,change", "-e 37 -r 1000 -k 5 -x 8"),
    "h": (1000, "split", 1000, "blast,flap,join,churn",
          "-A 4200000001 -e 397 -r 500 -t 20"),
    # memory: 100 k and 1.0 M prefixes with one path, 100 k with ten, and
    # all with one attribute set a client; then the 1.0 M with theirs
    "g1": (10, "single", 100000, "blast", "-u"),
    "g2": (10, "single", 1000000, "blast", "-u"),
    "g3": (10, "same", 100000, "blast", "-u"),
    "g4": (10, "single", 1000000, "blast", ""),
    "idle": (1000, "single", 1, "idle", "-A 4200000001 -t 30"),
    # 10^4 flaps of 5 k routes, and what grows meanwhile (steady.py)
    "steady": (20, "split", 10000, "steady", "-F 10000"),
    "s": (4, "split", 5000, "blast,flap,join,churn",  # does it work?
          "-t 5 -r 500"),
    "sc": (4, "same", 5000, "blast", ""),
    "se": (40, "split", 1000, "blast", "-c -R 20"),
    "sf": (20, "split", 2000, "blast,change", "-r 500 -k 5 -x 8"),
    "ss": (20, "split", 10000, "steady", "-F 200"),
}
# How long a phase of a slow server may take, s; it may not finish then.
CAPS = {"d": 300, "e": 240, "f": 300, "h": 100}
TAG = f"bench{os.getpid()}"
NS_DUT, NS_TESTER = f"{TAG}-dut", f"{TAG}-tst"
CPU = os.cpu_count() - 1


def sh(*argv, **kw):
    return subprocess.run(argv, check=True, **kw)


def address(i):
    return str(ipaddress.IPv4Address("10.99.1.1") + i)


MAC_TESTER = "02:00:00:00:00:02"


def net_up(n):
    for ns in (NS_DUT, NS_TESTER):
        sh("ip", "netns", "add", ns)
    sh("ip", "link", "add", "bench0", "netns", NS_DUT, "type", "veth",
       "peer", "name", "bench1", "address", MAC_TESTER, "netns", NS_TESTER)
    dut = [f"addr add {duts.IP}/16 dev bench0",
           f"addr add {duts.IP6}/64 dev bench0 nodad",
           "link set lo up", "link set bench0 up"]
    # A thousand neighbours that are learnt are near the kernel's limit, which
    # all namespaces share; permanent ones do not count.
    dut += [f"neigh add {address(i)} lladdr {MAC_TESTER} dev bench0 "
            "nud permanent" for i in range(n)]
    tester = ["link set lo up", "link set bench1 up"]
    for i in range(n):
        tester += [f"addr add {address(i)}/16 dev bench1",
                   f"addr add fd99::{i + 1:x}/64 dev bench1 nodad"]
    for ns, lines in ((NS_DUT, dut), (NS_TESTER, tester)):
        sh("ip", "-n", ns, "-b", "-", input="\n".join(lines) + "\n",
           text=True)


def net_down():
    for ns in (NS_DUT, NS_TESTER):
        subprocess.run(["ip", "netns", "del", ns], capture_output=True)


class Changes(threading.Thread):
    """Lines with a change of policy: away with some routes, and back."""

    def __init__(self, dut, d, job):
        super().__init__(daemon=True)
        self.dut, self.d, self.job = dut, d, job
        self.moved = queue.Queue()  # when the last client had it all
        self.settled_s = []
        self.took_s = []
        self.error = None

    def run(self):
        time.sleep(2)
        for limit in (self.job.touch, self.job.max_communities):
            t = time.monotonic()
            r = self.dut.change(self.d, self.job, limit)
            self.took_s.append(round(time.monotonic() - t, 4))
            if r.returncode:
                self.error = r.stdout + r.stderr
                return
            self.settled_s.append(round(self.moved.get() - t, 4))
            time.sleep(1)


def prefer(p, nice):
    """Nice counts only within a session (sched_autogroup): say it there too."""
    try:
        with open(f"/proc/{p.pid}/autogroup", "w") as f:
            f.write(nice)
    except OSError:
        pass  # a kernel without


def end(p):
    pids = usage.tree(p.pid)
    for x in pids:
        try:
            os.kill(x, signal.SIGTERM)
        except OSError:
            pass
    try:
        p.wait(10)
    except subprocess.TimeoutExpired:
        for x in usage.tree(p.pid):
            try:
                os.kill(x, signal.SIGKILL)
            except OSError:
                pass
        p.wait()


def show(res, phase, e):
    more = " ".join(f"{k}={v}" for k, v in e.items()
                    if v != "" and k not in ("t", "cpu", "mb", "tend",
                                             "roles"))
    print(f"{res['dut']:16}{res['line']:5}#{res['round']} {phase:10} "
          f"{e['t']:8.3f} s cpu {e['cpu']:6.2f} s {e['mb']:7.1f} MB {more}",
          flush=True)


class Job:
    """What the servers' configurations depend on."""

    def __init__(self, args, line):
        n, self.mode, self.share, self.phases, more = LINES[line]
        self.more = more.split()
        base = int(self.option("-A", 65001))
        self.clients = [(address(i), base + i) for i in range(n)]
        self.v6 = "-6" in self.more
        self.control = "-c" in self.more
        self.touch = int(self.option("-x", 0))
        self.max_communities = 100
        self.registered = {}  # client: its prefixes
        if "-R" in self.more:
            self.read_registered(args)

    def option(self, name, otherwise):
        if name not in self.more:
            return otherwise
        return self.more[self.more.index(name) + 1]

    def tester(self, args):
        return [args.blast, "-f", args.table, "-d", duts.IP, "-p",
                str(duts.PORT), "-n", str(len(self.clients)), "-m",
                self.mode, "-s", str(self.share), *self.more]

    def read_registered(self, args):
        r = sh(*self.tester(args), "-L", stdout=subprocess.PIPE, text=True)
        for text in r.stdout.splitlines():
            i, prefix = text.split()
            self.registered.setdefault(int(i), []).append(prefix)


class Run:
    """One DUT on one line, once."""

    def __init__(self, args, dut, line, number):
        self.args = args
        self.dut = dut
        self.line = line
        self.job = Job(args, line)
        self.res = {"dut": dut.name, "line": line, "round": number,
                    "phases": {}}
        self.phases = ",".join(
            x for x in (args.phases or self.job.phases).split(",")
            if not dut.phases or x in dut.phases)
        self.p = self.memory = self.tester = self.changes = None
        self.perf = None
        self.steady = steady.Steady()

    def start(self, d):
        a = self.args
        net_up(len(self.job.clients))
        self.dut.config(d, self.job)
        self.log = open(f"{d}/out", "w")
        enter = ["nice", "-n", a.nice, "nsenter"]
        on = ["taskset", "-c", a.cpus] if a.cpus else []
        self.p = subprocess.Popen(
            [*enter, f"--net=/run/netns/{NS_DUT}", *on, *self.dut.cmd(d)],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            cwd=d, start_new_session=True)
        prefer(self.p, a.nice)
        time.sleep(1.5)
        self.memory = usage.Memory(self.p.pid)
        self.memory.start()
        if a.build:
            self.perf = shares.Perf(usage.tree(self.p.pid), d)
        limit = a.timeout or CAPS.get(self.line, 300)
        self.tester = subprocess.Popen(
            [*enter, f"--net=/run/netns/{NS_TESTER}", "taskset", "-c",
             str(a.tester_cpu), *self.job.tester(a), "-P", self.phases, "-T",
             str(limit)], stdout=subprocess.PIPE, text=True,
            start_new_session=True)
        prefer(self.tester, a.nice)
        if "change" in self.phases:
            self.changes = Changes(self.dut, d, self.job)

    def used(self):
        """CPU seconds: of the DUT, of the tester, of all."""
        return (usage.cpu(self.p.pid), usage.cpu(self.tester.pid),
                usage.busy())

    def done(self, e, before):
        now = self.used()
        used = {p: s - before[0].get(p, 0) for p, s in now[0].items()}
        dut = sum(used.values())
        tester = sum(now[1].values()) - sum(before[1].values())
        roles = {}
        for p, s in used.items():
            name = usage.role(p)
            roles[name] = round(roles.get(name, 0) + s, 4)
        e.update(cpu=round(dut, 3), roles=roles, tester_cpu=round(tester, 3),
                 other_cpu=round(now[2] - before[2] - dut - tester, 2),
                 mb=round(self.memory.peak_mb(), 1),
                 pss_mb=round(usage.pss_mb(self.p.pid), 1))
        if self.memory.over:
            e["over_memory"] = 1
        if self.perf:
            self.res["perf"] = self.perf.end(self.args.build)
            self.perf = None
        phase = e.pop("phase")
        if phase == "change":
            e["settled_s"] = self.changes.settled_s
            e["apply_s"] = self.changes.took_s
            if self.changes.error:
                e["change_error"] = self.changes.error
        self.res["phases"][phase] = e
        show(self.res, phase, e)
        if phase == "steady":
            self.steady.lines(e)

    def follow(self):
        before = None
        for text in self.tester.stdout:
            e = json.loads(text)
            ev = e.pop("ev")
            if ev in ("error", "lost"):
                self.res.setdefault("errors", []).append(e)
            elif ev == "up":
                self.res["up_s"] = e["t"]
            elif ev == "start":
                before = self.used()
                if e["phase"] == "change":
                    self.changes.start()
            elif ev == "moved":
                self.changes.moved.put(e["at"])
            elif ev == "tick":
                self.steady.tick(self.p.pid, e)
            elif ev == "done":
                self.done(e, before)
        if self.tester.wait():
            self.res.setdefault("errors", []).append(
                {"tester": f"ended with {self.tester.returncode}"})

    def __call__(self):
        d = tempfile.mkdtemp(prefix=f"{TAG}-{self.dut.name}-{self.line}-")
        os.chmod(d, 0o755)
        try:
            self.start(d)
            self.follow()
        finally:
            if self.memory:
                self.memory.running = False
            if self.tester and self.tester.poll() is None:
                self.tester.kill()
            if self.perf:
                self.perf.p.terminate()
            if self.p:
                end(self.p)
            net_down()
        res = self.res
        wrong = faults(res)
        if wrong:
            print(f"{self.dut.name} {self.line}: FAILED:", "; ".join(wrong))
            for name in ("out", "log"):
                if os.path.exists(f"{d}/{name}"):
                    with open(f"{d}/{name}", errors="replace") as f:
                        print(f.read()[-1500:], flush=True)
        if not self.args.keep:
            shutil.rmtree(d, ignore_errors=True)
        return res


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("-d", dest="duts", default="spean,bird2")
    ap.add_argument("-s", dest="lines", default="a")
    ap.add_argument("-n", dest="rounds", type=int, default=1)
    ap.add_argument("-o", dest="out", default="results.jsonl")
    ap.add_argument("-f", dest="table", required=True)
    ap.add_argument("-B", dest="blast", required=True)
    ap.add_argument("-T", dest="timeout", type=int, default=0,
                    help="limit of a phase, s (300, or the line's own)")
    ap.add_argument("-c", dest="cpus", default="",
                    help="CPUs of the DUT, as taskset takes them; all")
    ap.add_argument("--tester-cpu", type=int, default=CPU,
                    help="the tester's; with -c of the same number, all run "
                    "on one")
    ap.add_argument("-P", dest="phases", default="",
                    help="these phases only")
    ap.add_argument("--perf", dest="build", default="",
                    help="the DUT's build folder: where its time goes")
    ap.add_argument("--nice", default="-20",
                    help="of DUT and tester, against noise by others")
    ap.add_argument("--beside", action="store_true",
                    help="let others measure meanwhile: no lock, nice -10")
    ap.add_argument("--keep", action="store_true",
                    help="keep the DUT's folder")
    a = ap.parse_args()
    lock = open("/run/spean-bench.lock", "w")
    if a.beside:
        a.nice = "-10"
    else:  # one bench at a time: two would measure each other
        fcntl.flock(lock, fcntl.LOCK_EX)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A thousand sessions: for DUT and tester alike.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    failed = 0
    for line in a.lines.split(","):
        for number in range(a.rounds):
            for name in a.duts.split(","):
                res = Run(a, duts.ALL[name](), line, number)()
                if a.cpus:
                    res["cpus"] = a.cpus
                    res["alone"] = str(a.tester_cpu) != a.cpus
                failed += bool(faults(res))
                with open(a.out, "a") as f:
                    f.write(json.dumps(res) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
