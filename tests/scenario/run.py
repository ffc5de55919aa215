#!/usr/bin/env python3
"""Runs the scenarios: every function named test_* of every file here.

    run.py [-j N] [--list] [--keep] [--tap] [WORD ...]

WORD: only tests whose name contains one of the words.  Each test runs in a
process of its own, three at a time, and has 120 seconds unless its function
says otherwise (test_x.limit_s).
"""
import argparse
import importlib
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 120
sys.path.insert(0, str(HERE))


def discover(words):
    out = []
    for path in sorted(HERE.glob("*.py")):
        if path.stem in ("run",):
            continue
        module = importlib.import_module(path.stem)
        for name, f in vars(module).items():
            if name.startswith("test_") and callable(f):
                full = f"{path.stem}.{name[5:]}"
                if not words or any(w in full for w in words):
                    out.append((full, f))
    # The long ones first, so that the end is not one test alone.
    return sorted(out, key=lambda t: -getattr(t[1], "limit_s", LIMIT_S))


def one(full):
    """Runs one test in this process; the exit code says how it went."""
    # exabgp's Debian launcher and others read these.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    stem, name = full.split(".", 1)
    f = getattr(importlib.import_module(stem), "test_" + name)
    try:
        f()
    except Exception as e:
        frames = [t for t in traceback.extract_tb(e.__traceback__)
                  if "/lib/" not in t.filename]
        where = frames[-1] if frames else None
        if where:
            print(f"{os.path.basename(where.filename)}:{where.lineno}: "
                  f"{where.line}", file=sys.stderr)
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return 1
    return 0


def clean(tag):
    """Removes what a test that was ended by force has left."""
    names = subprocess.run(["ip", "netns", "list"], capture_output=True,
                           text=True).stdout.split()
    for ns in [n for n in names if n.startswith(tag + "-")]:
        pids = subprocess.run(["ip", "netns", "pids", ns],
                              capture_output=True, text=True).stdout.split()
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["ip", "netns", "del", ns], capture_output=True)
    if not os.environ.get("SPEAN_TEST_KEEP"):
        for d in pathlib.Path(tempfile.gettempdir()).glob(tag + "-*"):
            shutil.rmtree(d, ignore_errors=True)


class Runner:
    def __init__(self, tests, jobs, tap):
        self.todo = queue.Queue()
        for i, t in enumerate(tests):
            self.todo.put((i, t))
        self.jobs = jobs
        self.tap = tap
        self.lock = threading.Lock()
        self.passed = 0
        self.failed = []
        self.number = 0

    def run(self):
        threads = [threading.Thread(target=self._work)
                   for _ in range(self.jobs)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def _work(self):
        while True:
            try:
                i, (name, f) = self.todo.get_nowait()
            except queue.Empty:
                return
            limit = getattr(f, "limit_s", LIMIT_S)
            tag = f"spt{os.getpid()}x{i}"
            env = dict(os.environ, SPEAN_TEST_TAG=tag,
                       PYTHONDONTWRITEBYTECODE="1")
            start = time.monotonic()
            with tempfile.TemporaryFile("w+", errors="replace") as out:
                p = subprocess.Popen(
                    [sys.executable, __file__, "--one", name], stdout=out,
                    stderr=out, stdin=subprocess.DEVNULL, env=env,
                    start_new_session=True)
                try:
                    code = p.wait(limit)
                except subprocess.TimeoutExpired:
                    os.killpg(p.pid, signal.SIGKILL)
                    p.wait()
                    code = None
                clean(tag)
                out.seek(0)
                text = out.read()
            if code is None:
                text += f"took longer than {limit} s\n"
            self._report(name, code == 0, time.monotonic() - start, text)

    def _report(self, name, good, seconds, text):
        with self.lock:
            self.number += 1
            if good:
                self.passed += 1
            else:
                self.failed.append(name)
            word = "ok" if good else "not ok"
            head = f"{word} {self.number} - {name}" if self.tap else \
                f"{word:6} {name}"
            print(f"{head} # {seconds:.1f} s", flush=True)
            if not good:
                for line in text.splitlines()[-150:]:
                    print(f"#   {line}")
                sys.stdout.flush()


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("words", nargs="*", metavar="WORD")
    ap.add_argument("-j", type=int, default=3, help="tests at a time")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--keep", action="store_true",
                    help="keep the folders of the tests")
    ap.add_argument("--tap", action="store_true", help="print TAP")
    ap.add_argument("--one", metavar="NAME", help=argparse.SUPPRESS)
    a = ap.parse_args()
    if a.one:
        return one(a.one)
    tests = discover(a.words)
    if a.list:
        print("\n".join(name for name, _ in sorted(tests)))
        return 0
    if not tests:
        print("no such test", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("the scenarios make network namespaces: run as root",
              file=sys.stderr)
        return 2
    from lib.spean import BINARY
    if not os.access(BINARY, os.X_OK):
        print(f"{BINARY} is missing: make build", file=sys.stderr)
        return 2
    if a.keep:
        os.environ["SPEAN_TEST_KEEP"] = "1"
    if a.tap:
        print(f"1..{len(tests)}", flush=True)
    start = time.monotonic()
    r = Runner(tests, a.j, a.tap)
    r.run()
    mark = "# " if a.tap else ""
    for name in r.failed:
        print(f"{mark}failed: {name}")
    print(f"{mark}{r.passed} passed, {len(r.failed)} failed "
          f"in {time.monotonic() - start:.0f} s")
    return 1 if r.failed else 0


if __name__ == "__main__":
    sys.exit(main())
