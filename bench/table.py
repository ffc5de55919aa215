#!/usr/bin/env python3
"""Medians and spread of run.py's results, as Markdown.

    table.py [--busy] FILE.jsonl ...

A run in which others used more of the processor than 15 % of its time does
not count: it measured them.  --busy counts it all the same, for a machine
that is never quiet: then only ratios say something.
"""
import collections
import json
import statistics
import sys

NOISE = 0.15


def load(paths, busy):
    """{(line, phase, dut): [phase results]}, and how many were left out."""
    good = collections.defaultdict(list)
    noisy = collections.Counter()
    bad = collections.Counter()
    for path in paths:
        with open(path) as f:
            for text in f:
                r = json.loads(text)
                if not r["phases"]:
                    bad[(r["line"], "blast", r["dut"])] += 1
                for phase, e in r["phases"].items():
                    key = (r["line"], phase, r["dut"])
                    if e["timeout"] or r.get("errors"):
                        bad[key] += 1
                    elif not busy and e["other_cpu"] > 0.1 + NOISE * e["tend"] \
                            and phase != "idle":
                        noisy[key] += 1
                    else:
                        good[key].append(e)
    return good, noisy, bad


def spread(rows, name, digits=2):
    v = [e[name] for e in rows if name in e]
    if not v:
        return "-"
    text = f"{statistics.median(v):.{digits}f}"
    if len(v) == 1:
        return text
    return f"{text} ({min(v):.{digits}f}–{max(v):.{digits}f})"


def verdict(rows):
    """What the tester found wrong with what it received."""
    words = []
    for name, text in (("checksum_bad_clients", "clients with wrong routes"),
                       ("audit_bad", "altered UPDATEs"),
                       ("held_none", "held nothing"),
                       ("held_not_shortest", "held a longer path")):
        worst = max((e.get(name, 0) for e in rows), default=0)
        if worst:
            words.append(f"{worst} {text}")
    return "; ".join(words) or "right"


def seconds(phase, rows):
    if phase == "churn":
        return (f"p50 {spread(rows, 'p50_ms', 1)}, p99 "
                f"{spread(rows, 'p99_ms', 1)}, max "
                f"{spread(rows, 'max_ms', 0)} ms")
    return spread(rows, "t", 3)


def main():
    paths = [a for a in sys.argv[1:] if a != "--busy"]
    good, noisy, bad = load(paths, "--busy" in sys.argv)
    print("| line | phase | server | runs | s | CPU s | peak MB | "
          "M NLRI out | k UPDATEs | received |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for key in sorted(set(good) | set(noisy) | set(bad)):
        line, phase, dut = key
        rows = good[key]
        if not rows:
            why = f"{bad[key]} failed" if bad[key] else \
                f"{noisy[key]} noisy runs"
            print(f"| {line} | {phase} | {dut} | {why} | | | | | | |")
            continue
        out = statistics.median(e["ann"] + e["wd"] for e in rows) / 1e6
        updates = statistics.median(e["updates"] for e in rows) / 1e3
        runs = str(len(rows))
        if bad[key]:
            runs += f", {bad[key]} failed"
        print(f"| {line} | {phase} | {dut} | {runs} | "
              f"{seconds(phase, rows)} | {spread(rows, 'cpu')} | "
              f"{spread(rows, 'mb', 0)} | {out:.2f} | {updates:.1f} | "
              f"{verdict(rows)} |")


if __name__ == "__main__":
    main()
