"""What is measured: each class is one route server.

config(d, job) writes its files into folder d; cmd(d) is an argv that stays
in the foreground; change(d, job, limit) gives it the policy that refuses
routes with more communities than limit.  Every configuration is a minimal
route server: no policy beyond what the line asks for, AS path and next hop
left alone, one table.

job (run.py): clients, list of (address, ASN); v6; control, whether routes
carry control communities; registered, the prefix sets of some clients;
touch, the limit of line f; max_communities, what it is before.
"""
import os
import pathlib
import subprocess

IP, IP6, ASN, PORT = "10.99.0.1", "fd99::ffff", 64999, 179
HOLD = 90  # s, the same for all, so that all send as many KEEPALIVEs
TOP = pathlib.Path(__file__).resolve().parents[1]


def put(d, name, text):
    with open(os.path.join(d, name), "w") as f:
        f.write(text)


class Server:
    phases = ()  # of a line, that it can run; all


class Spean(Server):
    """SPEAN: path of the binary."""

    name = "spean"
    bin = os.environ.get("SPEAN", str(TOP / "build" / "spean"))
    exchange = ""  # more directives of the exchange block
    # All checks, where one is asked for; the paths hold transit-free ASNs.
    strict = False

    def policy(self, job, limit):
        if not (self.strict or job.registered or job.touch):
            return "preset open;"
        return ("preset strict; transit-free 4199999999; "
                f"max-communities {limit};")

    def text(self, job, limit):
        c = (f'exchange "bench" {{ asn {ASN}; router-id {IP}; '
             f"listen {IP}; lan 10.99.0.0/16; hold {HOLD}s; "
             f"{self.exchange}}}\n"
             f"policy {{ {self.policy(job, limit)} }}\n")
        for i, (a, n) in enumerate(job.clients):
            own = "".join(f" prefix {p};"
                          for p in job.registered.get(i, ()))
            c += (f'member "c{i}" {{ asn {n}; '
                  f"at {a} {{ passive on; }}{own} }}\n")
        return c

    def config(self, d, job):
        put(d, "spean.conf", self.text(job, job.max_communities))
        for x in ("run", "state"):
            os.makedirs(f"{d}/{x}", exist_ok=True)

    def cmd(self, d):
        return [self.bin, "run", "-c", f"{d}/spean.conf", "--run-dir",
                f"{d}/run", "--state-dir", f"{d}/state"]

    def change(self, d, job, limit):
        put(d, "new.conf", self.text(job, limit))
        return subprocess.run(
            [self.bin, "apply", "-c", f"{d}/new.conf", "--run-dir",
             f"{d}/run"], capture_output=True, text=True, check=False)


class SpeanStrict(Spean):
    """All checks on, on every line."""

    name = "spean-strict"
    strict = True


class SpeanTwo(Spean):
    """Two instances of the session role."""

    name = "spean-2-sessions"
    exchange = "session-instances 2; "


class SpeanSteady(Spean):
    """Sessions that keep ending wait a second, not five minutes."""

    name = "spean-steady"
    exchange = "back-off 1s; "


# Control communities for bird2, as DESIGN and Euro-IX have them.
BIRD_CONTROL = f"""
function may_have(int peer)
{{
  if (0, peer) ~ bgp_community then return false;
  if ({ASN}, 0, peer) ~ bgp_large_community then return false;
  if ({ASN}, peer) ~ bgp_community then return true;
  if ({ASN}, 1, peer) ~ bgp_large_community then return true;
  if (0, {ASN}) ~ bgp_community then return false;
  if ({ASN}, 0, 0) ~ bgp_large_community then return false;
  return true;
}}
function prepend_for(int peer)
{{
  if ({ASN}, 101, peer) ~ bgp_large_community then
    bgp_path.prepend(bgp_path.first);
  if ({ASN}, 102, peer) ~ bgp_large_community then {{
    bgp_path.prepend(bgp_path.first);
    bgp_path.prepend(bgp_path.first);
  }}
  if ({ASN}, 103, peer) ~ bgp_large_community then {{
    bgp_path.prepend(bgp_path.first);
    bgp_path.prepend(bgp_path.first);
    bgp_path.prepend(bgp_path.first);
  }}
}}
function scrub()
{{
  bgp_community.delete([(0, *), ({ASN}, *)]);
  bgp_large_community.delete([({ASN}, 0..1, *), ({ASN}, 101..103, *)]);
}}
"""


