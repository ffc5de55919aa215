"""Routes are proven: what is known of a route on the wire, and what a change
of policy or of the RPKI's data would make of the routes."""
import json
import os
import struct
import time

from lib import Lab, Speaker, Spean, check, config, equal, wait_until
from lib.members import Bird
from lib.net import RS4, need
from lib.spean import Member, of
from lib.tap import Tap

P, Q, R = "193.0.0.0/21", "193.0.22.0/23", "195.0.0.0/16"
A, B, C = 3333, 2121, 1103
RS = 64500


def scene(lab, policy="preset strict;"):
    speakers = [Speaker(lab.node(n), asn)
                for n, asn in (("a", A), ("b", B), ("c", C))]
    spean = Spean(lab, config(*of(*speakers), policy=policy))
    for s in speakers:
        s.connect()
    return (spean, *speakers)


def test_informational_communities():
    """RS:1001:n is the exchange's to say; what a member says of it goes."""
    for policy, want in (("preset strict;", [f"{RS}:1001:2"]),
                         ("preset strict; informational off;", []),
                         ("preset open;", []),
                         ("preset open; informational on;",
                          [f"{RS}:1001:2"])):
        with Lab() as lab:
            _, a, b, _ = scene(lab, policy)
            a.announce(P, large=["3333:1:2", f"{RS}:1001:1",
                                 f"{RS}:1000:1", f"{RS}:1002:4"])
            r = b.wait_route(P)
            equal(r.large, ["3333:1:2"] + want, policy)


def test_diff():
    """Each member is told of, nothing changes, and the reasons are those that
    routes then have."""
    with Lab() as lab:
        spean, a, b, c = scene(lab)
        a.announce(P)
        a.announce("193.0.22.0/25")
        b.announce([P, Q], [B, 12041, 12042])
        c.wait_prefixes([P, Q])
        text = open(spean.conf).read()

        def diff(policy, *args):
            path = lab.write("other.conf", text.replace(
                "preset strict;", policy))
            rows = spean.query("diff", "-c", path, *args)
            return {r["member_asn"]: r for r in rows if "member_asn" in r}

        rows = diff("preset strict;")
        equal(sorted(rows), [B, A], "members")
        equal({(r["would_accept"], r["would_reject"], r["moved_away"])
               for r in rows.values()}, {(0, 0, 0)}, "no difference")
        rows = diff("preset strict; max-path 2;")
        equal(rows[B]["reasons"], {"path_too_long": 2}, "the reason")
        equal(rows[B]["would_reject"], 2, "how many")
        rows = diff("preset open;")
        equal(rows[A]["reasons_gone"], {"prefix_too_long": 1}, "open")
        path = lab.write("vrps.json", json.dumps({"roas": [
            {"prefix": P, "maxLength": 24, "asn": "AS12042", "ta": "x"},
            {"prefix": Q, "maxLength": 23, "asn": 64999}]}))
        rows = {r["member_asn"]: r
                for r in spean.query("diff", "--vrps", path)}
        equal(rows[A]["reasons"], {"rpki_invalid": 1}, "other VRPs")
        equal((rows[A]["moved_away"], rows[B]["moved_here"]), (1, 1), "moved")
        equal(rows[B]["reasons"], {"rpki_invalid": 1}, "other VRPs")
        out = spean.cli("diff", "--vrps", path)
        check("rpki_invalid 1" in out and "2 routes would be rejected" in out,
              out)
        bad = lab.write("bad.json", json.dumps({"roas": [{"prefix": "x"}]}))
        _, _, err = spean.run("diff", "--vrps", bad)
        check("roas[0]" in err, err)
        equal(spean.run("diff")[0], 2, "misuse")
        equal(spean.route("193.0.22.0/25")["reason"], "prefix_too_long",
              "what it was")
        c.steady()


# ---- bird2 as member, stayrtr as cache ---------------------------------------

VALID, INVALID, UNKNOWN = "193.0.0.0/21", "193.0.10.0/23", "193.0.22.0/23"
LEAK, AS_SET = "195.0.0.0/16", "196.0.0.0/16"

VRPS = [{"prefix": VALID, "maxLength": 21, "asn": A},
        {"prefix": "193.0.8.0/21", "maxLength": 24, "asn": 12041},
        {"prefix": "198.0.0.0/16", "maxLength": 24, "asn": 12041}]


