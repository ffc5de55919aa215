#!/usr/bin/env python3
"""Medians and spread of run.py's results, as Markdown: README's figures.

    table.py [--busy] [--into README.md] FILE.jsonl ...

A run in which others used more of the processor than 15 % of its time does
not count: it measured them.  --busy counts it all the same, for a machine
that is never quiet: then only ratios say something.  --into puts what would
be printed between the marks of that file.
"""
import argparse
import collections
import contextlib
import io
import json
import statistics
import sys

import goals
import verdict

NOISE = 0.15
BUSY = 0.9  # of the time: the tester was the limit


def noisy_run(line, phase, e):
    """Lines g are for memory, which others do not disturb."""
    return (e["other_cpu"] > 0.1 + NOISE * e["tend"] and phase != "idle" and
            not line.startswith("g"))


def where(r):
    """Of a run on fewer CPUs than all."""
    if "cpus" not in r:
        return ""
    return f" on CPU {r['cpus']}" + ("" if r.get("alone", True) else
                                     ", tester too")


class Results:
    """By (line, phase, server): what counts, and why the rest does not."""

    def __init__(self, paths, busy):
        self.good = collections.defaultdict(list)
        self.capped = collections.defaultdict(list)
        self.noisy = collections.Counter()
        self.failed = collections.defaultdict(list)
        self.shares = collections.defaultdict(list)
        for path in paths:
            with open(path) as f:
                for text in f:
                    self.add(json.loads(text), busy)

    def add(self, r, busy):
        dut = r["dut"] + where(r)
        if r.get("perf"):  # a run for the shares alone
            self.shares[(r["line"], dut)].append(r["perf"])
            return
        if not r["phases"]:
            self.failed[(r["line"], "blast", dut)] += verdict.faults(r)
        for phase, e in r["phases"].items():
            key = (r["line"], phase, dut)
            if "settled_s" in e and e["settled_s"]:
                e["settle_s"] = max(e["settled_s"])
            wrong = verdict.of_phase(e)
            if dut.startswith("spean"):
                wrong += verdict.ways(e)
            if r.get("errors"):
                self.failed[key] += verdict.faults(r)
            elif not verdict.finished(e):
                self.capped[key].append(e)
            elif wrong:
                self.failed[key] += wrong
            elif not busy and noisy_run(r["line"], phase, e):
                self.noisy[key] += 1
            else:
                self.good[key].append(e)

    def keys(self):
        return sorted(set(self.good) | set(self.noisy) | set(self.failed)
                      | set(self.capped))

    def median(self, line, phase, dut, field):
        v = [e[field] for e in self.good.get((line, phase, dut), ())
             if field in e]
        return statistics.median(v) if v else None

    def others(self, line, phase, field):
        """[(median, server)], the best first; spean and the floor not."""
        out = []
        for l, p, dut in list(self.good):
            v = self.median(l, p, dut, field)
            if (l, p) == (line, phase) and v is not None and \
                    not dut.startswith(("spean", "hub")):
                out.append((v, dut))
        return sorted(out)


def number(v):
    if v is None:
        return "-"
    if v >= 100:
        return f"{v:.0f}"
    return f"{v:.1f}" if v >= 10 else f"{v:.3g}"


def met(v, goal):
    return "-" if v is None or goal is None else \
        "yes" if v <= goal else "**no**"


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")


def head(*cells):
    row(*cells)
    row(*("---" for _ in cells))


def print_absolute(res):
    head("line", "phase", "figure", "spean", "goal", "met", "best other",
         "ratio to it", "goal's ratio", "met", "floor")
    for line, phase, field, unit, goal, then in goals.ABSOLUTE:
        ours = res.median(line, phase, "spean", field)
        others = res.others(line, phase, field)
        best = others[0] if others else (None, "-")
        ratio = ours / best[0] if ours is not None and best[0] else None
        wanted = goal / then[best[1]] if best[1] in then else None
        floor = res.median(line, phase, "hub-floor", field)
        row(line, phase, unit, number(ours), number(goal), met(ours, goal),
            f"{best[1]} {number(best[0])}" if best[0] is not None else "-",
            number(ratio), number(wanted), met(ratio, wanted),
            number(floor))


def print_relative(res):
    for line, phase, field, unit, factor, of in goals.RELATIVE:
        ours = res.median(line, phase, "spean", field)
        base = res.median(of[0], of[1], of[2], field)
        at_least = ""
        if base is None and res.capped.get(of[:3]):
            base = max(e["t"] for e in res.capped[of[:3]])
            at_least = "> "
        ratio = ours / base if ours is not None and base else None
        row(line, phase, unit, number(ours), f"{factor} × {of[3]}",
            met(ratio, factor), f"{of[2]} {at_least}{number(base)}",
            ("< " if at_least else "") + number(ratio), factor,
            met(ratio, factor), number(
                res.median(line, phase, "hub-floor", field)))


def print_memory(res):
    for name, of, less, per, goal in goals.MEMORY:
        v = {}
        for dut in ("spean", "bird2-secondary"):
            a, b = (res.median(line, "blast", dut, "mb")
                    for line in (of, less))
            if a is not None and b is not None:
                v[dut] = (a - b) * (1 << 20) / per
        ours, bird = v.get("spean"), v.get("bird2-secondary")
        row("g", f"{of} − {less}", f"bytes, {name}", number(ours),
            number(goal), met(ours, goal), f"bird2-secondary {number(bird)}",
            number(ours / bird if ours is not None and bird else None),
            "-", "-", "-")


