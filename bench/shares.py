"""Where the processor time of a spean is: samples of perf, by part.

The part of a function is told by the source file that its object was made
from, so the build folder must be at hand; inlined functions count where they
were inlined.
"""
import collections
import os
import re
import signal
import subprocess

PARTS = (  # the first that matches "folder/file"
    ("parse", r"bgp/(update_(parse|attrs|canonical|mp)|attr|nlri|path|"
              r"communities|fault|message)|exchange/read"),
    ("policy", r"policy/|rpki/|registry/|exchange/(judge|class)"),
    ("best path", r"rib/rank|exchange/(export|dirty)"),
    ("RIB", r"rib/|exchange/(import|sweep|restart|exchange)"),
    ("encode", r"bgp/update_write|exchange/(encode|journal|serve)"),
    ("sending and links", r"bgp/|net/|daemon/|exchange/"),
)
COPY = re.compile(r"copy|memmove|memcpy|rep_movs")
ORDER = [p for p, _ in PARTS] + ["copy", "kernel", "rest"]


def sources(build):
    """{function: "folder/file"} of spean's static libraries."""
    out = {}
    for top, _, names in os.walk(os.path.join(build, "src")):
        for n in names:
            if not n.endswith(".a"):
                continue
            folder = os.path.basename(top)
            r = subprocess.run(["nm", "-A", os.path.join(top, n)],
                               capture_output=True, text=True, check=False)
            for line in r.stdout.splitlines():
                m = re.search(r"([\w.-]+)\.c\.o:\S* [tT] (\S+)$", line)
                if m:
                    out[m[2]] = f"{folder}/{m[1].split('_c_')[-1]}"
    return out


def part_of(symbol, dso, where):
    if COPY.search(symbol):
        return "copy"
    if "kernel" in dso or dso.endswith(".ko"):
        return "kernel"
    source = where.get(re.sub(r"\.(part|constprop|isra|cold).*", "", symbol))
    for part, pattern in PARTS:
        if source and re.match(pattern, source):
            return part
    return "rest"


class Perf:
    """Samples the processes from now on."""

    def __init__(self, pids, d):
        self.data = os.path.join(d, "perf.data")
        self.p = subprocess.Popen(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", "5000", "-o",
             self.data, "-p", ",".join(str(p) for p in pids)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self, build):
        self.p.send_signal(signal.SIGINT)
        self.p.wait()
        r = subprocess.run(
            ["perf", "script", "-i", self.data, "-F", "ip,sym,dso"],
            capture_output=True, text=True, check=False)
        where = sources(build)
        n = collections.Counter()
        for line in r.stdout.splitlines():
            m = re.match(r"\s*[0-9a-f]+ (.+?)(?:\+0x\w+)? \((.*)\)$", line)
            if m:
                n[part_of(m[1], m[2], where)] += 1
        return {p: n[p] for p in ORDER}
