"""Real daemons as members, each with a private configuration.

Every class has the same face: start, stop, kill, restart, reset, up,
routes; options are words that each turns into its own configuration.
"""
import json
import os
import signal

from . import bgp
from .net import RS4, RS6, RS_ASN, LabError, check, wait_until


class Daemon:
    """A member: its node, its ASN, what it announces."""

    kind = ""

    def __init__(self, node, asn, announce, families=(4, 6), gr=False,
                 password=None, gtsm=False, hold=90, start=True):
        self.node = node
        self.lab = node.lab
        self.asn = asn
        self.announce = list(announce)
        self.families = families
        self.gr = gr
        self.password = password
        self.gtsm = gtsm
        self.hold = hold
        self.dir = self.lab.file(f"{node.name}-{self.kind}")
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o755)
        self.process = None
        if start:
            self.start()

    def start(self):
        self.configure()
        self.process = self.spawn()
        self.after_start()
        return self

    def after_start(self):
        pass

    def put(self, name, text, mode=0o644):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def of(self, family):
        """What it announces of family 4 or 6."""
        a = bgp.V6 if family == 6 else bgp.V4
        return [p for p in self.announce if bgp.afi(p) == a]

    def peers(self):
        return [(f, RS6 if f == 6 else RS4,
                 self.node.addr6 if f == 6 else self.node.addr4)
                for f in self.families]

    def stop(self):
        """Ends it as its operator would."""
        self.process.stop()

    def kill(self):
        """kill -9: no goodbye to anybody."""
        self.process.stop(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def wait_up(self, timeout=30):
        wait_until(self.up, timeout, f"{self} up", every=0.2)
        return self

    def wait_routes(self, want, timeout=20):
        """Until it holds exactly these prefixes from the exchange."""
        want = sorted(want)
        got = []

        def probe():
            got[:] = sorted(self.routes())
            return got == want
        wait_until(probe, timeout, lambda: f"{self}: {want}, it has {got}",
                   every=0.2)

    def wait_route(self, prefix, timeout=20):
        return wait_until(lambda: self.routes().get(prefix), timeout,
                          f"{self}: {prefix}", every=0.2)

    def __str__(self):
        return f"{self.kind} AS{self.asn}"


class Bird(Daemon):
    kind = "bird2"

    def __init__(self, *args, options="", **kw):
        self.options = options
        self.recover = False
        super().__init__(*args, **kw)

    def configure(self):
        c = (f'log "{self.dir}/log" all;\nrouter id {self.node.addr4};\n'
             "protocol device {}\n")
        for f in (4, 6):
            c += f"protocol static s{f} {{ ipv{f};\n"
            for p in self.of(f):
                c += f"  route {p} blackhole;\n"
            c += "}\n"
        for f, peer, addr in self.peers():
            c += (f"protocol bgp rs{f} {{\n  local {addr} as {self.asn};\n"
                  f"  neighbor {peer} as {RS_ASN};\n"
                  f"  hold time {self.hold}; connect delay time 1;\n"
                  "  connect retry time 2; error wait time 1, 2;\n"
                  f"  graceful restart {'on' if self.gr else 'aware'};\n")
            if self.password:
                c += f'  password "{self.password}";\n'
            if self.gtsm:
                c += "  ttl security on;\n"
            c += (f"  {self.options}\n  ipv{f} {{ import all; import table; "
                  "export where source = RTS_STATIC; };\n}\n")
        self.put("bird.conf", c)

    def spawn(self):
        return self.node.spawn(
            "bird2", ["bird", "-f", "-c", f"{self.dir}/bird.conf", "-s",
                      f"{self.dir}/ctl", "-P", f"{self.dir}/pid"]
            + (["-R"] if self.recover else []))

    def birdc(self, *words):
        return self.node.run("birdc", "-s", f"{self.dir}/ctl", "-v", *words,
                             fail=False)

    def up(self):
        text = self.birdc("show", "protocols")
        return text.count("Established") == len(self.families)

    def routes(self):
        """{prefix: {next_hop, as_path}}"""
        out = {}
        for f, _, _ in self.peers():
            text = self.birdc("show", "route", "protocol", f"rs{f}", "all")
            prefix = None
            for line in text.splitlines():
                words = line[5:].split() if line[:4].isdigit() else \
                    line.split()
                if not words:
                    continue
                if "/" in words[0] and words[0][0].isalnum() and \
                        "unicast" in line:
                    prefix = words[0]
                    out[prefix] = {}
                elif prefix and words[0].startswith("BGP."):
                    out[prefix][words[0][4:].rstrip(":")] = " ".join(
                        words[1:])
        return out

    def restart_gracefully(self):
        """Goes without a word, as RFC 4724 wants it, and comes back."""
        self.birdc("graceful", "restart")
        self.process.wait(10)
        self.recover = True
        self.start()

    def reset(self):
        self.birdc("restart", '"rs*"')


class Frr(Daemon):
    kind = "frr"
    zebra = None

    def configure(self):
        c = ("log file log debugging\ndebug bgp neighbor-events\n"
             "bgp as-path access-list own permit ^$\n"
             f"router bgp {self.asn}\n bgp router-id {self.node.addr4}\n"
             " no bgp ebgp-requires-policy\n"
             " no bgp default ipv4-unicast\n no bgp network import-check\n")
        if self.gr:
            c += (" bgp graceful-restart\n"
                  " bgp graceful-restart preserve-fw-state\n"
                  " bgp graceful-restart select-defer-time 20\n")
        for f, peer, addr in self.peers():
            c += (f" neighbor {peer} remote-as {RS_ASN}\n"
                  f" neighbor {peer} timers {self.hold // 3} {self.hold}\n"
                  f" neighbor {peer} timers connect 2\n"
                  f" neighbor {peer} advertisement-interval 0\n"
                  f" neighbor {peer} update-source {addr}\n")
            if self.password:
                c += f" neighbor {peer} password {self.password}\n"
            if self.gtsm:
                c += f" neighbor {peer} ttl-security hops 1\n"
        for f, peer, _ in self.peers():
            c += f" address-family ipv{f} unicast\n"
            for p in self.of(f):
                c += f"  network {p}\n"
            c += (f"  neighbor {peer} activate\n"
                  f"  neighbor {peer} filter-list own out\n"
                  f"  neighbor {peer} soft-reconfiguration inbound\n"
                  " exit-address-family\n")
        c = c.replace("log file log", f"log file {self.dir}/log")
        self.put("bgpd.conf", c)

    def spawn(self):
        """bgpd, and zebra once: without it bgpd knows no interfaces, and
        refuses routes that have a link-local next hop."""
        zserv = f"{self.dir}/zserv"
        common = ["-S", "-P", "0", "-z", zserv, "--vty_socket", self.dir]
        if self.zebra is None:
            os.chmod(self.dir, 0o777)  # zebra runs as a user of its own
            self.put("zebra.conf", "log file %s/zebra.log\n" % self.dir)
            self.zebra = self.node.spawn(
                "zebra", ["/usr/lib/frr/zebra", *common[1:], "-f",
                          f"{self.dir}/zebra.conf", "-i",
                          f"{self.dir}/zebra.pid"])
            wait_until(lambda: os.path.exists(zserv), 10, "zebra's socket")
        return self.node.spawn(
            "frr", ["/usr/lib/frr/bgpd", *common, "-f",
                    f"{self.dir}/bgpd.conf", "-i", f"{self.dir}/pid"])

    def vtysh(self, command):
        return self.node.run("vtysh", "--vty_socket", self.dir, "-d", "bgpd",
                             "-c", command, fail=False)

    def _json(self, command):
        try:
            return json.loads(self.vtysh(command + " json"))
        except ValueError:
            return {}

    def up(self):
        n = 0
        for f, peer, _ in self.peers():
            rows = self._json(f"show bgp neighbors {peer}")
            n += rows.get(peer, {}).get("bgpState") == "Established"
        return n == len(self.families)

    def routes(self):
        out = {}
        for f, peer, _ in self.peers():
            rows = self._json(f"show bgp ipv{f} unicast neighbors {peer} "
                              "routes").get("routes", {})
            for prefix, paths in rows.items():
                p = paths[0]
                out[prefix] = {"as_path": p["path"],
                               "next_hop": [h["ip"] for h in p["nexthops"]],
                               "med": p.get("metric")}
        return out

    def reset(self):
        for _, peer, _ in self.peers():
            self.vtysh(f"clear bgp {peer}")


class OpenBgpd(Daemon):
    kind = "openbgpd"

    def configure(self):
        # Its children chroot to the home of their user.
        os.makedirs("/run/openbgpd", exist_ok=True)
        c = (f"AS {self.asn}\nrouter-id {self.node.addr4}\nfib-update no\n"
             f"holdtime {self.hold}\nconnect-retry 2\n"
             f'socket "{self.dir}/sock"\n')
        for f, _, addr in self.peers():
            c += f"listen on {addr}\n"
        for p in self.announce:
            c += f"network {p}\n"
        for f, peer, addr in self.peers():
            c += (f"neighbor {peer} {{\n  remote-as {RS_ASN}\n"
                  f"  local-address {addr}\n  enforce neighbor-as no\n"
                  f"  announce IPv{f} unicast\n")
            if self.password:
                c += f'  tcp md5sig password "{self.password}"\n'
            if self.gtsm:
                c += "  ttl-security yes\n"
            c += "}\n"
        c += "allow from any\nallow to any\n"
        self.put("bgpd.conf", c, 0o600)

    def spawn(self):
        return self.node.spawn(
            "openbgpd", ["/usr/sbin/bgpd", "-d", "-v", "-f",
                         f"{self.dir}/bgpd.conf"])

    def bgpctl(self, *words):
        return self.node.run("bgpctl", "-s", f"{self.dir}/sock", *words,
                             fail=False)

    def _json(self, *words):
        try:
            return json.loads(self.bgpctl("-j", *words))
        except ValueError:
            return {}

    def up(self):
        rows = self._json("show", "neighbor").get("neighbors", [])
        return sum(r.get("state") == "Established" for r in rows) == \
            len(self.families)

    def routes(self):
        out = {}
        for _, peer, _ in self.peers():
            for r in self._json("show", "rib", "neighbor", peer,
                                "in").get("rib", []):
                out[r["prefix"]] = {"as_path": r["aspath"],
                                    "next_hop": r["exit_nexthop"]}
        return out

    def reset(self):
        for _, peer, _ in self.peers():
            self.bgpctl("neighbor", peer, "clear")


class GoBgp(Daemon):
    kind = "gobgp"

    def __init__(self, *args, notification=False, restart_s=60, **kw):
        self.notification = notification
        self.restart_s = restart_s
        self.recover = False
        super().__init__(*args, **kw)

    def configure(self):
        c = (f'[global.config]\nas = {self.asn}\n'
             f'router-id = "{self.node.addr4}"\n')
        for f, peer, addr in self.peers():
            c += (f'[[neighbors]]\n[neighbors.config]\n'
                  f'neighbor-address = "{peer}"\npeer-as = {RS_ASN}\n')
            if self.password:
                c += f'auth-password = "{self.password}"\n'
            c += (f'[neighbors.transport.config]\nlocal-address = "{addr}"\n'
                  f"[neighbors.timers.config]\nconnect-retry = 5\n"
                  f"hold-time = {self.hold}\n"
                  f"keepalive-interval = {self.hold // 3}\n"
                  "idle-hold-time-after-reset = 2\n")
            if self.gtsm:
                c += ("[neighbors.ttl-security.config]\nenabled = true\n"
                      "ttl-min = 255\n")
            if self.gr:
                c += ("[neighbors.graceful-restart.config]\nenabled = true\n"
                      f"restart-time = {self.restart_s}\n"
                      "deferral-time = 10\n")
                if self.notification:
                    c += "notification-enabled = true\n"
            c += (f'[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\n'
                  f'afi-safi-name = "ipv{f}-unicast"\n')
            if self.gr:
                c += ("[neighbors.afi-safis.mp-graceful-restart.config]\n"
                      "enabled = true\n")
        self.put("gobgp.toml", c)

    def spawn(self):
        return self.node.spawn(
            "gobgpd", ["gobgpd", "-f", f"{self.dir}/gobgp.toml",
                       "--api-hosts", "127.0.0.1:50051", "--pprof-disable"]
            + (["-r"] if self.recover else []))

    def gobgp(self, *words, fail=False):
        return self.node.run("gobgp", *words, fail=fail)

    def after_start(self):
        wait_until(lambda: "AS:" in self.gobgp("global"), 10,
                   "gobgpd to answer")
        for f in (4, 6):
            for p in self.of(f):
                self.gobgp("global", "rib", "-a", f"ipv{f}", "add", p,
                           fail=True)

    def up(self):
        n = 0
        for _, peer, _ in self.peers():
            try:
                row = json.loads(self.gobgp("neighbor", peer, "-j"))
            except ValueError:
                return False
            n += row.get("state", {}).get("session_state") == 6
        return n == len(self.families)

    def routes(self):
        out = {}
        for f, peer, _ in self.peers():
            try:
                rows = json.loads(self.gobgp("neighbor", peer, "adj-in", "-a",
                                             f"ipv{f}", "-j"))
            except ValueError:
                continue
            for prefix, paths in rows.items():
                one = {}
                for a in paths[0]["attrs"]:
                    if a["type"] == bgp.AS_PATH:
                        one["as_path"] = [x for s in a["as_paths"]
                                          for x in s["asns"]]
                    elif a["type"] in (bgp.NEXT_HOP, bgp.MP_REACH):
                        one["next_hop"] = a["nexthop"]
                out[prefix] = one
        return out

    def restart_gracefully(self):
        self.kill()
        self.recover = True
        # Its End-of-RIB must not come before its routes do, one by one.
        self.node.link(False)
        self.start()
        self.node.link(True)

    def reset(self):
        for _, peer, _ in self.peers():
            self.gobgp("neighbor", peer, "disable", fail=True)
            self.gobgp("neighbor", peer, "enable", fail=True)

    def send_cease(self):
        """Cease, administrative reset; it is idle for half a minute then."""
        for _, peer, _ in self.peers():
            self.gobgp("neighbor", peer, "reset", fail=True)


READER = """#!/usr/bin/python3
import sys
for line in sys.stdin:
    with open("PATH", "a") as f:
        f.write(line)
"""


class ExaBgp(Daemon):
    kind = "exabgp"

    def configure(self):
        out = os.path.join(self.dir, "events")
        open(out, "w").close()
        self.put("reader.py", READER.replace("PATH", out), 0o755)
        c = (f"process reader {{\n  run {self.dir}/reader.py;\n"
             "  encoder json;\n}\n")
        for f, peer, addr in self.peers():
            c += (f"neighbor {peer} {{\n  router-id {self.node.addr4};\n"
                  f"  local-address {addr};\n  local-as {self.asn};\n"
                  f"  peer-as {RS_ASN};\n  hold-time {self.hold};\n")
            if self.password:
                c += f'  md5-password "{self.password}";\n'
            c += (f"  family {{ ipv{f} unicast; }}\n"
                  "  api { processes [ reader ]; neighbor-changes;\n"
                  "    receive { parsed; update; } }\n  static {\n")
            for p in self.of(f):
                c += f"    route {p} next-hop {addr};\n"
            c += "  }\n}\n"
        self.put("exabgp.conf", c)

    def spawn(self):
        env = {"exabgp.daemon.daemonize": "false",
               "exabgp.daemon.user": "root", "exabgp.api.cli": "false",
               "exabgp.log.level": "INFO", "exabgp.log.destination": "stdout",
               "exabgp.daemon.drop": "false"}
        return self.node.spawn("exabgp", ["exabgp",
                                          f"{self.dir}/exabgp.conf"], env)

    def _events(self):
        with open(os.path.join(self.dir, "events")) as f:
            for line in f:
                try:
                    yield json.loads(line)["neighbor"] | \
                        {"kind": json.loads(line)["type"]}
                except (ValueError, KeyError):
                    continue

    def up(self):
        state = {}
        for e in self._events():
            if e["kind"] == "state":
                state[e["address"]["peer"]] = e["state"]
        return sum(s == "up" for s in state.values()) == len(self.families)

    def routes(self):
        out = {}
        for e in self._events():
            if e["kind"] == "state" and e["state"] == "down":
                f = 6 if ":" in e["address"]["peer"] else 4
                out = {p: r for p, r in out.items()
                       if (bgp.afi(p) == bgp.V6) != (f == 6)}
            u = e.get("message", {}).get("update", {})
            for rows in u.get("withdraw", {}).values():
                for p in rows:
                    out.pop(p if isinstance(p, str) else p["nlri"], None)
            for rows in u.get("announce", {}).values():
                for hop, nlris in rows.items():
                    for p in nlris:
                        if isinstance(p, str) and p == "eor":
                            continue
                        p = p if isinstance(p, str) else p["nlri"]
                        out[p] = {"next_hop": hop,
                                  "as_path": u["attribute"].get("as-path")}
        return out

    def reset(self):
        """It tears its sessions down when its file names other timers."""
        self.hold += 3
        self.configure()
        self.process.send_signal(signal.SIGUSR1)


KINDS = {c.kind: c for c in (Bird, Frr, OpenBgpd, GoBgp, ExaBgp)}


def daemon(kind, *args, **kw):
    check(kind in KINDS, f"no such daemon: {kind}")
    return KINDS[kind](*args, **kw)
