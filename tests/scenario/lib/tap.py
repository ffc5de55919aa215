"""What was on the wire: captured by dumpcap, decoded by tshark."""
import subprocess
import time
import xml.etree.ElementTree as tree

from .net import LabError, need, wait_until


class Tap:
    """A capture of all BGP on a node's interface, from now on.

    The first look at it ends it.
    """

    def __init__(self, node, name="tap", filter_="tcp port 179"):
        need("tshark")
        self.lab = node.lab
        self.file = self.lab.file(f"{name}.pcapng")
        self.seen = None
        self.process = node.spawn(
            name, ["dumpcap", "-q", "-i", "lan", "-f", filter_, "-B", "64",
                   "-w", self.file])
        wait_until(lambda: "File: " in self.process.text(), 10,
                   "dumpcap to start")

    def stop(self):
        """Ends the capture; a moment is left for what is on its way."""
        if self.process.running():
            time.sleep(0.4)
            self.process.stop(2)
        return self

    def _tshark(self, *args):
        self.stop()
        r = subprocess.run(["tshark", "-r", self.file, *args], text=True,
                           capture_output=True, timeout=120)
        if r.returncode:
            raise LabError(f"tshark: {r.stderr}")
        return r.stdout

    def fields(self, filter_, *names):
        """Rows of the named fields, as text; several values by commas."""
        args = ["-Y", filter_, "-T", "fields"]
        for n in names:
            args += ["-e", n]
        return [line.split("\t") for line in
                self._tshark(*args).splitlines()]

    def errors(self, src, dst=None):
        """What tshark finds malformed in what src sent."""
        where = f"ipv6.src == {src}" if ":" in src else f"ip.src == {src}"
        if dst:
            where += f" and ip.dst == {dst}" if ":" not in dst else \
                f" and ipv6.dst == {dst}"
        return self.fields(f"bgp and {where} and (_ws.malformed or "
                           "_ws.expert.severity >= 8388608)",
                           "frame.number", "_ws.col.Info",
                           "_ws.expert.message")

    def updates(self, src=None, dst=None):
        """Every UPDATE that src sent to dst, as class Update, in order."""
        if self.seen is None:
            self.seen = list(self._read())
        return [u for u in self.seen if src in (None, u.src)
                and dst in (None, u.dst)]

    def _read(self):
        text = self._tshark("-Y", "bgp.type == 2", "-T", "pdml")
        for packet in tree.fromstring(text).iter("packet"):
            src, dst = (
                (shows(packet, f"ip.{w}") + shows(packet, f"ipv6.{w}"))[0]
                for w in ("src", "dst"))
            for proto in packet.findall("proto"):
                if proto.get("name") == "bgp":
                    kind = find(proto, "bgp.type")
                    if kind is not None and kind.get("show") == "2":
                        yield Update(proto, src, dst)

    def last(self, prefix, src=None, dst=None):
        """The last UPDATE that announced prefix."""
        found = [u for u in self.updates(src, dst) if prefix in u.nlri]
        if not found:
            raise LabError(f"no UPDATE with {prefix} on the wire to {dst}")
        return found[-1]


def find(field, name):
    for f in field.iter("field"):
        if f.get("name") == name:
            return f
    return None


def shows(field, name):
    return [f.get("show") for f in field.iter("field")
            if f.get("name") == name]


class Update:
    """One UPDATE as tshark reads it."""

    def __init__(self, proto, src, dst):
        self.src = src
        self.dst = dst
        self.nlri = []       # prefixes announced
        self.path_ids = []   # of them, with ADD-PATH
        self.withdrawn = []
        self.next_hops = []
        self.path = []       # ASNs; AS_SETs as inner lists
        self.med = None
        self.communities = []
        self.large = []
        self.extended = []   # tshark's words
        self.types = []      # attribute codes in wire order
        self.flags = {}
        for f in proto.iter("field"):
            if f.get("name") == "bgp.update.path_attribute":
                self._attribute(f)
            elif f.get("name") == "bgp.update.nlri":
                self._prefixes(f, self.nlri)
            elif f.get("name") == "bgp.update.withdrawn_routes":
                self._prefixes(f, self.withdrawn)

    def _prefixes(self, field, into):
        address = None
        length = None
        for f in field.iter("field"):
            name = f.get("name")
            if name == "bgp.prefix_length":
                length = f.get("show")
            elif name in ("bgp.nlri_prefix", "bgp.withdrawn_prefix",
                          "bgp.mp_reach_nlri_ipv4_prefix",
                          "bgp.mp_unreach_nlri_ipv4_prefix",
                          "bgp.mp_reach_nlri_ipv6_prefix",
                          "bgp.mp_unreach_nlri_ipv6_prefix"):
                address = f.get("show")
            elif name == "bgp.nlri_path_id":
                self.path_ids.append(int(f.get("show")))
            if address is not None and length is not None:
                into.append(f"{address}/{length}")
                address = length = None

    def _attribute(self, a):
        code = find(a, "bgp.update.path_attribute.type_code")
        code = int(code.get("show"))
        self.types.append(code)
        flags = find(a, "bgp.update.path_attribute.flags")
        self.flags[code] = int(flags.get("value") or "0", 16)
        if code == 2:
            self._path(a)
        elif code == 3:
            self.next_hops = shows(a, "bgp.update.path_attribute.next_hop")
        elif code == 4:
            self.med = int(shows(
                a, "bgp.update.path_attribute.multi_exit_disc")[0])
        elif code == 8:
            self._communities(a)
        elif code == 14:
            self.next_hops = (
                shows(a, "bgp.update.path_attribute.mp_reach_nlri."
                         "next_hop.ipv6")
                + shows(a, "bgp.update.path_attribute.mp_reach_nlri."
                           "next_hop.ipv6.link_local")
                + shows(a, "bgp.update.path_attribute.mp_reach_nlri."
                           "next_hop.ipv4"))
            self._prefixes(a, self.nlri)
        elif code == 15:
            self._prefixes(a, self.withdrawn)
        elif code == 16:
            self.extended = [f.get("showname") for f in a.iter("field")
                             if f.get("name") == "bgp.ext_community"]
        elif code == 32:
            ga = shows(a, "bgp.large_communities.ga")
            one = shows(a, "bgp.large_communities.ldp1")
            two = shows(a, "bgp.large_communities.ldp2")
            self.large = [":".join(t) for t in zip(ga, one, two)]

    def _communities(self, a):
        high = None
        for f in a.iter("field"):
            name = (f.get("name") or "").rsplit(".", 1)[-1]
            if name == "community_wellknown":
                v = int(f.get("value"), 16)
                self.communities.append(f"{v >> 16}:{v & 0xffff}")
            elif name == "community_as":
                high = f.get("show")
            elif name == "community_value":
                self.communities.append(f"{high}:{f.get('show')}")

    def _path(self, a):
        for segment in a.iter("field"):
            if segment.get("name") != \
                    "bgp.update.path_attribute.as_path_segment":
                continue
            kind = shows(segment, "bgp.update.path_attribute."
                                  "as_path_segment.type")[0]
            asns = [int(x) for x in
                    shows(segment, "bgp.update.path_attribute."
                                   "as_path_segment.as4")
                    or shows(segment, "bgp.update.path_attribute."
                                      "as_path_segment.as2")]
            self.path += asns if kind == "2" else [asns]
