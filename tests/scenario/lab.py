"""The demo, from end to end, with a part of its table."""
import json
import os
import signal
import subprocess
import time

from lib import check, equal, wait_until
from lib.net import alive
from lib.spean import BINARY, TOP

NAME = os.environ.get("SPEAN_TEST_TAG", f"spt{os.getpid()}")
DIR = f"/run/{NAME}-lab"
TABLE = str(TOP / "examples" / "ipasn_20140513.dat.gz")
MEMBERS = [64401, 64402, 64403, 64404]


def lab(*args, code=0, timeout=110):
    r = subprocess.run([BINARY, "lab", *args, "--name", NAME], text=True,
                       capture_output=True, timeout=timeout)
    equal(r.returncode, code, f"spean lab {' '.join(args)}: {r.stderr}")
    return r


def namespaces():
    out = subprocess.run(["ip", "netns", "list"], capture_output=True,
                         text=True).stdout
    return sorted(w for w in out.split() if w.startswith(NAME + "-"))


def show(*args):
    r = subprocess.run([BINARY, "show", *args, "--json"], text=True,
                       capture_output=True, timeout=30,
                       env=dict(os.environ, SPEAN_RUN_DIR=DIR + "/run"))
    equal(r.returncode, 0, f"spean show {args}: {r.stderr}{r.stdout}"[:500])
    return [json.loads(x) for x in r.stdout.splitlines()]


def pids():
    with open(DIR + "/pids") as f:
        return [int(line.split()[1]) for line in f]


def is_down():
    equal(namespaces(), [], "namespaces after lab down")
    check(not os.path.exists(DIR), f"{DIR} is gone")


def holds_the_routes(least):
    rows = [json.loads(x) for x in lab("status", "--json").stdout.splitlines()]
    equal([r["asn"] for r in rows], MEMBERS, "members")
    for r in rows:
        check(r["ipv4_up"] and r["ipv6_up"], f"sessions of {r}")
        check(r["ipv4_routes"] > least, f"IPv4 routes of {r}")
        equal(r["ipv6_routes"], 3, f"IPv6 routes of {r}")


def try_it():
    out = lab("up", "--table", TABLE, "--limit", "20000").stdout
    check("Refused, by reason:" in out, out)
    for word in ("transit_free_asn", "bogon_prefix", "prefix_too_long",
                 "prefix_not_registered"):
        check(word in out, f"{word} in:\n{out}")
    holds_the_routes(18000)
    rows = show("routes", "--rejected", "--from", "64403")
    equal([(r["prefix"], r["reason"]) for r in rows],
          [("44.128.11.0/24", "prefix_not_registered")], "of openbgpd")
    sessions = show("sessions")
    equal(len(sessions), 9, "sessions")
    equal({r["state"] for r in sessions}, {"established"}, "states")


def interrupted():
    """A first one that is stopped on its way, by ^C and by force."""
    for number, wait in ((signal.SIGINT, 0.7), (signal.SIGKILL, 1.5)):
        p = subprocess.Popen([BINARY, "lab", "up", "--table", TABLE,
                              "--limit", "5000", "--name", NAME], stderr=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, text=True,
                             start_new_session=True)
        wait_until(lambda: namespaces(), 10, "the first namespace")
        time.sleep(wait)
        os.killpg(p.pid, number)
        _, err = p.communicate(timeout=60)
        check(p.returncode != 0, err)
        if number == signal.SIGINT:
            check("interrupted" in err, err)
            is_down()


def test_demo():
    try:
        interrupted()
        try_it()
        before = pids()
        # Once more over the one that runs: it is replaced.
        lab("up", "--table", TABLE, "--limit", "2000")
        holds_the_routes(1800)
        check(not any(alive(p) for p in before),
              "the first one's programs have ended")
        left = pids()
        lab("down")
        is_down()
        check(not any(alive(p) for p in left),
              "all programs have ended")
        lab("down")  # nothing there: no harm
    finally:
        subprocess.run([BINARY, "lab", "down", "--name", NAME],
                       capture_output=True)


test_demo.limit_s = 400
