"""Members' sets from a routing registry, asked by the real bgpq4, and from
files: what is right is taken, and whatever goes wrong, the last good set
stays."""
import json
import os
import pathlib
import sys
import time

from lib import Lab, Speaker, Spean, check, config, equal, wait_until
from lib.net import need
from lib.spean import Member

IRR = pathlib.Path(__file__).resolve().parent / "lib" / "irr.py"
A, B = 3333, 1103
GOOD, OTHER, ALIEN = "193.0.22.0/23", "193.0.24.0/24", "193.0.0.0/21"
ORIGIN = 12041
LATER = "193.0.26.0/24"


class Scene:
    """Two members; the first one has an as-set.  bgpq4 asks at 127.0.0.1."""

    def __init__(self, lab, more="refresh 2s; timeout 3s;", files=None,
                 start=True):
        need("bgpq4")
        self.lab = lab
        self.db = {"mode": "answer",
                   "sets": {"AS-ALPHA": [f"AS{A}", f"AS{ORIGIN}"]},
                   "routes": {f"AS{A}": ["193.0.20.0/23"],
                              f"AS{ORIGIN}": [GOOD, OTHER, "2001:67c::/32"],
                              f"AS{B}": ["192.87.0.0/16"]}}
        self.path = lab.file("irr.json")
        self.save()
        self.irr = None
        if files is None:
            self.irr = lab.rs.spawn(
                "irr", [sys.executable, "-B", str(IRR), "127.0.0.1", "4343",
                        self.path])
            self.registry = (f"registry {{ server 127.0.0.1:4343; {more} }}\n")
        else:
            self.registry = f'registry {{ files "{files}"; {more} }}\n'
        self.a, self.b = (Speaker(lab.node(n), asn)
                          for n, asn in (("a", A), ("b", B)))
        self.text = config(
            Member(A, self.a.addr, as_set="AS-ALPHA"),
            Member(B, self.b.addr, prefix="192.87.0.0/16 le 24",
                   origin=str(B)),
            policy="preset strict;") + self.registry
        self.spean = Spean(lab, self.text, start=start)
        if start:
            self.connect()

    def connect(self):
        self.a.connect()
        self.b.connect()

    def save(self, **changes):
        self.db.update(changes)
        with open(self.path + ".new", "w", encoding="ascii") as f:
            json.dump(self.db, f)
        os.rename(self.path + ".new", self.path)

    def announce(self):
        for p, origin in ((GOOD, ORIGIN), (OTHER, ORIGIN), (ALIEN, ORIGIN)):
            self.a.announce(p, [A, origin])
        self.a.announce("193.0.20.0/23", [A, 2121])

    def object(self, name="AS-ALPHA"):
        rows = [r for r in self.spean.query("show", "registry")
                if r["object"] == name]
        equal(len(rows), 1, f"rows for {name}")
        return rows[0]

    def wait_object(self, what, test, timeout=20):
        wait_until(lambda: test(self.object()), timeout,
                   lambda: f"{what}: {self.object()}", every=0.2)

    def states(self):
        return {r["prefix"]: r["reason"] or r["state"]
                for r in self.spean.routes("--from", A)}

    def wait_states(self, want):
        wait_until(lambda: self.states() == want, 20,
                   lambda: f"routes as {want}: {self.states()}", every=0.2)


VERDICTS = {GOOD: "best", OTHER: "best", ALIEN: "prefix_not_registered",
            "193.0.20.0/23": "origin_not_registered"}


