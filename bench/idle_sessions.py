#!/usr/bin/env python3
"""What a thousand idle sessions cost.

    bench/idle_sessions.py [-b build/spean] [-n 1000] [-t 60]

Starts spean on loopback with n members, brings all sessions up, lets them
exchange KEEPALIVEs as negotiated (hold 90 s), and prints one line of JSON:
the CPU of each role in percent of one core, and their memory.
"""
import argparse
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HOLD = 90
MARKER = b"\xff" * 16
KEEPALIVE = MARKER + struct.pack("!HB", 19, 4)


def address(i):
    return f"127.1.{i // 200}.{i % 200 + 1}"


def asn(i):
    return 4200000000 + i


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PORT = free_port()


def config(n):
    out = [f'exchange "Idle" {{ asn 64500; router-id 192.0.2.1; '
           f'listen 127.0.0.1; port {PORT}; hold {HOLD}s; }}',
           "policy { preset open; }"]
    for i in range(n):
        out.append(f'member "M{i}" {{ asn {asn(i)}; '
                   f'at {address(i)} {{ passive on; }} }}')
    return "\n".join(out) + "\n"


def open_message(i):
    caps = (b"\x01\x04\x00\x01\x00\x01" + b"\x41\x04" +
            struct.pack("!I", asn(i)))
    body = struct.pack("!BHHIBBB", 4, 23456, HOLD, 0x0a000000 + i + 1,
                       len(caps) + 2, 2, len(caps)) + caps
    return MARKER + struct.pack("!HB", 19 + len(body), 1) + body


class Peer:
    def __init__(self, i):
        self.s = socket.socket()
        self.s.bind((address(i), 0))
        self.s.connect(("127.0.0.1", PORT))
        self.s.setblocking(False)
        self.s.send(open_message(i))
        self.buf = b""
        self.up = False
        self.next = 0.0

    def read(self):
        """Gives False when the session is over."""
        try:
            got = self.s.recv(65536)
        except BlockingIOError:
            return True
        if not got:
            return False
        self.buf += got
        while len(self.buf) >= 19:
            n, kind = struct.unpack("!HB", self.buf[16:19])
            if len(self.buf) < n:
                break
            self.buf = self.buf[n:]
            if kind == 1:
                self.s.send(KEEPALIVE)
            elif kind == 4:
                self.up = True
            elif kind == 3:
                return False
        return True


def tree(pid):
    """Names, CPU seconds and memory of pid and its children."""
    out = {}
    pids = [pid]
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            pids += [int(p) for p in f.read().split()]
    except OSError:
        pass
    tick = os.sysconf("SC_CLK_TCK")
    for p in pids:
        with open(f"/proc/{p}/stat") as f:
            head, tail = f.read().rsplit(")", 1)
        fields = tail.split()
        name = head.split("(", 1)[1]
        cpu = (int(fields[11]) + int(fields[12])) / tick
        kb = 0
        with open(f"/proc/{p}/status") as f:
            for line in f:
                if line.startswith("RssAnon"):
                    kb = int(line.split()[1])
        was = out.get(name, (0, 0))
        out[name] = (was[0] + cpu, was[1] + kb)
    return out


def serve(peers, poll, until):
    by_fd = {p.s.fileno(): p for p in peers}
    lost = 0
    while time.monotonic() < until:
        for fd, _ in poll.poll(0.2):
            if not by_fd[fd].read():
                poll.unregister(fd)
                lost += 1
        now = time.monotonic()
        for p in peers:
            if now >= p.next:
                p.next = now + HOLD / 3
                p.s.send(KEEPALIVE)
    return lost


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("-b", default="build/spean", help="the program")
    ap.add_argument("-n", type=int, default=1000, help="sessions")
    ap.add_argument("-t", type=float, default=60, help="seconds measured")
    a = ap.parse_args()
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "spean.conf")
        with open(path, "w") as f:
            f.write(config(a.n))
        os.chmod(d, 0o755)
        spean = subprocess.Popen(
            [a.b, "run", "-c", path, "--run-dir", d + "/run",
             "--state-dir", d + "/state"],
            stdout=subprocess.PIPE, stderr=open(d + "/log", "w"))
        try:
            while b"ready" not in spean.stdout.readline():
                if spean.poll() is not None:
                    sys.exit("spean ended: " + open(d + "/log").read())
            return measure(a, spean.pid)
        finally:
            spean.send_signal(signal.SIGTERM)
            try:
                spean.wait(10)
            except subprocess.TimeoutExpired:
                spean.kill()


def measure(a, pid):
    poll = select.epoll()
    peers = []
    for i in range(a.n):
        p = Peer(i)
        # Spread, as sessions are that did not start in the same second.
        p.next = time.monotonic() + HOLD / 3 * i / a.n
        poll.register(p.s.fileno(), select.EPOLLIN)
        peers.append(p)
    serve(peers, poll, time.monotonic() + 5)
    up = sum(p.up for p in peers)
    before = tree(pid)
    start = time.monotonic()
    lost = serve(peers, poll, start + a.t)
    took = time.monotonic() - start
    after = tree(pid)
    roles = {}
    for name in after:
        cpu = after[name][0] - before.get(name, (0, 0))[0]
        roles[name] = {"cpu_percent": round(100 * cpu / took, 2),
                       "anon_kb": after[name][1]}
    print(json.dumps({
        "bench": "idle_sessions", "sessions": a.n, "established": up,
        "lost": lost, "seconds": round(took, 1), "roles": roles,
        "cpu_percent": round(sum(r["cpu_percent"] for r in roles.values()),
                             2)}))
    return 0 if up == a.n and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
