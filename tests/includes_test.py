#!/usr/bin/env python3
"""Includes go downward only: checks every #include "room/..." under src/ and
cli/ against the rules of ARCHITECTURE.md.  TAP on stdout."""
import pathlib
import re
import sys

# room: the rooms it may use beside what those may use themselves
MAY = {
    "base": [],
    "net": ["base"],
    "conf": ["net"],
    "bgp": ["conf"],
    "rpki": ["conf"],
    "ledger": ["conf"],
    "rib": ["bgp"],
    "registry": ["conf"],
    "policy": ["bgp", "rpki", "registry"],
    "exchange": ["rib", "policy"],
    "monitor": ["policy"],
    "api": ["exchange"],
    "cli": ["bgp"],
    "daemon": ["api", "monitor", "cli"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
top = pathlib.Path(__file__).resolve().parent.parent


def reach(room):
    seen, todo = {room}, [room]
    while todo:
        for r in MAY[todo.pop()]:
            if r not in seen:
                seen.add(r)
                todo.append(r)
    return seen


def violations(room, folder):
    allowed = reach(room)
    for path in sorted(folder.rglob("*.[ch]")):
        for name in INCLUDE.findall(path.read_text()):
            used = name.split("/")[0] if "/" in name else None
            if used is None or used not in allowed:
                yield f"{path.relative_to(top)} includes \"{name}\""


def main():
    folders = {r: top / "src" / r for r in MAY}
    folders["cli"] = top / "cli"
    unknown = [p.name for p in (top / "src").iterdir()
               if p.is_dir() and p.name not in MAY]
    print(f"1..{len(MAY) + 1}")
    bad = 0
    for i, room in enumerate(MAY, 1):
        found = list(violations(room, folders[room]))
        bad += bool(found)
        print(f"{'not ok' if found else 'ok'} {i} - {room} includes downward only")
        for v in found:
            print(f"# {v}; {room} may use: {', '.join(sorted(reach(room)))}")
    bad += bool(unknown)
    print(f"{'not ok' if unknown else 'ok'} {len(MAY) + 1} - every room has a rule {unknown or ''}")
    return 1 if bad else 0


sys.exit(main())
