#!/usr/bin/env python3
"""What the RPKI costs: its data loaded, routes judged, changes settled.

    bench/rpki.py VRPS.json        as rpki-client writes it (.bz2 too)

Starts stayrtr with the file and lets a bare reader, spean and bird2 take all of
it, in turn; then lets engine-bench judge the bench's table of routes by it.
Needs root: everything runs in a network namespace of its own.
"""
import argparse
import bz2
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
SPEAN = os.environ.get("SPEAN", str(BUILD / "spean"))
CACHE = ("127.0.0.1", 3323)
END_OF_DATA = 7
LIMIT_S = 60

SPEAN_CONF = """
exchange "bench" {{ asn 64999; router-id 10.99.0.1; listen 10.99.0.1;
	lan 10.99.0.0/16; }}
policy {{ preset open; rov reject; }}
rpki {{ cache {0}:{1}; }}
"""

BIRD_CONF = """
router id 10.99.0.1;
roa4 table r4;
roa6 table r6;
protocol device {{ }}
protocol rpki {{ roa4 {{ table r4; }}; roa6 {{ table r6; }};
	remote {0} port {1}; }}
"""


def load(path):
    opener = bz2.open if path.endswith(".bz2") else open
    with opener(path) as f:
        return json.load(f)


def for_stayrtr(data):
    """Without the dates, or it leaves out what has expired since."""
    roas = [{k: v for k, v in r.items() if k != "expires"}
            for r in data["roas"]]
    return {"metadata": {"buildtime": time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime())}, "roas": roas}


def write_lists(path, data):
    """For engine-bench; each once."""
    vrps = {(r["prefix"], r["maxLength"], r["asn"]) for r in data["roas"]}
    with open(path, "w") as f:
        for v in sorted(vrps):
            f.write("v %s %d %d\n" % v)
        for a in data.get("aspas", ()):
            f.write(f"a {a['customer_asid']} "
                    f"{' '.join(map(str, a['providers']))}\n")
    return len(vrps)


def wait(what, is_so):
    end = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > end:
            sys.exit(f"rpki: {what}: not within {LIMIT_S} s")
        time.sleep(.005)
    return time.monotonic()


def listens():
    try:
        socket.create_connection(CACHE, 1).close()
        return True
    except OSError:
        return False


def bare_reader():
    """The cache's own sending time: from the question to End of Data."""
    with socket.create_connection(CACHE) as s:
        start = time.monotonic()
        s.sendall(bytes([1, 2, 0, 0, 0, 0, 0, 8]))
        tail, n = b"", 0
        while True:
            more = s.recv(1 << 20)
            if not more:
                sys.exit("rpki: stayrtr closed the connection")
            n += len(more)
            tail = (tail + more)[-24:]
            if len(tail) == 24 and tail[1] == END_OF_DATA and tail[7] == 24:
                return time.monotonic() - start, n


def spean(d, count):
    """From its start; and from the role's being ready."""
    run, state = os.path.join(d, "run"), os.path.join(d, "state")
    for x in (run, state):
        shutil.rmtree(x, ignore_errors=True)
        os.mkdir(x)
    conf = os.path.join(d, "spean.conf")
    with open(conf, "w") as f:
        f.write(SPEAN_CONF.format(*CACHE))
    start = time.monotonic()
    p = subprocess.Popen(
        [SPEAN, "run", "-c", conf, "--run-dir", run, "--state-dir", state],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    took = None
    for line in p.stdout:
        if "engine rpki_data" in line:
            took = time.monotonic() - start
            break
    out = subprocess.run([SPEAN, "show", "rpki", "--json", "--run-dir", run],
                         capture_output=True, text=True, check=True).stdout
    have = json.loads(out.splitlines()[-1])
    p.terminate()
    p.communicate()
    if have["vrps_ipv4"] + have["vrps_ipv6"] != count:
        sys.exit(f"rpki: spean has {have}, not {count} VRPs")
    return took


def bird(d, count):
    conf, ctl = os.path.join(d, "bird.conf"), os.path.join(d, "bird.ctl")
    with open(conf, "w") as f:
        f.write(BIRD_CONF.format(*CACHE))
    start = time.monotonic()
    p = subprocess.Popen(["bird", "-f", "-c", conf, "-s", ctl])

    def has_all():
        out = subprocess.run(
            ["birdc", "-s", ctl, "show", "route", "count"],
            capture_output=True, text=True, check=False).stdout
        return any(l.startswith("Total:") and l.split()[1] == str(count)
                   for l in out.splitlines())
    took = wait("bird2 has all VRPs", has_all) - start
    p.terminate()
    p.wait()
    return took


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("vrps")
    ap.add_argument("-n", type=int, default=3, help="rounds")
    a = ap.parse_args()
    if os.environ.get("IN_NETNS") != "1":
        os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv],
                   {**os.environ, "IN_NETNS": "1"})
    os.environ["PATH"] += ":/usr/sbin"
    subprocess.run("ip link set lo up && ip addr add 10.99.0.1/16 dev lo",
                   shell=True, check=True)
    data = load(a.vrps)
    with tempfile.TemporaryDirectory(prefix="rpki-bench") as d:
        lists, cache = os.path.join(d, "lists"), os.path.join(d, "v.json")
        count = write_lists(lists, data)
        with open(cache, "w") as f:
            json.dump(for_stayrtr(data), f)
        rtr = subprocess.Popen(
            ["stayrtr", "-bind", "%s:%d" % CACHE, "-cache", cache,
             "-checktime=false", "-metrics.addr", "", "-loglevel", "error"])
        try:
            wait("stayrtr listens", listens)
            took = {"cache alone": [], "spean": [], "bird2": []}
            for _ in range(a.n):
                s, n = bare_reader()
                took["cache alone"].append(s)
                took["spean"].append(spean(d, count))
                took["bird2"].append(bird(d, count))
        finally:
            rtr.terminate()
            rtr.wait()
        print(f"load  {count} VRPs, {n / 1e6:.1f} MB")
        for who, t in took.items():
            print(f"load  {who}: {statistics.median(t):.3f} s "
                  f"({min(t):.3f}-{max(t):.3f})")
        subprocess.run([str(BUILD / "bench" / "engine-bench"),
                        str(BUILD / "bench" / "table.bin"), "rpki"],
                       env={**os.environ, "RPKI": lists}, check=True)


if __name__ == "__main__":
    main()
