"""RPKI caches: real ones, and ones that break every rule.  What is looked at
is what an operator sees (show rpki) and what becomes of members' routes."""
import socket
import ssl
import subprocess
import time

from lib import Lab, Speaker, Spean, check, config, equal, wait_until
from lib.rtr import (END, RESET, RESET_QUERY, RESPONSE, Cache, Stayrtr, aspa_pdu,
                     pdu, vrp_pdu)
from lib.spean import of

GOOD = ("10.1.0.0/16", 24, 64501)
OTHER = ("10.2.0.0/16", 16, 64999)  # makes 64501's route invalid
SIX = ("2001:db8:5::/48", 48, 64501)
FAST = "refresh 1s; retry 1s; expire 60s;"


def rpki(*caches, each=FAST):
    return "rpki { " + " ".join(
        f"cache 127.0.0.1:{p} {{ {each} }}" for p in caches) + " }\n"


def rows(spean):
    out = {r["cache"]: r for r in spean.query("show", "rpki")}
    return {k.rsplit(":", 1)[1] if k else None: v for k, v in out.items()}


def row(spean, port):
    return rows(spean)[str(port) if port else None]


def wait_vrps(spean, n, seconds=20):
    def probe():
        r = row(spean, None)
        return r["state"] == "data" and r["vrps_ipv4"] + r["vrps_ipv6"] == n
    wait_until(probe, seconds, f"{n} VRPs that count")


def wait_rov(spean, prefix, want, seconds=20):
    def probe():
        got = [r["rpki"] for r in spean.query("show", "routes", "--prefix",
                                              prefix)]
        return got == [want]
    wait_until(probe, seconds, f"{prefix} to be {want}")


def exchange(lab, *caches, policy="preset open; rov reject; aspa reject;",
             each=FAST):
    a, b = (Speaker(lab.node(n), asn)
            for n, asn in (("a", 64501), ("b", 64502)))
    text = config(*of(a, b), policy=policy) + rpki(*caches, each=each)
    spean = Spean(lab, text)
    for s in (a, b):
        s.connect()
    a.announce(["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"])
    return spean, a, b


def with_stayrtr(version):
    with Lab() as lab:
        cache = Stayrtr(lab, 8282, [GOOD, OTHER, SIX], version)
        spean, a, b = exchange(lab, 8282)
        wait_vrps(spean, 3)
        equal(row(spean, 8282)["version"], version, "version")
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})
        wait_rov(spean, "10.1.0.0/16", "valid")
        wait_rov(spean, "10.2.0.0/16", "invalid")
        wait_rov(spean, "10.3.0.0/16", "not-found")
        # Its restart is another session; nothing is lost meanwhile.
        session = row(spean, 8282)["session"]
        cache.stop()
        cache.write([GOOD, SIX])
        wait_until(lambda: row(spean, 8282)["error"], 10, "trouble shown")
        equal(set(b.prefixes()), {"10.1.0.0/16", "10.3.0.0/16"}, "kept")
        equal(row(spean, None)["state"], "data", "data lives on")
        cache.start()
        wait_vrps(spean, 2, 30)
        b.wait_prefixes({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"})
        check(row(spean, 8282)["session"] != session or version == 0,
              "another session")


def test_stayrtr_version_0():
    with_stayrtr(0)


def test_stayrtr_version_1():
    with_stayrtr(1)


def test_stayrtr_version_2():
    """It sends ASPAs in the form of an older draft."""
    with Lab() as lab:
        Stayrtr(lab, 8282, [GOOD], 2, aspas={64600: [64888, 64889]})
        spean, a, b = exchange(lab, 8282)
        wait_vrps(spean, 1)
        equal(row(spean, 8282)["version"], 2, "version")
        equal(row(spean, 8282)["aspas"], 1, "ASPAs")
        a.announce(["10.8.0.0/16", "10.9.0.0/16"], path=[64501, 64600])
        a.announce(["10.7.0.0/16"])
        b.wait_prefixes({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16",
                         "10.7.0.0/16"})


def test_aspa_and_changes_with_version_2():
    with Lab() as lab:
        cache = Cache(lab.rs, 8282, {GOOD, OTHER, SIX}, {64501: [64777]})
        spean, a, b = exchange(lab, 8282)
        wait_vrps(spean, 3)
        equal(row(spean, 8282)["aspas"], 1, "ASPAs")
        equal(row(spean, 8282)["version"], 2, "version")
        # 64600 gives its route to 64501 as to a provider.
        a.announce(["10.9.0.0/16"], path=[64501, 64600])
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16", "10.9.0.0/16"})
        cache.change(aspas={64501: [64777], 64600: [64888]})
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})
        cache.change(add=[("10.3.0.0/16", 16, 1)], remove=[OTHER],
                     aspas={})
        b.wait_prefixes({"10.1.0.0/16", "10.2.0.0/16", "10.9.0.0/16"})
        equal(row(spean, 8282)["serial"], 3, "serial")
        equal(row(spean, 8282)["failures"], 0, "failures")
        check(row(spean, 8282)["responses"] >= 3, "responses")