class Cache:
    """stayrtr beside the exchange, with a file that can change."""

    def __init__(self, lab):
        need("stayrtr")
        self.lab = lab
        self.say(VRPS)
        self.process = lab.rs.spawn("stayrtr", [
            "stayrtr", "-bind", "127.0.0.1:3323", "-checktime=false",
            "-cache", self.file, "-refresh", "1", "-metrics.addr", ""])

    def say(self, vrps):
        self.file = self.lab.write("vrps.json", json.dumps({
            "metadata": {"buildtime": time.strftime(
                "%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
            "roas": [dict(v, ta="test") for v in vrps]}))


class Careless(Bird):
    """Announces what it likes, and what its neighbour in AS12041 sends."""

    def configure(self):
        own = [VALID, INVALID, UNKNOWN, LEAK]
        self.put("bird.conf", f'log "{self.dir}/log" all;\n'
                 f"router id {self.node.addr4};\nprotocol device {{}}\n"
                 "protocol static { ipv4;\n" +
                 "".join(f"route {p} blackhole;\n" for p in own) + "}\n"
                 "filter told {\n"
                 f"if net = {LEAK} then bgp_otc = 1299;\naccept;\n}}\n"
                 f"protocol bgp rs4 {{\nlocal {self.node.addr4} as {A};\n"
                 f"neighbor {RS4} as {RS}; connect delay time 1;\n"
                 "ipv4 { import all; export filter told; };\n}\n"
                 f"protocol bgp feed {{\nlocal {self.node.addr4} as {A};\n"
                 f"neighbor {self.feed} as 12041; passive;\n"
                 "ipv4 { import all; export none; next hop self; };\n}\n")


def test_proven_by_a_real_cache():
    """What bird2 announces, judged by what stayrtr says: on the wire, in why
    and in show routes, the same words; and a change of the data is felt."""
    with Lab() as lab:
        cache = Cache(lab)
        node = lab.node("a")
        feed = Speaker(lab.node("f"), 12041, peer=node.addr4, peer_asn=A)
        b = Speaker(lab.node("b"), B)
        Careless.feed = feed.addr
        bird = Careless(node, A, [], families=(4,), start=False)
        mrt = lab.file("mrt")
        text = config(Member(A, node.addr4), *of(b), policy="preset strict;")
        spean = Spean(lab, text + "rpki { cache 127.0.0.1:3323; }\n"
                      f'monitoring {{ mrt "{mrt}"; }}\n')
        tap = Tap(lab.rs)
        b.connect()
        bird.start()
        feed.connect()
        feed.announce(AS_SET, [12041, [12042, 12043]])

        def state(prefix, field):
            rows = spean.routes("--prefix", prefix)
            return rows[0][field] if rows else None

        wait_until(lambda: state(VALID, "rpki") == "valid", 30,
                   "the RPKI's data")
        b.wait_prefixes([VALID, UNKNOWN])
        reasons = {INVALID: "rpki_invalid", LEAK: "otc_leak",
                   AS_SET: "as_set"}
        wait_until(lambda: {r["prefix"]: r["reason"] for r in
                            spean.routes("--rejected")} == reasons, 10,
                   lambda: f"reasons: {spean.routes('--rejected')}")
        for prefix, reason in reasons.items():
            path = spean.query("why", prefix, code=0)[0]["paths"][0]
            equal(path["reason"], reason, "why")
            check(reason in [c["reason"] for c in path["checks"]], str(path))
            check(f"{reason}: " in spean.cli("why", prefix), "in words too")
        spean.cli("dump")
        table = [f for f in os.listdir(mrt) if f.startswith("rib.")]
        with open(f"{mrt}/{table[0]}", "rb") as f:
            data = f.read()
        equal([data.count(struct.pack(">III", RS, 1101, n))
               for n in (13, 103, 100)], [1, 1, 1], "RS:1101:n in the dump")
        path = spean.query("why", INVALID)[0]["paths"][0]
        equal((path["vrps"][0]["prefix"], path["vrps"][0]["asn"],
               path["vrps"][0]["permits"], path["vrps"][0]["source"]),
              ("193.0.8.0/21", 12041, False, "127.0.0.1:3323"), "the VRP")
        # The data changes: one route becomes valid, one is refused.
        cache.say(VRPS[1:] + [{"prefix": VALID, "maxLength": 21, "asn": 1},
                              {"prefix": UNKNOWN, "maxLength": 23, "asn": A}])
        cache.process.send_signal(1)
        wait_until(lambda: (state(VALID, "reason"), state(UNKNOWN, "rpki")) ==
                   ("rpki_invalid", "valid"), 30, "the change")
        b.wait_prefixes([UNKNOWN])
        tap.stop()
        sent = [u for u in tap.updates(dst=b.addr) if u.nlri]
        said = [(u.nlri, u.large) for u in sent]
        check(([VALID], [f"{RS}:1000:1", f"{RS}:1001:2"]) in said, said)
        check(([UNKNOWN], [f"{RS}:1000:2", f"{RS}:1001:2"]) in said, said)
        equal(said[-1], ([UNKNOWN], [f"{RS}:1000:1", f"{RS}:1001:2"]),
              "the last word")
        equal({p for u in sent for p in u.nlri}, {VALID, UNKNOWN},
              "nothing else went out")
        equal(tap.errors("192.0.2.1"), [], "tshark's complaints")