def test_bgpq4_fills_the_sets():
    with Lab() as lab:
        x = Scene(lab)
        x.announce()
        x.wait_states(VERDICTS)
        x.b.wait_route(GOOD)
        x.b.wait_route(OTHER)
        check(ALIEN not in x.b.table(), "an unregistered prefix is handed on")
        row = x.object()
        # bgpq4 writes the two /23 as one range.
        equal((row["state"], row["ipv4_prefixes"], row["ipv6_prefixes"],
               row["origins"], row["error"], row["member_asns"]),
              ("good", 2, 1, 2, None, [A]), "show registry")
        check("127.0.0.1:4343" in row["source"], row["source"])
        why = x.spean.cli("why", ALIEN)
        check("not in AS-ALPHA, from bgpq4 127.0.0.1:4343" in why, why)
        # Registered later: the next refresh lets it pass.
        x.db["routes"][f"AS{ORIGIN}"].append(LATER)
        x.a.announce(LATER, [A, ORIGIN])
        x.save()
        x.b.wait_route(LATER, timeout=20)
        # No longer registered: it goes.
        x.db["routes"][f"AS{ORIGIN}"].remove(OTHER)
        x.save()
        x.b.wait_gone(OTHER, 20)
        # A member whose block has its own sets.
        x.b.announce("192.87.1.0/24", [B])
        x.a.wait_route("192.87.1.0/24")


def failing(mode, error, more="refresh 2s; timeout 3s;"):
    """The set stays as it was, however the registry fails."""
    with Lab() as lab:
        x = Scene(lab, more)
        x.announce()
        x.wait_states(VERDICTS)
        before = x.object()
        x.save(mode=mode)
        x.wait_object("a failure", lambda r: r["failures"] > 0, 60)
        row = x.object()
        equal((row["state"], row["ipv4_prefixes"], row["ipv6_prefixes"],
               row["origins"]), ("kept", before["ipv4_prefixes"], 1, 2),
              f"after {mode}")
        check(error in row["error"], f"{mode}: {row['error']}")
        equal(x.states(), VERDICTS, f"routes after {mode}")
        check(row["age_s"] >= 1, "its age is shown")
        text = x.spean.cli("show", "registry")
        check("kept" in text, text)
        x.save(mode="answer")
        x.wait_object("recovery", lambda r: r["state"] == "good", 40)
        equal(x.states(), VERDICTS, "routes at the end")


def test_an_empty_answer_changes_nothing():
    failing("empty", "an empty answer")


def test_garbage_changes_nothing():
    failing("garbage", "")


def test_a_refusing_server_changes_nothing():
    failing("refuse", "")


def test_a_stalling_server_changes_nothing():
    failing("stall", "no answer within 3 s")


def test_a_huge_answer_changes_nothing():
    failing("huge", "the answer is too long",
            more="refresh 2s; timeout 60s;")


test_a_huge_answer_changes_nothing.limit_s = 240


def test_one_family_gone_changes_nothing():
    with Lab() as lab:
        x = Scene(lab)
        x.announce()
        x.wait_states(VERDICTS)
        x.db["routes"][f"AS{ORIGIN}"].remove("2001:67c::/32")
        x.save()
        x.wait_object("a failure", lambda r: r["failures"] > 0)
        check("no ipv6 prefix any more, where there were 1"
              in x.object()["error"], x.object()["error"])
        equal(x.object()["ipv6_prefixes"], 1, "IPv6 kept")


def test_until_something_is_known_routes_are_refused():
    with Lab() as lab:
        x = Scene(lab, start=False)
        x.save(mode="stall")
        x.spean.start()
        x.connect()
        x.announce()
        x.wait_states(dict.fromkeys(VERDICTS, "registry_pending"))
        why = x.spean.cli("why", GOOD)
        check("nothing is known of AS-ALPHA yet" in why, why)
        equal(x.object()["state"], "pending", "state")
        x.save(mode="answer")
        x.wait_states(VERDICTS)


