#!/usr/bin/env python3
"""Compares `spean play FILE --count` with the lines of `bgpdump -m FILE`.

    tests/count.py [FOLDER]       every file in it that bgpdump reads

Entries of tables, announcements, withdrawals and state changes have to be as
many as bgpdump prints lines of them.  TAP on stdout.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
SPEAN = os.environ.get("SPEAN", str(TOP / "build" / "spean"))
KINDS = {"B": "rib_entries", "A": "announced", "W": "withdrawn",
         "STATE": "state_changes"}


def by_bgpdump(path):
    """{kind: lines}"""
    out = subprocess.run(["bgpdump", "-m", str(path)], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         errors="replace").stdout
    n = collections.Counter()
    for line in out.splitlines():
        fields = line.split("|")
        if len(fields) > 2 and fields[2] in KINDS:
            n[KINDS[fields[2]]] += 1
    return dict(n)


def by_spean(path):
    """({kind: number}, the exit code, what it said of trouble)"""
    r = subprocess.run([SPEAN, "play", str(path), "--count", "--json"],
                       text=True, capture_output=True)
    try:
        o = json.loads(r.stdout)
    except ValueError:
        return {}, r.returncode, r.stderr
    n = {k: sum(v.values()) if isinstance(v, dict) else v
         for k, v in o.items() if k in KINDS.values()}
    return {k: v for k, v in n.items() if v}, r.returncode, r.stderr


def compare(path):
    """None, or what differs; with (lines) when bgpdump reads nothing."""
    want = by_bgpdump(path)
    if not want:
        return None, 0
    got, _, said = by_spean(path)
    if got != want:
        return f"bgpdump -m has {want}, spean {got} {said.strip()}", 1
    return None, sum(want.values())


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1
                          else TOP / "tests" / "data" / "mrt")
    files = sorted(p for p in folder.iterdir()
                   if p.is_file() and p.suffix != ".md")
    bad = number = 0
    for path in files:
        wrong, lines = compare(path)
        if wrong is None and lines == 0:
            print(f"# {path.name}: bgpdump reads nothing in it")
            continue
        number += 1
        bad += wrong is not None
        print(f"{'not ok' if wrong else 'ok'} {number} - {path.name}, "
              f"{lines} lines")
        if wrong:
            print(f"#   {wrong}")
    print(f"1..{number}")
    return 1 if bad or not number else 0


if __name__ == "__main__":
    sys.exit(main())
