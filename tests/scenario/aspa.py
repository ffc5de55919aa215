"""AS paths are proven: bird2 hands on what it should not, and a version 2
cache of ours says so.  On the wire, in why, in show routes and in the feeds
it is the same word."""
import os
import struct

from lib import Lab, Speaker, Spean, check, config, equal, wait_until
from lib.members import Bird
from lib.net import RS4
from lib.rtr import Cache
from lib.spean import Member, of
from lib.tap import Tap
from monitor import Station, feeds

RS, A, B, FEED = 64500, 3333, 2121, 12041
CLIMBS, LEAKED, UNKNOWN, BARE = ("193.0.0.0/21", "193.0.10.0/23",
                                 "193.0.22.0/23", "195.0.0.0/16")
# FEED buys from A (and B); 12042 from FEED; 12044 only from 1103, so that
# FEED must have had its route from elsewhere; 12045 says nothing.
ASPAS = {FEED: [B, A], 12042: [FEED], 12044: [1103]}
VRPS = {(CLIMBS, 24, 12042), (LEAKED, 24, 12044)}


class Relay(Bird):
    """A member that hands on whatever its neighbour in FEED sends."""

    def configure(self):
        self.put("bird.conf", f'log "{self.dir}/log" all;\n'
                 f"router id {self.node.addr4};\nprotocol device {{}}\n"
                 f"protocol static {{ ipv4; route {BARE} blackhole; }}\n"
                 f"protocol bgp rs4 {{\nlocal {self.node.addr4} as {A};\n"
                 f"neighbor {RS4} as {RS}; connect delay time 1;\n"
                 "ipv4 { import all; export all; next hop self; };\n}\n"
                 f"protocol bgp feed {{\nlocal {self.node.addr4} as {A};\n"
                 f"neighbor {self.feed} as {FEED}; passive;\n"
                 "ipv4 { import all; export none; };\n}\n")


class Scene:
    def __init__(self, lab, more=""):
        self.cache = Cache(lab.rs, 3323, VRPS, ASPAS)
        self.lab = lab
        node = lab.node("a")
        feed = Speaker(lab.node("f"), FEED, peer=node.addr4, peer_asn=A)
        self.addr = node.addr4
        self.b = Speaker(lab.node("b"), B)
        Relay.feed = feed.addr
        bird = Relay(node, A, [], families=(4,), start=False)
        self.text = config(Member(A, node.addr4), *of(self.b),
                           policy="preset strict; rov reject; aspa reject;")
        self.text += "rpki { cache 127.0.0.1:3323 { refresh 1s; } }\n" + more
        self.spean = Spean(lab, self.text)
        wait_until(lambda: self.counts()["aspas"] == 3, 20, "ASPAs")
        self.tap = Tap(lab.rs)
        self.b.connect()
        bird.start()
        feed.connect()
        feed.announce(CLIMBS, [FEED, 12042])
        feed.announce(LEAKED, [FEED, FEED, 12044])
        feed.announce(UNKNOWN, [FEED, 12045])

    def counts(self):
        return [r for r in self.spean.query("show", "rpki")
                if not r["cache"]][0]

    def states(self):
        return {r["prefix"]: (r["aspa"], r["reason"])
                for r in self.spean.routes()}

    def wait_states(self, want):
        wait_until(lambda: self.states() == want, 20,
                   lambda: f"{want}: {self.states()}")


