#!/usr/bin/env python3
"""Origin validation counted twice: by the tables of src/rpki (through the
program named on the command line), and here, slowly and with no code shared.
The counts have to be the same at first and after every step of a random
series of additions and removals.

Data: made at random; VRPs of the world in tests/data/rpki; and, where
SPEAN_DATA names a directory that has them, all the world's routes and VRPs
(tables/prefix-origin-*-v{4,6}.txt.xz, rpki/rpkiclient_summary_*.json.bz2).
TAP on stdout."""
import bz2
import glob
import gzip
import ipaddress
import json
import lzma
import os
import pathlib
import random
import subprocess
import sys

BITS = (32, 128)
HERE = pathlib.Path(__file__).resolve().parent


def number(prefix):
    """(family, address as a number, length)"""
    addr, length = prefix.split("/")
    if ":" in addr:
        return 1, int(ipaddress.IPv6Address(addr)), int(length)
    a, b, c, d = addr.split(".")
    return 0, int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d), int(length)


def text(family, value, length):
    cls = ipaddress.IPv6Address if family else ipaddress.IPv4Address
    return f"{cls(value)}/{length}"


class Slow:
    """RFC 6811 over dictionaries: {(bits, length): {(max_len, asn)}}."""

    def __init__(self, routes):
        self.at = ({}, {})
        self.lengths = ({}, {})  # length -> how many VRPs have it
        self.routes = routes     # (family, value, length, origin)
        self.below = ({}, {})    # (bits, length) -> routes, made when asked
        self.state = [2] * len(routes)
        self.counts = [[0, 0, 0], [0, 0, 0]]
        for r in routes:
            self.counts[r[0]][2] += 1

    def judge(self, family, value, length, origin):
        state = 2
        for n in self.lengths[family]:
            if n > length:
                continue
            here = self.at[family].get((value >> (BITS[family] - n), n))
            if not here:
                continue
            for max_len, asn in here:
                if asn == origin and asn and length <= max_len:
                    return 0
            state = 1
        return state

    def change(self, add, vrp):
        family, value, length, max_len, asn = vrp
        key = (value >> (BITS[family] - length), length)
        here = self.at[family].setdefault(key, set())
        lengths = self.lengths[family]
        if add:
            here.add((max_len, asn))
            lengths[length] = lengths.get(length, 0) + 1
        else:
            here.remove((max_len, asn))
            lengths[length] -= 1
            if not lengths[length]:
                del lengths[length]
            if not here:
                del self.at[family][key]

    def judge_all(self):
        self.counts = [[0, 0, 0], [0, 0, 0]]
        for i, r in enumerate(self.routes):
            self.state[i] = self.judge(*r)
            self.counts[r[0]][self.state[i]] += 1

    def judge_below(self, changed):
        """Only the routes in the prefixes of these VRPs."""
        keys = {(v[0], v[1] >> (BITS[v[0]] - v[2]), v[2]) for v in changed}
        lengths = {(k[0], k[2]) for k in keys}
        for i, r in enumerate(self.routes):
            family, value, length, _ = r
            for f, n in lengths:
                if f == family and n <= length and \
                        (f, value >> (BITS[f] - n), n) in keys:
                    now = self.judge(*r)
                    self.counts[family][self.state[i]] -= 1
                    self.counts[family][now] += 1
                    self.state[i] = now
                    break


def vrp_line(sign, v):
    return f"{sign} {text(v[0], v[1], v[2])} {v[3]} {v[4]}\n"


