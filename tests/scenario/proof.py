"""Routes are proven: what is known of a route on the wire, and what a change
of policy or of the RPKI's data would make of the routes."""
import json

from lib import Lab, Speaker, Spean, check, config, equal
from lib.spean import of

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