def test_the_same_reason_everywhere():
    with Lab() as lab:
        node = lab.node("station")
        station = Station(node)
        mrt = lab.file("mrt")
        x = Scene(lab, feeds(f'bmp {node.addr4} {{ stats 1s; }} mrt "{mrt}";'))
        good = {CLIMBS: ("valid", None), UNKNOWN: ("unknown", None),
                BARE: ("valid", None)}
        x.wait_states({**good, LEAKED: ("invalid", "aspa_invalid")})
        x.b.wait_prefixes(list(good))
        rows = x.spean.routes("--rejected")
        equal([(r["prefix"], r["reason"]) for r in rows],
              [(LEAKED, "aspa_invalid")], "show routes --rejected")
        check("aspa_invalid" in x.spean.cli("show", "routes", "--rejected"),
              "its words")
        text = x.spean.cli("why", LEAKED)
        for words in ("the ASPA of AS12044 names 1 provider", "AS12041",
                      "from 127.0.0.1:3323", "aspa_invalid"):
            check(words in text, f"{words!r} in {text}")
        path = x.spean.query("why", LEAKED)[0]["paths"][0]
        equal((path["reason"], path["aspa"]), ("aspa_invalid", "invalid"),
              "why")
        fails = [c for c in path["checks"] if c["outcome"] == "fail"]
        equal([(c["check"], c["reason"]) for c in fails],
              [("aspa", "aspa_invalid")], "the check")
        said = {a["customer_asn"]: a for a in path["aspas"]}
        equal({c: a["providers"] for c, a in said.items()},
              {FEED: [B, A], 12044: [1103]}, "the ASPAs of the path")
        for a in said.values():
            equal(a["source"], "127.0.0.1:3323", "its source")
            check(0 <= a["age_s"] < 120 and a["since"], f"its age: {a}")
        # The feeds: BMP has it before the policy alone, MRT with its number.
        wait_until(lambda: station.count("pre", x.addr) == 4 and
                   station.count("post", x.addr) == 3, 20, "BMP")
        check((LEAKED, None) not in station.ribs()["post", x.addr],
              "not after the policy")
        wait_until(lambda: any(
            m["bmp_msg_type"] == "stats" and m["peer_ip"] == x.addr and
            m["counter_type"] == 0 and m["counter_value"] == 1
            for m in station.messages()), 5, "one refused route")
        x.spean.cli("dump")
        table = [f for f in os.listdir(mrt) if f.startswith("rib.")]
        with open(f"{mrt}/{table[0]}", "rb") as f:
            data = f.read()
        equal([data.count(struct.pack(">III", RS, 1101, n))
               for n in (108, 13)], [1, 0], "RS:1101:108 in the dump")
        # What the cache says changes: on the wire the routes go and come.
        x.cache.change(aspas={**ASPAS, FEED: [B], 12044: [FEED]})
        x.wait_states({CLIMBS: ("invalid", "aspa_invalid"),
                       LEAKED: ("invalid", "aspa_invalid"),
                       UNKNOWN: ("invalid", "aspa_invalid"),
                       BARE: ("valid", None)})
        x.b.wait_prefixes([BARE])
        x.cache.change(aspas={**ASPAS, 12044: [FEED]})
        x.wait_states({**good, LEAKED: ("valid", None)})
        x.b.wait_prefixes([*good, LEAKED])
        x.tap.stop()
        sent = x.tap.updates(dst=x.b.addr)
        at = {p: [i for i, u in enumerate(sent) if p in u.nlri]
              for p in (CLIMBS, LEAKED)}
        gone = [i for i, u in enumerate(sent) if CLIMBS in u.withdrawn]
        equal((len(at[CLIMBS]), len(gone), len(at[LEAKED])), (2, 1, 1),
              "sent, taken back, sent again; and the other once")
        check(at[CLIMBS][0] < gone[0] < at[CLIMBS][1] and
              gone[0] < at[LEAKED][0], "in that order")
        equal(sent[at[LEAKED][0]].path, [A, FEED, FEED, 12044],
              "the path as it came")
        equal(sent[at[LEAKED][0]].large, [f"{RS}:1000:1", f"{RS}:1001:2"],
              "what is said of it")
        equal(x.tap.errors(RS4), [], "tshark's complaints")


def test_marked_instead_of_refused():
    with Lab() as lab:
        x = Scene(lab)
        x.wait_states({CLIMBS: ("valid", None), UNKNOWN: ("unknown", None),
                       BARE: ("valid", None),
                       LEAKED: ("invalid", "aspa_invalid")})
        x.spean.apply(x.text.replace("aspa reject", "aspa mark"))
        x.b.wait_prefixes([CLIMBS, UNKNOWN, BARE, LEAKED])
        x.wait_states({CLIMBS: ("valid", None), UNKNOWN: ("unknown", None),
                       BARE: ("valid", None), LEAKED: ("invalid", None)})
        x.tap.stop()
        equal(x.tap.last(LEAKED, dst=x.b.addr).large,
              [f"{RS}:1000:1", f"{RS}:1001:2", f"{RS}:1002:4"], "marked")
        equal(x.tap.last(CLIMBS, dst=x.b.addr).large,
              [f"{RS}:1000:1", f"{RS}:1001:2"], "not marked")


def test_required_origins():
    """rov require: what no ROA covers is refused as well, with data alone."""
    with Lab() as lab:
        x = Scene(lab)
        x.b.wait_prefixes([CLIMBS, UNKNOWN, BARE])
        x.spean.apply(x.text.replace("rov reject", "rov require"))
        x.b.wait_prefixes([CLIMBS])
        want = {LEAKED: "aspa_invalid", UNKNOWN: "rpki_unknown",
                BARE: "rpki_unknown"}
        equal({r["prefix"]: r["reason"] for r in
               x.spean.routes("--rejected")}, want, "reasons")
        text = x.spean.cli("why", BARE)
        check("no VRP covers the prefix" in text and "rpki_unknown" in text,
              text)
        x.cache.change(add=[(BARE, 16, A)])
        x.b.wait_prefixes([CLIMBS, BARE])
        # A cache that is gone from the configuration refuses nothing.
        x.spean.apply(x.text.replace("rov reject", "rov require").replace(
            "rpki { cache 127.0.0.1:3323 { refresh 1s; } }", ""))
        x.b.wait_prefixes([CLIMBS, LEAKED, UNKNOWN, BARE])
