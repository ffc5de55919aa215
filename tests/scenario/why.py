"""What show and why say is true, and has the fields that tests rely on."""
import re

from lib import Lab, Speaker, Spean, check, config, equal, wait_until
from lib.spean import of

P = "193.0.0.0/21"
A, B, C = 3333, 2121, 1103

ROUTE = {"prefix", "from_asn", "next_hop", "as_path", "origin", "med",
         "communities", "large_communities", "rpki", "state", "reason"}
SESSION = {"member_asn", "address", "half", "state", "uptime_s", "families"}
COUNTS = {"received", "accepted", "rejected", "advertised"}


class Scene:
    """Three members under the strict policy, with real ASNs."""

    def __init__(self, lab, policy="preset strict;"):
        self.a, self.b, self.c = (
            Speaker(lab.node(n), asn)
            for n, asn in (("a", A), ("b", B), ("c", C)))
        self.spean = Spean(lab, config(*of(self.a, self.b, self.c),
                                       policy=policy))
        for s in (self.a, self.b, self.c):
            s.connect()


def test_show_routes():
    with Lab() as lab:
        x = Scene(lab)
        x.a.announce(P, [A, 1299, [701, 702]], communities=["3333:1"])
        x.a.announce("193.0.22.0/23", [A, 12041], med=3, origin=1,
                     communities=["3333:7"], large=["3333:1:2"],
                     extended=["rt:3333:8"])
        x.b.announce("193.0.22.0/23", [B, 12041, 12041])
        x.c.wait_route("193.0.22.0/23")
        rows = x.spean.routes()
        for r in rows:
            check(ROUTE <= set(r), f"fields: {ROUTE - set(r)} missing")
        r = [r for r in rows if r["prefix"] == "193.0.22.0/23"
             and r["from_asn"] == A][0]
        want = {"next_hop": x.a.addr, "as_path": [A, 12041],
                "origin": "egp", "med": 3, "communities": ["3333:7"],
                "large_communities": ["3333:1:2"], "rpki": "unchecked",
                "state": "best", "reason": None}
        equal({k: r[k] for k in want}, want, "the best one")
        r = [r for r in rows if r["prefix"] == "193.0.22.0/23"
             and r["from_asn"] == B][0]
        equal((r["state"], r["med"]), ("accepted", None), "the second")
        r = x.spean.route(P)
        equal((r["state"], r["as_path"][:2], r["as_path"][2]),
              ("rejected", [A, 1299], [701, 702]), "an AS_SET")
        check(r["reason"] in ("as_set", "transit_free_asn"), r["reason"])
        equal([r["prefix"] for r in x.spean.routes("--rejected")], [P],
              "--rejected")
        equal({r["from_asn"] for r in x.spean.routes("--from", B)}, {B},
              "--from")
        equal(len(x.spean.routes("--prefix", "193.0.0.0/16", "--longer")),
              3, "--longer")
        got = x.spean.routes("--to", C)
        equal([(r["prefix"], r["from_asn"]) for r in got],
              [("193.0.22.0/23", A)], "what C gets")
        got = x.spean.routes("--to", A)
        equal([(r["prefix"], r["from_asn"]) for r in got],
              [("193.0.22.0/23", B)], "what A gets")


def test_show_sessions_members_status():
    with Lab() as lab:
        x = Scene(lab)
        x.a.announce(["193.0.22.0/23", "10.0.0.0/8"], [A])
        x.c.wait_route("193.0.22.0/23")
        row = x.spean.session(x.a.addr)
        check(SESSION <= set(row), f"{SESSION - set(row)} missing")
        equal((row["member_asn"], row["half"], row["state"]),
              (A, "exchange", "established"), "session")
        check(COUNTS <= set(row["families"]["ipv4"]), "counts")
        wait_until(lambda: x.spean.session(x.a.addr)["families"]["ipv4"]
                   == {"received": 2, "accepted": 1, "rejected": 1,
                       "advertised": 0}, 5,
                   lambda: f"A's counts: {x.spean.session(x.a.addr)}")
        wait_until(lambda: x.spean.session(x.c.addr)["families"]["ipv4"]
                   ["advertised"] == 1, 5, "C's counts")
        x.c.close()
        wait_until(lambda: x.spean.session(x.c.addr)["state"]
                   != "established", 10, "C down")
        equal(x.spean.session(x.c.addr)["uptime_s"], None, "uptime of C")
        members = x.spean.query("show", "members")
        equal(sorted(m["asn"] for m in members), sorted([A, B, C]), "members")
        status = x.spean.query("show", "status")
        check(len(status) >= 1, "status")
        # For people: a table that fits a terminal.
        for what in ("sessions", "members", "routes", "status"):
            text = x.spean.cli("show", what)
            check(text.strip(), f"show {what} is empty")
            long = [l for l in text.splitlines() if len(l) > 120]
            check(not long, f"lines of show {what}: {long[:1]}")


