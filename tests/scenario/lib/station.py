"""A BMP station: a pmbmpd, and what it was told."""
import collections
import json
import os

from .net import need, wait_until

PORT = 1790
PMBMPD = """daemonize: false
bmp_daemon_ip: %s
bmp_daemon_port: %u
bmp_daemon_msglog_file: %s
logfile: %s
"""


def many(n):
    return [f"{20 + i // 65536}.{i // 256 % 256}.{i % 256}.0/24"
            for i in range(n)]


def feeds(text, extra=""):
    return extra + "monitoring { " + text + " }\n"


class Station:
    """A pmbmpd; what it was told, by RIB and prefix."""

    def __init__(self, node):
        need("pmbmpd")
        lab = node.lab
        self.msglog = lab.file(f"{node.name}.msglog")
        self.log = lab.file(f"{node.name}.log")
        conf = lab.write(f"{node.name}.pmbmpd", PMBMPD % (
            node.addr4, PORT, self.msglog, self.log))
        self.at = 0
        self.clear()
        self.process = node.spawn("pmbmpd", ["pmbmpd", "-f", conf])
        wait_until(lambda: "waiting for BMP" in self.text(), 10,
                   "pmbmpd to wait for us")

    def text(self):
        try:
            with open(self.log) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def read(self):
        """Takes in what has come since."""
        if not os.path.exists(self.msglog):
            return  # nobody has connected yet
        with open(self.msglog) as f:
            f.seek(self.at)
            for line in iter(f.readline, ""):
                if not line.endswith("\n"):
                    break
                self.at += len(line)
                self.take(json.loads(line))

    def take(self, m):
        if m["event_type"] == "log_init":
            self.clear()
        if m["event_type"] != "log":
            return
        kind = m["bmp_msg_type"]
        if kind == "peer_down":
            for rib in ("pre", "post", "out"):
                self.tables.pop((rib, m["peer_ip"]), None)
        if kind != "route_monitor":
            self.others.append(m)
            return
        rib = ("loc" if m.get("is_loc") else
               "out" if m.get("is_out") else
               "post" if m["is_post"] else "pre")
        key = (m["ip_prefix"], m.get("as_path_id"))
        table = self.tables[rib, m["peer_ip"]]
        if m["log_type"] == "withdraw":
            table.pop(key, None)
        else:
            table[key] = m

    def clear(self):
        """Only the last connection counts."""
        self.tables = collections.defaultdict(dict)
        self.others = []

    def messages(self):
        """All but routes."""
        self.read()
        return self.others

    def ribs(self):
        """{(pre|post|loc|out, peer): {(prefix, path id): message}}"""
        self.read()
        return self.tables

    def count(self, rib, peer):
        return len(self.ribs()[rib, peer])