class Bird2(Server):
    name, bin, table, channel = "bird2", "/usr/sbin/bird", "", ""

    def family(self, n, job, i):
        imports = exports = "all"
        if job.touch:
            imports = "filter limited"
        if i in job.registered:
            imports = f"where net ~ set{i}"
        if job.control:
            exports = f"filter to{i}"
        t = f"table t{n}; secondary; " if self.table else ""
        return (f"ipv{n} {{ {t}{self.channel}import {imports}; "
                f"export {exports}; }}; ")

    def filters(self, job, limit):
        c = ""
        if job.touch:
            c += (f"filter limited {{ if bgp_community.len + "
                  f"bgp_large_community.len > {limit} then reject; "
                  "accept; }\n")
        for i, prefixes in job.registered.items():
            c += f"define set{i} = [{', '.join(prefixes)}];\n"
        if job.control:
            c += BIRD_CONTROL
            for i, (_, n) in enumerate(job.clients):
                c += (f"filter to{i} {{ if ! may_have({n}) then reject; "
                      f"prepend_for({n}); scrub(); accept; }}\n")
        return c

    def text(self, d, job, limit):
        c = (f'log "{d}/log" {{ warning, error, fatal, bug }};\n'
             f"router id {IP};\n{self.table}\nprotocol device {{}}\n"
             f"{self.filters(job, limit)}"
             f"template bgp rsc {{ local {IP} as {ASN}; rs client; "
             f"passive on; hold time {HOLD}; }}\n")
        for i, (a, n) in enumerate(job.clients):
            c += (f"protocol bgp c{i} from rsc {{ neighbor {a} as {n}; "
                  + self.family(4, job, i)
                  + (self.family(6, job, i) if job.v6 else "") + "}\n")
        return c

    def config(self, d, job):
        put(d, "bird.conf", self.text(d, job, job.max_communities))

    def cmd(self, d):
        return [self.bin, "-f", "-c", f"{d}/bird.conf", "-s", f"{d}/ctl",
                "-P", f"{d}/pid"]

    def change(self, d, job, limit):
        put(d, "bird.conf", self.text(d, job, limit))
        return subprocess.run(
            ["birdc", "-s", f"{d}/ctl", "configure"], capture_output=True,
            text=True, check=False)


class Bird2Secondary(Bird2):
    """A best path for each client, as RFC 7947 s2.3.2.1 wants it."""

    name = "bird2-secondary"
    table = "ipv4 table t4 sorted; ipv6 table t6 sorted;"


class Bird2Import(Bird2):
    """Keeps what it refuses, so that another filter needs no refresh."""

    name = "bird2-import-table"
    channel = "import table on; "


class OpenBgpd(Server):
    name, home = "openbgpd", "/run/openbgpd"

    def config(self, d, job):
        os.makedirs(self.home, exist_ok=True)  # its children chroot to it
        c = (f"AS {ASN}\nrouter-id {IP}\nlisten on {IP}\nfib-update no\n"
             f'socket "{d}/sock"\ntransparent-as yes\ngroup rs {{\n'
             "  passive\n  announce IPv4 unicast\n"
             + ("  announce IPv6 unicast\n" if job.v6 else "")
             + "  set nexthop no-modify\n")
        for a, n in job.clients:
            c += f"  neighbor {a} {{ remote-as {n} }}\n"
        put(d, "bgpd.conf", c + "}\nallow from any\nallow to any\n")
        os.chmod(f"{d}/bgpd.conf", 0o600)

    def cmd(self, d):
        return ["/usr/sbin/bgpd", "-d", "-f", f"{d}/bgpd.conf"]


class Frr(Server):
    name = "frr"

    def config(self, d, job):
        c = (f"log file {d}/log errors\nrouter bgp {ASN}\n"
             f" bgp router-id {IP}\n no bgp ebgp-requires-policy\n"
             " no bgp default ipv4-unicast\n no bgp network import-check\n"
             " neighbor RS peer-group\n neighbor RS passive\n")
        for a, n in job.clients:
            c += (f" neighbor {a} remote-as {n}\n"
                  f" neighbor {a} peer-group RS\n")
        for f in (4, 6) if job.v6 else (4,):
            c += (f" address-family ipv{f} unicast\n  neighbor RS activate\n"
                  "  neighbor RS route-server-client\n"
                  "  neighbor RS attribute-unchanged as-path next-hop med\n")
            c += " exit-address-family\n"
        put(d, "bgpd.conf", c)

    def cmd(self, d):
        return ["/usr/lib/frr/bgpd", "-Z", "-S", "-P", "0", "-l", IP, "-f",
                f"{d}/bgpd.conf", "-i", f"{d}/pid", "--vty_socket", d]


class GoBgp(Server):
    name = "gobgp"

    def config(self, d, job):
        c = (f'[global.config]\nas = {ASN}\nrouter-id = "{IP}"\n'
             f'port = {PORT}\nlocal-address-list = ["{IP}"]\n')
        for a, n in job.clients:
            c += (f'[[neighbors]]\n[neighbors.config]\n'
                  f'neighbor-address = "{a}"\npeer-as = {n}\n'
                  "[neighbors.transport.config]\npassive-mode = true\n"
                  f'local-address = "{IP}"\n'
                  "[neighbors.route-server.config]\n"
                  "route-server-client = true\n")
            for f in (4, 6) if job.v6 else (4,):
                c += ("[[neighbors.afi-safis]]\n"
                      "[neighbors.afi-safis.config]\n"
                      f'afi-safi-name = "ipv{f}-unicast"\n')
        put(d, "gobgp.toml", c)

    def cmd(self, d):
        return ["/usr/bin/gobgpd", "-f", f"{d}/gobgp.toml", "--api-hosts",
                "127.0.0.1:50099", "--pprof-disable", "-l", "error"]


class Hub(Server):
    """The floor: copies UPDATEs and keeps no table (hub.c).  HUB: its path."""

    name = "hub-floor"
    phases = ("blast",)

    def config(self, d, job):
        pass

    def cmd(self, d):
        return [os.environ["HUB"], IP, str(PORT), str(ASN)]


ALL = {c.name: c for c in (Spean, SpeanStrict, SpeanTwo, SpeanSteady, Bird2,
                           Bird2Secondary, Bird2Import, OpenBgpd, Frr, GoBgp, Hub)}