def test_kept_over_restarts_and_deaths():
    with Lab() as lab:
        x = Scene(lab, more="refresh 1h;")
        x.announce()
        x.wait_states(VERDICTS)
        x.save(mode="refuse")
        # The role dies: what the engine has stays, and comes again.
        old = x.spean.kill("registry")
        x.spean.wait_back("registry", old)
        x.wait_object("the role to answer", lambda r: r["state"] == "good")
        equal(x.states(), VERDICTS, "after the role's death")
        # The engine dies: it gets the sets from the role.
        old = x.spean.kill("engine")
        x.spean.wait_back("engine", old)
        for s in (x.a, x.b):
            s.close()
            s.connect()
        x.announce()
        x.wait_states(VERDICTS)
        # A whole new start: from the disk, with nobody asked.
        x.a.close()
        x.b.close()
        x.spean.restart()
        x.connect()
        x.announce()
        x.wait_states(VERDICTS)
        row = x.object()
        equal((row["state"], row["failures"]), ("good", 0), "from the disk")


def test_a_damaged_file_counts_for_nothing():
    with Lab() as lab:
        x = Scene(lab, more="refresh 1h;")
        x.wait_object("the set", lambda r: r["state"] == "good")
        x.spean.stop()
        kept = pathlib.Path(x.spean.state_dir) / "registry" / "AS-ALPHA.set"
        data = bytearray(kept.read_bytes())
        kept.write_bytes(data[:-3])
        x.save(mode="refuse")
        x.spean.restart()
        x.connect()
        x.announce()
        x.wait_states(dict.fromkeys(VERDICTS, "registry_pending"))
        x.wait_object("a failure", lambda r: r["failures"] > 0)
        equal(x.object()["state"], "pending", "state")


def test_files_instead_of_a_server():
    with Lab() as lab:
        files = lab.file("irr-files")
        os.makedirs(files)
        os.chmod(files, 0o755)

        def put(name, value):
            path = f"{files}/AS-ALPHA.{name}.json"
            with open(path + ".new", "w", encoding="ascii") as f:
                json.dump({"x": value}, f)
            os.rename(path + ".new", path)

        put("ipv4", [{"prefix": GOOD, "exact": True},
                     {"prefix": "193.0.24.0/21", "exact": False,
                      "greater-equal": 24, "less-equal": 24},
                     {"prefix": "193.0.20.0/23", "exact": True}])
        put("asn", [A, ORIGIN])
        x = Scene(lab, more="refresh 1s;", files=files)
        x.announce()
        x.wait_states(VERDICTS)
        row = x.object()
        check(files in row["source"], row["source"])
        equal((row["ipv4_prefixes"], row["ipv6_prefixes"]), (3, 0), "counts")
        # Another member has no files: pending, and said so.
        equal(x.object(f"AS{B}")["state"], "pending", "AS of B")
        check(f"AS{B}.asn.json: No such file" in
              x.object(f"AS{B}")["error"], "its error")
        with open(f"{files}/AS-ALPHA.asn.json", "w", encoding="ascii") as f:
            f.write('{"x": [3333, ')
        x.wait_object("a failure", lambda r: r["failures"] > 0, 45)
        equal(x.states(), VERDICTS, "routes with a broken file")


def test_a_change_of_configuration():
    """The block comes and goes while routes stand."""
    with Lab() as lab:
        x = Scene(lab)
        x.announce()
        x.wait_states(VERDICTS)
        x.spean.apply(x.text.replace(x.registry, ""))
        x.wait_states({GOOD: "best", OTHER: "best", ALIEN: "best",
                       "193.0.20.0/23": "best"})
        text = x.spean.run("show", "registry")[2]
        check("expected a 'registry' block" in text, text)
        x.spean.apply(x.text)
        x.wait_states(VERDICTS)
        # Another object.
        x.db["sets"]["AS-OTHER"] = [f"AS{A}", "AS2121"]
        x.save()
        x.spean.apply(x.text.replace("AS-ALPHA", "AS-OTHER"))
        x.wait_states({GOOD: "origin_not_registered",
                       OTHER: "origin_not_registered",
                       ALIEN: "origin_not_registered",
                       "193.0.20.0/23": "best"})