def test_versions_fall_back_and_keys_are_passed_over():
    """2 is asked first; who does not speak it, and says so or just hangs up,
    is asked with less.  Router keys are of no use here, and do no harm."""
    keys = [(bytes(range(20)), 64501, b"\x30" * 91)]
    with Lab() as lab:
        caches = {8280 + v: Cache(lab.rs, 8280 + v, {GOOD, OTHER, SIX},
                                  {64600: [64888]}, version=v, keys=keys)
                  for v in (0, 1, 2)}

        def hang_up(c, s, kind):
            if s.rtr:
                s.shutdown(socket.SHUT_RDWR)
                return
            s.sendall(c.everything(0) + c.end_pdu(0))
        caches[8283] = Cache(lab.rs, 8283, {GOOD, OTHER, SIX}, keys=keys)
        caches[8283].answer = hang_up
        spean, a, b = exchange(lab, *caches)
        a.announce(["10.9.0.0/16"], path=[64501, 64600])
        for port, version in ((8280, 0), (8281, 1), (8282, 2), (8283, 0)):
            wait_until(lambda p=port: row(spean, p)["vrps_ipv4"] == 2, 30,
                       lambda p=port: f"data of {p}: {row(spean, p)}")
            r = row(spean, port)
            equal((r["version"], r["vrps_ipv6"], r["aspas"]),
                  (version, 1, int(version == 2)), f"port {port}")
            asked = [v for v, kind in caches[port].queries
                     if kind == RESET_QUERY]
            equal(asked[-1], version, "the last question")
            check(caches[port].errors == [], f"{caches[port].errors}")
        equal(max(v for v, _ in caches[8282].queries), 2, "2 comes first")
        wait_vrps(spean, 3)
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16", "10.9.0.0/16"})


def test_session_change_and_reset_midway():
    with Lab() as lab:
        cache = Cache(lab.rs, 8282, {GOOD, OTHER})
        spean, a, b = exchange(lab, 8282)
        wait_vrps(spean, 2)
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})
        cache.vrps = {GOOD}
        cache.restart(session=200)
        wait_vrps(spean, 1)
        equal(row(spean, 8282)["session"], 200, "session")
        b.wait_prefixes({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"})

        def midway(c, s, kind):
            c.answer = None
            s.sendall(pdu(2, RESPONSE, c.session) + vrp_pdu(2, OTHER)
                      + pdu(2, RESET))
        cache.answer = midway
        wait_until(lambda: cache.answer is None, 10, "a question")
        time.sleep(1.5)
        wait_vrps(spean, 1)
        equal(set(b.prefixes()), {"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"},
              "half a response does not count")
        equal(row(spean, 8282)["error"], None, "error")


def lies(lab, spean, cache, b, answer, code):
    before = len(cache.errors)
    cache.answer = answer
    wait_until(lambda: len(cache.errors) > before, 20, f"error {code}")
    equal(cache.errors[-1], code, "error code")
    equal(row(spean, None)["state"], "data", "the old data counts")
    equal(set(b.prefixes()), {"10.1.0.0/16", "10.3.0.0/16"}, "routes")
    check(row(spean, 8282)["error"], "the error is shown")
    cache.answer = None
    wait_until(lambda: row(spean, 8282)["error"] is None, 20, "recovered")


def test_lying_caches_change_nothing():
    with Lab() as lab:
        cache = Cache(lab.rs, 8282, {GOOD, OTHER})
        spean, a, b = exchange(lab, 8282)
        wait_vrps(spean, 2)
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})
        begin = pdu(2, RESPONSE, 100)
        for data, code in (
                (begin + vrp_pdu(2, SIX)[:4] + b"\xff\xff\xff\xff", 0),
                (begin + pdu(2, END, 100, b"", 9), 0),
                (begin + pdu(2, 77, 0, b"abcd"), 5),
                (begin + aspa_pdu(2, 7, []), 9),
                (begin + vrp_pdu(2, GOOD), None),
                (begin + vrp_pdu(1, SIX), 8)):
            def answer(c, s, kind, data=data, code=code):
                # A record that it has announced before, in a difference.
                tail = c.end_pdu(2) if code is None else b""
                s.sendall(data + tail)
            lies(lab, spean, cache, b, answer, 7 if code is None else code)


