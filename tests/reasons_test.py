#!/usr/bin/env python3
"""The table of reasons is honest: each one is given somewhere in the code and
asked for by a test, but for those whose sentence says that no check gives
them; numbers and words are unique.  TAP on stdout."""
import pathlib
import re
import sys

KEPT = "(kept for the list: no check gives it)"
ROW = re.compile(r'^REASON\((\w+), (\d+), "(\w+)", "([^"]+)"\)$', re.M)
top = pathlib.Path(__file__).resolve().parent.parent


def sources(*folders):
    return "\n".join(p.read_text() for f in folders
                     for p in sorted((top / f).rglob("*"))
                     if p.suffix in (".c", ".h", ".py"))


def main():
    rows = ROW.findall((top / "src/base/reason.def").read_text())
    code = sources("src/policy", "src/exchange", "src/bgp")
    tests = sources("tests/unit", "tests/scenario")
    numbers = [int(n) for _, n, _, _ in rows]
    faults = []
    for name, number, word, text in rows:
        pattern = re.compile(rf"\bREASON_{name}\b")
        given = bool(pattern.search(code))
        if given == (KEPT in text):
            faults.append(f"{word}: given {given}, its sentence: {text}")
        if given and not re.search(
                rf"\bREASON_{name}\b|\"{word}\"", tests):
            faults.append(f"{word}: no test asks for it")
    for what, good in (
            ("each reason is given and tested, or said not to be",
             not faults),
            ("numbers and words are unique",
             len(set(numbers)) == len({r[2] for r in rows}) == len(rows)),
            ("the whole Euro-IX list is there",
             set(range(1, 16)) <= set(numbers))):
        main.n += 1
        main.bad += not good
        print(f"{'ok' if good else 'not ok'} {main.n} - {what}")
    for fault in faults:
        print(f"# {fault}")
    print(f"1..{main.n}")
    return 1 if main.bad else 0


main.n = main.bad = 0
sys.exit(main())