# Each check of the strict policy: a route that fails it alone.
REFUSED = {
    "prefix_too_long": ("193.0.1.0/25", {}),
    "prefix_too_short": ("192.0.0.0/7", {}),
    "bogon_prefix": ("10.1.0.0/16", {}),
    "bogon_asn": ("193.0.4.0/24", {"path": [A, 64512]}),
    "path_too_long": ("193.0.5.0/24", {"path": [A] + [12041] * 70}),
    "first_as_not_peer": ("193.0.6.0/24", {"path": [B, A]}),
    "next_hop_not_peer": ("193.0.7.0/24", {"next_hop": "192.0.2.200"}),
    "transit_free_asn": ("193.0.8.0/24", {"path": [A, 12041, 3356]}),
    "too_many_communities": (
        "193.0.9.0/24", {"communities": [f"3333:{i}" for i in range(101)]}),
    "as_set": ("193.0.10.0/24", {"path": [A, [12041, 12042]]}),
    "peering_lan": ("192.0.2.0/24", {}),
    "own_asn": ("193.0.11.0/24", {"path": [A, 64500]}),
    "path_too_short": ("193.0.12.0/24", {"path": []}),
}


def test_reasons_of_strict():
    """Every check of strict refuses what it is for, by its public reason."""
    with Lab() as lab:
        x = Scene(lab)
        x.a.announce(P, [A])
        for prefix, kw in REFUSED.values():
            x.a.announce(prefix, **kw)
        x.c.wait_prefixes([P])
        wait_until(lambda: len(x.spean.routes("--rejected"))
                   == len(REFUSED), 10, "all the others to be refused")
        got = {r["prefix"]: r["reason"]
               for r in x.spean.routes("--rejected")}
        wrong = []
        for reason, (prefix, _) in REFUSED.items():
            # The first check that fails gives the reason.
            also = {"own_asn": ("own_asn", "bogon_asn"),
                    "peering_lan": ("peering_lan", "bogon_prefix"),
                    "prefix_too_short": ("prefix_too_short", "bogon_prefix"),
                    "path_too_short": ("path_too_short",
                                       "first_as_not_peer")}
            if got.get(prefix) not in also.get(reason, (reason,)):
                wrong.append(f"{prefix}: {got.get(prefix)}, not {reason}")
        check(not wrong, "\n".join(wrong))
        out = x.spean.cli("why", "193.0.1.0/25", "--from", A)
        check("prefix_too_long" in out or "longer" in out, out)


def test_why_import_and_export():
    """why: every check, who won on which rule, and what each client gets."""
    with Lab() as lab:
        x = Scene(lab)
        x.a.announce(P, [A], communities=["0:1103"])
        x.b.announce(P, [B, 12041, 3333])
        x.c.wait_route(P)
        rows = x.spean.query("why", P)
        equal(len(rows), 1, "one object")
        paths = rows[0]["paths"]
        equal([p["from_asn"] for p in paths], [A, B], "paths by rank")
        equal(paths[0]["state"], "best", "the best")
        check(paths[0]["lost_to"] is None, "the best lost to nobody")
        equal(paths[1]["lost_to"]["from_asn"], A, "who won")
        check("path" in paths[1]["lost_to"]["rule"], paths[1]["lost_to"])
        check(len(paths[0]["checks"]) >= 12, "every check is listed")
        bad = [c for c in paths[0]["checks"]
               if c["outcome"] not in ("pass", "skipped")]
        equal(bad, [], "checks that did not pass")
        equal([c["community"] for c in paths[0]["control"]], ["0:1103"],
              "control communities in words")
        export = x.spean.query("why", P, "--to", C)[0]["exports"][0]
        equal([(p["from_asn"], p["outcome"]) for p in export["paths"]],
              [(A, "barred"), (B, "sent")], "towards C")
        check("0:1103" in str(export["paths"][0]), "the evidence names it")
        export = x.spean.query("why", P, "--to", A)[0]["exports"][0]
        outcome = {p["from_asn"]: p["outcome"] for p in export["paths"]}
        equal(outcome, {A: "barred", B: "barred"},
              "towards A: its own, and a path through itself")
        text = x.spean.cli("why", P, "--to", C)
        for word in (r"AS2121|2121", r"0:1103"):
            check(re.search(word, text), f"{word} is not in: {text}")
        equal(x.spean.run("why", "8.8.8.0/24", "--json")[0], 1,
              "exit code for a prefix that nobody announces")


def test_why_after_rejection():
    with Lab() as lab:
        x = Scene(lab)
        x.a.announce("10.1.0.0/16", [A])
        wait_until(lambda: x.spean.routes("--rejected"), 5, "refused")
        p = x.spean.query("why", "10.1.0.0/16", "--from", A)[0]["paths"][0]
        equal((p["state"], p["reason"]), ("rejected", "bogon_prefix"),
              "verdict")
        failed = [c for c in p["checks"] if c["outcome"] == "fail"]
        check(failed and failed[0]["reason"] == "bogon_prefix", str(failed))


def test_help_and_misuse():
    """--help everywhere; misuse is exit 2 and says what to do."""
    with Lab() as lab:
        x = Spean(lab, config(), start=False)
        text = x.cli("--help")
        for verb in ("run", "check", "diff", "apply", "confirm", "undo",
                     "show", "why", "play"):
            check(verb in text, f"{verb} is not in --help")
            check(x.cli(verb, "--help").strip(), f"{verb} --help")
        for bad in (["shw"], ["show"], ["why"], ["why", "nonsense"],
                    ["apply"], ["show", "sessions", "--nope"]):
            code, out, err = x.run(*bad)
            equal(code, 2, f"exit code of {bad}")
            check(err.strip(), f"{bad} says nothing")
