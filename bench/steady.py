"""The line steady: what a server holds while clients flap for a long time.

A sample is taken at every hundredth of the run.  How many clients are away
just then differs, so figures are means over a few samples, and growth is
between the second tenth and the last: the first one still warms up.
"""
import statistics

import usage


def held_mb(pid):
    """One process now: its private memory, and its heap and mappings as far
    as it has asked for them, touched or not."""
    try:
        with open(f"/proc/{pid}/status") as f:
            v = dict(l.split(":", 1) for l in f)
    except OSError:
        return None
    if "RssAnon" not in v:
        return None
    return [int(v[k].split()[0]) / 1024 for k in ("RssAnon", "VmData")]


class Steady:
    def __init__(self):
        self.ticks = []

    def tick(self, pid, e):
        pids = usage.tree(pid)
        e["shared"] = usage.shared_bytes(pids) / (1 << 20)
        e["mb"] = e["shared"]
        e["asked"] = 0
        e["roles"] = {}
        for p in pids:
            one = held_mb(p)
            if one:
                role = usage.role(p)
                e["roles"][role] = e["roles"].get(role, 0) + one[0]
                e["mb"] += one[0]
                e["asked"] += one[1]
        self.ticks.append(e)
        if e["done"] % 10 == 0:
            print(f"  {e['done']:3} %  {e['t']:7.1f} s  {e['flaps']} flaps  "
                  f"{e['events'] / 1e6:.1f} M events  {e['mb']:.2f} MB, "
                  f"{e['shared']:.2f} of it shared", flush=True)

    def mean(self, key, first, last):
        return statistics.fmean(
            t[key] if key in t else t["roles"].get(key, 0)
            for t in self.ticks if first <= t["done"] <= last)

    def lines(self, phase):
        """One figure a line; also kept in the results."""
        if len(self.ticks) < 100:
            return
        mb = {at: self.mean("mb", a, b) for at, a, b in
              (("10", 8, 12), ("50", 46, 54), ("100", 91, 100))}
        early, late = self.mean("mb", 11, 20), mb["100"]
        out = {
            "events": phase["events"], "flaps": phase["flaps"],
            "received NLRI": phase["received"],
            "seconds": round(phase["t"], 1),
            "memory at 10 %, MB": round(mb["10"], 2),
            "memory at 50 %, MB": round(mb["50"], 2),
            "memory at 100 %, MB": round(mb["100"], 2),
            "growth from the second tenth to the last, %":
                round(100 * (late - early) / early, 2),
            "latency p50 in the first tenth, ms": phase["first_p50_ms"],
            "latency p50 in the last tenth, ms": phase["last_p50_ms"],
            "latency p99 in the first tenth, ms": phase["first_p99_ms"],
            "latency p99 in the last tenth, ms": phase["last_p99_ms"],
            "clients with a wrong table": phase["bad_clients"],
            "wrong routes": phase["wrong"],
        }
        for role in sorted({r for t in self.ticks for r in t["roles"]}):
            out[f"{role} at 10, 50, 100 %, MB"] = " ".join(
                f"{self.mean(role, a, b):.2f}"
                for a, b in ((8, 12), (46, 54), (91, 100)))
        for name, key in (("shared", "shared"),
                          ("heap and mappings, touched or not,", "asked")):
            out[f"{name} at 10, 50, 100 %, MB"] = " ".join(
                f"{self.mean(key, a, b):.2f}"
                for a, b in ((8, 12), (46, 54), (91, 100)))
        phase["steady"] = out
        for k, v in out.items():
            print(f"  {k}: {v}", flush=True)