def test_a_stalling_cache_is_left_for_another():
    with Lab() as lab:
        first = Cache(lab.rs, 8281, {GOOD, OTHER})
        first.answer = lambda c, s, kind: s.sendall(
            pdu(2, RESPONSE, c.session) + vrp_pdu(2, GOOD))
        second = Cache(lab.rs, 8282, {GOOD})
        spean, a, b = exchange(lab, 8281, 8282)
        wait_vrps(spean, 1)
        check(row(spean, 8282)["counts"], "the second counts")
        wait_until(lambda: "stalls" in (row(spean, 8281)["error"] or ""), 10,
                   "the stall shown")
        b.wait_prefixes({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"})
        # The first is preferred as soon as it has data.
        first.answer = None
        wait_until(lambda: row(spean, 8281)["counts"], 20, "the first counts")
        check(not row(spean, 8282)["counts"], "the second does not")
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})
        first.stop()
        time.sleep(2)
        equal(set(b.prefixes()), {"10.1.0.0/16", "10.3.0.0/16"}, "kept")


def test_expired_data_is_unchecked_with_an_alarm():
    with Lab() as lab:
        cache = Cache(lab.rs, 8282, {GOOD, OTHER})
        spean, a, b = exchange(
            lab, 8282, each="refresh 1s; retry 1s; expire 5s;")
        wait_vrps(spean, 2)
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})
        cache.stop()
        time.sleep(2)
        equal(row(spean, None)["state"], "data", "before it expires")
        wait_until(lambda: row(spean, None)["state"] == "no data", 10,
                   "the data to expire")
        wait_rov(spean, "10.2.0.0/16", "unchecked")
        b.wait_prefixes({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"})
        check("error rpki rpki_no_data" in spean.process.text(), "alarm")
        cache.start()
        wait_vrps(spean, 2)
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})


def test_the_role_dies_and_nothing_is_lost():
    with Lab() as lab:
        cache = Cache(lab.rs, 8282, {GOOD, OTHER})
        spean, a, b = exchange(lab, 8282)
        wait_vrps(spean, 2)
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})
        changes = []
        cache.stop()
        old = spean.kill("rpki")
        spean.wait_back("rpki", old)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            changes.append(frozenset(set(b.prefixes())))
            time.sleep(0.05)
        equal(set(changes), {frozenset({"10.1.0.0/16", "10.3.0.0/16"})},
              "routes while there is neither role nor cache")
        cache.start()
        wait_vrps(spean, 2)
        equal(set(b.prefixes()), {"10.1.0.0/16", "10.3.0.0/16"}, "routes")
        old = spean.kill("engine")
        spean.wait_back("engine", old)
        for s in (a, b):
            s.wait_closed()
            s.connect(40)
        a.announce(["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"])
        a.end_of_ribs()
        b.end_of_ribs()
        wait_rov(spean, "10.2.0.0/16", "invalid", 30)