def spread(rows, name, digits=2):
    v = [e[name] for e in rows if name in e]
    if not v:
        return "-"
    text = f"{statistics.median(v):.{digits}f}"
    if len(v) == 1:
        return text
    return f"{text} ({min(v):.{digits}f}–{max(v):.{digits}f})"


def seconds(phase, rows):
    if phase not in ("churn", "change"):
        return spread(rows, "t", 3)
    text = (f"p50 {spread(rows, 'p50_ms', 1)}, p99 "
            f"{spread(rows, 'p99_ms', 1)}, max {spread(rows, 'max_ms', 0)} ms")
    if phase == "change":
        text = f"settled {spread(rows, 'settle_s', 3)} s; " + text
    return text


def tester(rows):
    """How much of the time it had something to do."""
    v = [1 - e["self_waited"] / e["t"] for e in rows
         if e.get("t") and "self_waited" in e]
    if not v:
        return "-"
    m = max(0, statistics.median(v))
    return f"{100 * m:.0f} %" + (", **the limit**" if m > BUSY else "")


def print_all(res):
    head("line", "phase", "server", "runs", "s", "CPU s", "peak MB",
         "M NLRI out", "k UPDATEs", "tester busy", "received")
    for key in res.keys():
        line, phase, dut = key
        rows = res.good.get(key, [])
        runs = [str(len(rows))] if rows else []
        runs += [f"{res.noisy[key]} noisy"] if res.noisy[key] else []
        runs += [f"{len(res.capped[key])} stopped"] if key in res.capped \
            else []
        runs += ["**failed**"] if key in res.failed else []
        words = "; ".join(dict.fromkeys(res.failed.get(key, ()))) or "right"
        shown = rows
        took = seconds(phase, rows)
        if not rows and key in res.capped:
            shown = res.capped[key]
            e = shown[0]
            took = f"> {e['t']:.0f}"
            words = "not over when it was stopped"
            if e.get("expect"):
                words += f": {100 * e['ann'] / e['expect']:.0f} % was there"
        if not shown:
            row(line, phase, dut, ", ".join(runs), "", "", "", "", "", "",
                words if key in res.failed else "")
            continue
        ways = verdict.ways(shown[0])
        if ways:
            words += "; " + "; ".join(ways)
        out = statistics.median(e["ann"] + e["wd"] for e in shown) / 1e6
        updates = statistics.median(e["updates"] for e in shown) / 1e3
        row(line, phase, dut, ", ".join(runs), took, spread(shown, "cpu"),
            spread(shown, "mb", 0), f"{out:.2f}", f"{updates:.1f}",
            tester(shown), words)


def print_shares(res):
    if not res.shares:
        return
    parts = list(dict.fromkeys(
        p for v in res.shares.values() for s in v for p in s))
    print("\nWhere spean's processor time is, in % of its samples:\n")
    head("line", *parts)
    for (line, dut), v in sorted(res.shares.items()):
        total = sum(sum(s.values()) for s in v)
        row(line if dut == "spean" else f"{line}, {dut}",
            *(f"{100 * sum(s.get(p, 0) for s in v) / total:.0f}"
              for p in parts))


def roles_cpu(res, line, dut):
    """Median CPU seconds of the engine and of all session roles together."""
    rows = [e["roles"] for e in res.good.get((line, "blast", dut), ())
            if "roles" in e]
    if not rows:
        return None, None
    return (statistics.median(r.get("engine", 0) for r in rows),
            statistics.median(sum(v for k, v in r.items()
                                  if k.startswith("session")) for r in rows))


def print_cores(res):
    """What a second core gives."""
    on = (" on CPU 0, tester too", " on CPU 0", "")
    rows = [(line, dut) for line in "abcd"
            for dut in ("spean", "spean-2-sessions")
            if any((line, "blast", dut + x) in res.good for x in on[:2])]
    if not rows:
        return
    print("\nWhat a second core gives; blast, s, and CPU s by role on two:\n")
    head("line", "server", "1 core, the tester on it too",
         "1 core, the tester on another", "2 cores, the tester on one of them",
         "first to last", "CPU s of the engine", "of the session roles",
         "engine's share")
    for line, dut in rows:
        took = [res.median(line, "blast", dut + x, "t") for x in on]
        engine, session = roles_cpu(res, line, dut)
        share = "-" if engine is None else \
            f"{100 * engine / (engine + session):.0f} %"
        row(line, dut, *(number(v) for v in took),
            f"{took[0] / took[2]:.2f} ×" if took[0] and took[2] else "-",
            number(engine), number(session), share)


def print_figures(res):
    print_absolute(res)
    print_relative(res)
    print_memory(res)
    print_shares(res)
    print_cores(res)
    print("\nEverything that was measured; medians (and spread):\n")
    print_all(res)


def put_into(path, text):
    start, end = "<!-- figures: table.py --into -->\n", "<!-- end of figures"
    with open(path) as f:
        old = f.read()
    before, rest = old.split(start)
    with open(path, "w") as f:
        f.write(before + start + text + end + rest.split(end)[1])


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--busy", action="store_true")
    ap.add_argument("--into")
    ap.add_argument("files", nargs="+")
    a = ap.parse_args()
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print_figures(Results(a.files, a.busy))
    if a.into:
        put_into(a.into, text.getvalue())
    else:
        sys.stdout.write(text.getvalue())


if __name__ == "__main__":
    main()