class Fast:
    def __init__(self, program, routes, vrps):
        self.p = subprocess.Popen([program], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.p.stdin.writelines(
            f"r {text(f, v, n)} {o}\n" for f, v, n, o in routes)
        self.p.stdin.writelines(vrp_line("+", v) for v in vrps)

    def counts(self):
        self.p.stdin.write("?\n")
        self.p.stdin.flush()
        n = [int(x) for x in self.p.stdout.readline().split()]
        return [n[:3], n[3:]]

    def end(self):
        self.p.stdin.close()
        return self.p.wait()


def compare(program, routes, vrps, steps, each, rng):
    """An error in words, or None and what the counts were at first."""
    slow, fast = Slow(routes), Fast(program, routes, vrps)
    for v in vrps:
        slow.change(True, v)
    slow.judge_all()
    first = [list(c) for c in slow.counts]
    if fast.counts() != slow.counts:
        return f"at first: {fast.counts()} is not {slow.counts}", None
    inside, outside = list(vrps), []
    for step in range(steps):
        lines, changed = [], []
        for _ in range(rng.randint(1, each)):
            add = bool(outside) and (not inside or rng.random() < 0.5)
            source, target = (outside, inside) if add else (inside, outside)
            i = rng.randrange(len(source))
            source[i], source[-1] = source[-1], source[i]
            v = source.pop()
            target.append(v)
            changed.append(v)
            slow.change(add, v)
            lines.append(vrp_line("+" if add else "-", v))
        fast.p.stdin.writelines(lines)
        slow.judge_below(changed)
        if fast.counts() != slow.counts:
            return (f"after step {step}: {fast.counts()} is not "
                    f"{slow.counts}"), None
    slow.judge_all()
    if fast.counts() != slow.counts or fast.end():
        return "at the end", None
    return None, first


def made(rng):
    def prefix():
        family = rng.randrange(2)
        if family:
            length = rng.choice((20, 29, 32, 36, 40, 44, 48, 48, 56, 64, 128))
            value = 0x20010db8 << 96 | rng.getrandbits(24) << 72 | \
                rng.getrandbits(4)
            value ^= rng.getrandbits(3) << 100
        else:
            length = rng.choice((0, 7, 8, 12, 16, 19, 20, 22, 24, 24, 24, 28,
                                 32))
            value = 10 << 24 | rng.getrandbits(25)
        value = value >> (BITS[family] - length) << (BITS[family] - length)
        return family, value, length
    vrps = set()
    while len(vrps) < 3000:
        f, v, n = prefix()
        if n < (16, 32)[f]:  # they would leave nothing that is not found
            continue
        vrps.add((f, v, n, rng.randint(n, min(n + 8, BITS[f])),
                  rng.randrange(6)))
    routes = [(*prefix(), rng.randrange(7)) for _ in range(6000)]
    return routes, sorted(vrps)


def shipped(rng):
    """Real VRPs; routes near them."""
    vrps, routes = [], []
    path = HERE.parents[1] / "data" / "rpki" / "vrps.txt.gz"
    with gzip.open(path, "rt") as f:
        for line in f:
            if line.startswith("#"):
                continue
            prefix, max_len, asn = line.split()
            vrps.append((*number(prefix), int(max_len), int(asn)))
    for f, v, n, m, a in vrps[::3]:
        length = min(BITS[f], n + rng.choice((0, 0, 0, 1, 2, 4)))
        v |= rng.getrandbits(BITS[f] - n) if n < BITS[f] else 0
        v = v >> (BITS[f] - length) << (BITS[f] - length)
        routes.append((f, v, length, rng.choice((a, a, a, 64500))))
        if n:
            routes.append((f, v ^ 1 << (BITS[f] - n), length, a))
    return routes, vrps


def world(top):
    routes, vrps = [], set()
    for path in sorted(glob.glob(f"{top}/tables/prefix-origin-*.txt.xz")):
        with lzma.open(path, "rt") as f:
            for line in f:
                prefix, origin = line.split()[:2]
                if origin.isdigit():
                    routes.append((*number(prefix), int(origin)))
    path = glob.glob(f"{top}/rpki/rpkiclient_summary_*.json.bz2")[0]
    with bz2.open(path) as f:
        for r in json.load(f)["roas"]:
            vrps.add((*number(r["prefix"]), r["maxLength"], r["asn"]))
    return routes, sorted(vrps)


def main():
    program = sys.argv[1]
    seed = int(os.environ.get("SPEAN_SEED", random.randrange(1 << 32)))
    rng = random.Random(seed)
    cases = [("made at random", made(rng), 60, 40),
             ("VRPs of the world", shipped(rng), 12, 400)]
    if os.environ.get("SPEAN_DATA"):
        cases.append(("the world", world(os.environ["SPEAN_DATA"]), 12, 1000))
    print(f"1..{len(cases)}\n# seed {seed}")
    bad = 0
    for i, (name, (routes, vrps), steps, each) in enumerate(cases, 1):
        error, first = compare(program, routes, vrps, steps, each, rng)
        bad += bool(error)
        print(f"{'not ok' if error else 'ok'} {i} - {name}: {len(routes)} "
              f"routes, {len(vrps)} VRPs")
        print(f"# {error}" if error else "# valid, invalid, not-found: "
              f"ipv4 {first[0]} ipv6 {first[1]}", flush=True)
    return 1 if bad else 0


sys.exit(main())