def test_caches_come_and_go_by_apply():
    with Lab() as lab:
        Cache(lab.rs, 8281, {GOOD})
        Cache(lab.rs, 8282, {OTHER})
        spean, a, b = exchange(lab, 8281)
        wait_vrps(spean, 1)
        base = config(*of(a, b), policy="preset open; rov reject;")
        spean.apply(base + "rpki { cache 127.0.0.1:8281, 127.0.0.1:8282 { "
                    f"preference 5; {FAST} }} }}\n")
        wait_vrps(spean, 2)
        equal([r["cache"] for r in spean.query("show", "rpki")],
              ["127.0.0.1:8281", "127.0.0.1:8282", None], "caches")
        b.wait_prefixes({"10.1.0.0/16", "10.3.0.0/16"})
        spean.apply(base + rpki(8282))
        wait_vrps(spean, 1)
        wait_rov(spean, "10.1.0.0/16", "not-found")
        wait_rov(spean, "10.2.0.0/16", "invalid")
        spean.apply(base)
        wait_rov(spean, "10.2.0.0/16", "unchecked")
        b.wait_prefixes({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"})
        equal(row(spean, None)["state"], "off", "state")


def authority(lab, name, *certificates):
    """PEM files of an authority and of certificates for names from it."""
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)

    ca, key = lab.file(f"{name}.pem"), lab.file(f"{name}.key")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl(*new, "-subj", f"/CN={name}", "-keyout", key, "-out", ca)
    out = {"ca": ca}
    for c in certificates:
        pem, pem_key = lab.file(f"{name}-{c}.pem"), lab.file(f"{name}-{c}.key")
        openssl(*new, "-subj", f"/CN={c}", "-addext",
                f"subjectAltName=DNS:{c},IP:127.0.0.1", "-CA", ca, "-CAkey",
                key, "-keyout", pem_key, "-out", pem)
        out[c] = (pem, pem_key)
    return out


def test_tls_is_verified():
    with Lab() as lab:
        ours = authority(lab, "ours", "cache.example", "router.example")
        others = authority(lab, "others", "cache.example")

        def context(pem, client=False):
            x = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            x.load_cert_chain(*pem)
            if client:
                x.load_verify_locations(ours["ca"])
                x.verify_mode = ssl.CERT_REQUIRED
            return x

        many = {(f"10.{i >> 8 & 255}.{i & 255}.0/24", 24, 64501)
                for i in range(20000)}
        Cache(lab.rs, 8281, many, tls=context(ours["cache.example"]))
        Cache(lab.rs, 8282, {GOOD}, tls=context(others["cache.example"]))
        Cache(lab.rs, 8283, {GOOD}, tls=context(ours["cache.example"], True))
        Cache(lab.rs, 8284, {GOOD})
        base = config(policy="preset open;")
        ca = f'ca "{ours["ca"]}"; {FAST}'
        pem, key = ours["router.example"]
        caches = (
            (8281, f"tls cache.example; {ca}"),
            (8282, f"tls cache.example; {ca}"),  # another authority
            (8283, f"tls cache.example; {ca}"),  # wants a certificate of us
            (8284, f"tls cache.example; {ca}"))  # no TLS at all
        spean = Spean(lab, base + "rpki { " + " ".join(
            f"cache 127.0.0.1:{p} {{ {t} }}" for p, t in caches) + " }\n")
        wait_vrps(spean, len(many))
        wait_until(lambda: "certificate is refused" in
                   (row(spean, 8282)["error"] or ""), 10, "a refusal")
        wait_until(lambda: row(spean, 8283)["error"], 10, "a refusal")
        for p in (8282, 8283, 8284):
            equal(row(spean, p)["vrps_ipv4"], 0, f"VRPs of {p}")
        spean.apply(base + "rpki { " + " ".join(
            f"cache 127.0.0.1:{p} {{ {t} }}" for p, t in (
                (8281, f"tls other.example; {ca}"),
                (8283, f'tls 127.0.0.1; certificate "{pem}"; key "{key}"; '
                       f"{ca}"),
                (8284, f'tls cache.example; ca "{lab.file("none")}"; {FAST}')
            )) + " }\n")
        wait_until(lambda: row(spean, 8283)["vrps_ipv4"] == 1, 20,
                   "the one that wants a certificate of ours")
        wait_until(lambda: "ostname mismatch" in
                   (row(spean, 8281)["error"] or ""), 10, "the wrong name")
        check("cannot read" in row(spean, 8284)["error"], "a missing file")
        equal(row(spean, 8281)["vrps_ipv4"], len(many), "kept meanwhile")
