#!/usr/bin/env python3
"""A small routing registry that speaks IRRd's protocol, as far as bgpq4 asks.

    irr.py ADDRESS PORT FILE

FILE is JSON and read again for each question:
    {"mode": "answer", "sets": {"AS-X": ["AS64501"]},
     "routes": {"AS64501": ["203.0.113.0/24", "2001:db8::/32"]}}
mode: answer, empty, garbage, huge, stall, refuse.
"""
import json
import socketserver
import sys
import time


class Handler(socketserver.StreamRequestHandler):
    def say(self, words):
        if not words:
            self.wfile.write(b"D\n")
            return
        text = " ".join(words) + "\n"
        self.wfile.write(f"A{len(text)}\n{text}C\n".encode())

    def answer(self, c, db):
        mode = db["mode"]
        if c == "!s-lc":
            self.say(["RADB,RIPE"])
        elif c[:2] in ("!n", "!s", "!t"):
            self.wfile.write(b"C\n")
        elif mode == "empty":
            self.wfile.write(b"D\n")
        elif mode == "garbage":
            self.wfile.write(b"A13\nnot a prefix\nC\n")
        elif c.startswith("!i"):
            self.say(db["sets"].get(c[2:].split(",")[0].upper()))
        elif mode == "huge" and c[:2] in ("!g", "!6"):
            self.say(huge(c.startswith("!6")))
        elif c[:2] in ("!g", "!6"):
            six = c.startswith("!6")
            self.say([r for r in db["routes"].get(c[2:].upper(), [])
                      if (":" in r) == six])
        else:
            self.wfile.write(b"F unknown\n")

    def handle(self):
        try:
            for line in self.rfile:
                c = line.decode("ascii", "replace").strip()
                with open(sys.argv[3], encoding="ascii") as f:
                    db = json.load(f)
                if db["mode"] == "stall":
                    time.sleep(60)
                if c == "!q" or db["mode"] == "refuse":
                    return
                if c != "!!":
                    self.answer(c, db)
        except OSError:
            pass


def huge(six):
    """More prefixes than any member can have."""
    if six:
        return ["2001:67c::/32"]
    # Every other /24: these do not become fewer ranges.
    return [f"{i >> 15 & 255}.{i >> 7 & 255}.{i << 1 & 255}.0/24"
            for i in range(1 << 16, (1 << 16) + 1100000)]


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
