"""What is measured: each class is one route server.

config(d, clients, v6) writes its files into folder d; cmd(d) is an argv
that stays in the foreground; settled says which lines it can run.  Every
configuration is a minimal route server: no policy beyond accept, AS path
and next hop left alone, one table.

clients: list of (address, ASN).
"""
import os
import pathlib

IP, IP6, ASN, PORT = "10.99.0.1", "fd99::ffff", 64999, 179
HOLD = 90  # s, the same for all, so that all send as many KEEPALIVEs
TOP = pathlib.Path(__file__).resolve().parents[1]


def put(d, name, text):
    with open(os.path.join(d, name), "w") as f:
        f.write(text)


class Spean:
    """SPEAN: path of the binary."""

    name = "spean"
    bin = os.environ.get("SPEAN", str(TOP / "build" / "spean"))
    policy = "preset open;"

    def text(self, clients, policy=None):
        c = (f'exchange "bench" {{ asn {ASN}; router-id {IP}; '
             f"listen {IP}; lan 10.99.0.0/16; hold {HOLD}s; }}\n"
             f"policy {{ {policy or self.policy} }}\n")
        for i, (a, n) in enumerate(clients):
            c += f'member "c{i}" {{ asn {n}; at {a} {{ passive on; }} }}\n'
        return c

    def config(self, d, clients, v6):
        put(d, "spean.conf", self.text(clients))
        for x in ("run", "state"):
            os.makedirs(f"{d}/{x}", exist_ok=True)

    def cmd(self, d):
        return [self.bin, "run", "-c", f"{d}/spean.conf", "--run-dir",
                f"{d}/run", "--state-dir", f"{d}/state"]


class SpeanStrict(Spean):
    """All checks on; the table's paths hold transit-free networks."""

    name = "spean-strict"
    policy = "preset strict; transit-free 4199999999;"


class Bird2:
    name, bin, table = "bird2", "/usr/sbin/bird", ""

    def config(self, d, clients, v6):
        def family(n):
            t = f"table t{n}; secondary; " if self.table else ""
            return f"ipv{n} {{ {t}import all; export all; }}; "
        c = (f'log "{d}/log" {{ warning, error, fatal, bug }};\n'
             f"router id {IP};\n{self.table}\nprotocol device {{}}\n"
             f"template bgp rsc {{ local {IP} as {ASN}; rs client; "
             f"passive on; hold time {HOLD}; {family(4)}{family(6) if v6 else ''}}}\n")
        for i, (a, n) in enumerate(clients):
            c += (f"protocol bgp c{i} from rsc {{ neighbor {a} as {n}; }}\n")
        put(d, "bird.conf", c)

    def cmd(self, d):
        return [self.bin, "-f", "-c", f"{d}/bird.conf", "-s", f"{d}/ctl",
                "-P", f"{d}/pid"]


class Bird2Secondary(Bird2):
    """A best path for each client, as RFC 7947 s2.3.2.1 wants it."""

    name = "bird2-secondary"
    table = "ipv4 table t4 sorted; ipv6 table t6 sorted;"


class OpenBgpd:
    name, home = "openbgpd", "/run/openbgpd"

    def config(self, d, clients, v6):
        os.makedirs(self.home, exist_ok=True)  # its children chroot to it
        c = (f"AS {ASN}\nrouter-id {IP}\nlisten on {IP}\nfib-update no\n"
             f'socket "{d}/sock"\ntransparent-as yes\ngroup rs {{\n'
             "  passive\n  announce IPv4 unicast\n"
             + ("  announce IPv6 unicast\n" if v6 else "")
             + "  set nexthop no-modify\n")
        for a, n in clients:
            c += f"  neighbor {a} {{ remote-as {n} }}\n"
        put(d, "bgpd.conf", c + "}\nallow from any\nallow to any\n")
        os.chmod(f"{d}/bgpd.conf", 0o600)

    def cmd(self, d):
        return ["/usr/sbin/bgpd", "-d", "-f", f"{d}/bgpd.conf"]


class Frr:
    name = "frr"

    def config(self, d, clients, v6):
        c = (f"log file {d}/log warnings\nrouter bgp {ASN}\n"
             f" bgp router-id {IP}\n no bgp ebgp-requires-policy\n"
             " no bgp default ipv4-unicast\n no bgp network import-check\n"
             " neighbor RS peer-group\n neighbor RS passive\n")
        for a, n in clients:
            c += (f" neighbor {a} remote-as {n}\n"
                  f" neighbor {a} peer-group RS\n")
        for f in (4, 6) if v6 else (4,):
            c += (f" address-family ipv{f} unicast\n  neighbor RS activate\n"
                  "  neighbor RS route-server-client\n"
                  " exit-address-family\n")
        put(d, "bgpd.conf", c)

    def cmd(self, d):
        return ["/usr/lib/frr/bgpd", "-Z", "-S", "-P", "0", "-l", IP, "-f",
                f"{d}/bgpd.conf", "-i", f"{d}/pid", "--vty_socket", d]


class GoBgp:
    name = "gobgp"

    def config(self, d, clients, v6):
        c = (f'[global.config]\nas = {ASN}\nrouter-id = "{IP}"\n'
             f'port = {PORT}\nlocal-address-list = ["{IP}"]\n')
        for a, n in clients:
            c += (f'[[neighbors]]\n[neighbors.config]\n'
                  f'neighbor-address = "{a}"\npeer-as = {n}\n'
                  "[neighbors.transport.config]\npassive-mode = true\n"
                  f'local-address = "{IP}"\n'
                  "[neighbors.route-server.config]\n"
                  "route-server-client = true\n")
            for f in (4, 6) if v6 else (4,):
                c += ("[[neighbors.afi-safis]]\n"
                      "[neighbors.afi-safis.config]\n"
                      f'afi-safi-name = "ipv{f}-unicast"\n')
        put(d, "gobgp.toml", c)

    def cmd(self, d):
        return ["/usr/bin/gobgpd", "-f", f"{d}/gobgp.toml", "--api-hosts",
                "127.0.0.1:50099", "--pprof-disable", "-l", "error"]


class Hub:
    """The floor: copies UPDATEs and keeps no table (hub.c).  HUB: its path."""

    name = "hub-floor"

    def config(self, d, clients, v6):
        pass

    def cmd(self, d):
        return [os.environ["HUB"], IP, str(PORT), str(ASN)]


ALL = {c.name: c for c in (Spean, SpeanStrict, Bird2, Bird2Secondary,
                           OpenBgpd, Frr, GoBgp, Hub)}
