#!/usr/bin/env python3
"""Everything that has to pass: make check.

Builds with gcc as released and with clang under ASan and UBSan (warnings are
errors in both), runs the unit tests of both, the include rules, and the
scenarios.  One line a step; what failed is shown whole.  The last line is
"N passed, N failed".
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = os.environ.get("BUILD", "build")
ASAN = BUILD + "-asan"
WORDS = re.compile(r"^(ok|not ok)\b(.*)")
# Undefined behaviour fails a test, and is not a line in its log.
os.environ.setdefault("UBSAN_OPTIONS",
                      "halt_on_error=1:print_stacktrace=1")
passed = failed = 0
start = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - start:4.0f} s] {text}", flush=True)


def count(good, bad, what, detail=""):
    global passed, failed
    passed += good
    failed += bad
    say(f"{what}: {good} passed, {bad} failed")
    if bad and detail:
        print(detail, flush=True)


def run(args, **kw):
    kw.setdefault("env", os.environ)
    return subprocess.run(args, cwd=TOP, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", **kw)


def build(folder, what, *options, cc=None, targets=()):
    """Configures where needed, builds; False when that fails."""
    env = dict(os.environ, **({"CC": cc} if cc else {}))
    steps = [["ninja", "-C", folder, *targets]]
    if not (TOP / folder / "build.ninja").exists():
        steps.insert(0, ["meson", "setup", folder, *options])
    else:
        steps.insert(0, ["meson", "configure", folder, "-Dwerror=true"])
    for step in steps:
        p = run(step, env=env)
        if p.returncode:
            count(0, 1, f"building {what}", p.stdout[-8000:])
            return False
    say(f"built {what}")
    return True


def tap(text):
    """(passed, failed) of TAP lines."""
    good = bad = 0
    for line in text.splitlines():
        m = WORDS.match(line)
        if m:
            good += m[1] == "ok"
            bad += m[1] != "ok"
    return good, bad


def units(folder, what):
    """The unit tests, counted test by test."""
    log = TOP / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    slow = ["--timeout-multiplier", "5"]
    p = run(["meson", "test", "-C", folder, "--no-rebuild", "--suite", "unit",
             "--suite", "long", *slow])
    good = bad = 0
    detail = []
    if not log.exists():
        count(0, 1, what, p.stdout[-8000:])
        return
    for line in log.read_text(errors="replace").splitlines():
        one = json.loads(line)
        g, b = tap(one.get("stdout", ""))
        if one["result"] not in ("OK", "EXPECTEDFAIL") and b == 0:
            b = 1  # it died, or ran into its limit
        good += g
        bad += b
        if b:
            detail.append(f"--- {one['name']}: {one['result']}\n"
                          + one.get("stdout", "")[-6000:]
                          + one.get("stderr", "")[-6000:])
    if good == 0 and bad == 0:
        bad = 1
        detail.append("no unit test ran\n" + p.stdout[-2000:])
    count(good, bad, what, "\n".join(detail))


def script(what, args, env=None):
    """A program that prints TAP."""
    p = run(args, env=dict(os.environ, **(env or {})))
    good, bad = tap(p.stdout)
    if p.returncode and bad == 0:
        bad = 1
    if p.returncode == 0 and good == 0:
        bad += 1
    count(good, bad, what, p.stdout[-8000:])


def scenarios():
    """Their lines are shown as they come: they take minutes."""
    p = subprocess.Popen(
        [sys.executable, "tests/scenario/run.py", "--tap"], cwd=TOP,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
        env=dict(os.environ, SPEAN=str(TOP / BUILD / "spean"),
                 PYTHONDONTWRITEBYTECODE="1"))
    good = bad = 0
    for line in p.stdout:
        m = WORDS.match(line)
        if m:
            good += m[1] == "ok"
            bad += m[1] != "ok"
        if m or line.startswith("#"):
            print("  " + line.rstrip(), flush=True)
    code = p.wait()
    if code and bad == 0 or good + bad == 0:
        bad += 1
    count(good, bad, "scenarios")


def finish():
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def main():
    if os.geteuid() != 0:
        print("the tests make network namespaces: run as root",
              file=sys.stderr)
        return 2
    for word in ("meson", "ninja", "gcc", "clang"):
        if not shutil.which(word):
            print(f"{word} is missing: tools/deps.sh check", file=sys.stderr)
            return 2
    built = build(BUILD, "with gcc, as released", "--buildtype=release",
                  "-Dwerror=true")
    if built:
        link = TOP / BUILD / "spean"
        link.unlink(missing_ok=True)
        link.symlink_to("src/daemon/spean")
        units(BUILD, "unit tests")
    if build(ASAN, "with clang, ASan and UBSan",
             "-Db_sanitize=address,undefined", "-Db_lundef=false",
             "-Dwerror=true", cc="clang"):
        units(ASAN, "unit tests under ASan and UBSan")
    script("include rules", [sys.executable, "tests/includes_test.py"])
    if built:
        script("recordings, counted as bgpdump counts them",
               [sys.executable, "tests/count.py"],
               env={"SPEAN": str(TOP / BUILD / "spean")})
        scenarios()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
