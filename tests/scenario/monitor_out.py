"""Adj-RIB-Out (RFC 8671): what stations are told that clients are sent is what
the clients hold."""
from lib import Lab, Spean, check, config, equal, wait_until
from lib.members import daemon
from lib.net import RS_ASN
from lib.spean import Member, of
from lib.speaker import Speaker
from lib.station import PORT, Station, feeds, many
from lib.tap import Tap

PLAIN = many(3000)


def words(text):
    """Large communities as either prints them, in order: ["1:2:3"]"""
    text = str(text or "").replace(", ", ":")
    return sorted(text.replace("(", " ").replace(")", " ").split())


def of_bird(client):
    """What a bird2 holds: {prefix: (path, next hop, large communities)}"""
    return {p: (r["as_path"], r["next_hop"].split()[0],
                words(r.get("large_community")))
            for p, r in client.routes().items()}


def of_speaker(client):
    return {p: (" ".join(str(x) for x in r.path), r.next_hops[0],
                sorted(r.large)) for p, r in client.table().items()}


def of_feed(station, *addresses):
    """The same, as the station was told of that client."""
    out = {}
    for addr in addresses:
        for (p, _), m in station.ribs()["out", addr].items():
            out[p] = (m["as_path"], m["bgp_nexthop"], words(m.get("lcomms")))
    return out


def agree(station, client, hold):
    """Until the feed says what the client holds."""
    addrs = [client.addr] if isinstance(client, Speaker) else \
        [client.node.addr4, client.node.addr6]
    seen = [{}, {}]

    def same():
        seen[:] = [of_feed(station, *addrs), hold(client)]
        return seen[0] == seen[1] and seen[0]

    def why():
        told, held = (set(map(str, x.items())) for x in seen)
        return (f"{client}: told {len(told)}, held {len(held)}; told alone "
                f"{sorted(told - held)[:4]}, held alone "
                f"{sorted(held - told)[:4]}")
    wait_until(same, 40, why, every=1)
    return seen[0]


def announce(a, e):
    a.announce(PLAIN, path=[64501, 3356])
    a.announce([f"2a00:{i:x}::/32" for i in range(1, 101)])
    a.announce("20.0.0.0/25")  # too long: nobody gets it
    a.announce("21.0.0.0/24", communities=["0:64503"])
    a.announce("21.0.1.0/24", communities=[f"0:{RS_ASN}", f"{RS_ASN}:64503"])
    a.announce("21.0.2.0/24", large=[f"{RS_ASN}:102:64502", "64501:7:7"])
    a.announce("21.0.3.0/24", path=[64501, 64503])
    # b gets a's, since e's shorter path is not for it.
    a.announce("21.0.4.0/24", path=[64501, 3356])
    e.announce("21.0.4.0/24", large=[f"{RS_ASN}:0:64502"])


def look_at_the_wire(tap):
    rows = tap._tshark(
        "-d", f"tcp.port=={PORT},bmp", "-Y", "bmp.type == 0", "-T", "fields",
        "-e", "bmp.peer.flags.adj_rib_out", "-e",
        "bmp.peer.flags.post_policy").splitlines()
    seen = {tuple(f) for row in rows
            for f in zip(*[x.split(",") for x in row.split("\t")])}
    check(("1", "1") in seen, f"O and L flags as tshark sees them: {seen}")
    equal(tap._tshark("-d", f"tcp.port=={PORT},bmp", "-Y",
                      "bmp and (_ws.malformed or "
                      "_ws.expert.severity >= 8388608)"), "",
          "what tshark finds malformed")
    check(tap._tshark("-d", f"tcp.port=={PORT},bmp", "-Y",
                      "bmp.stats.data.routes_post_adj_rib_out"),
          "tshark sees the counts of routes sent")
    # RFC 7854 s5; an empty UPDATE, of four clients that were there.
    rows = tap._tshark("-d", f"tcp.port=={PORT},bmp", "-Y", "bmp.type == 0",
                       "-T", "fields", "-e", "bmp.length").splitlines()
    ends = sum(row.split(",").count(str(6 + 42 + 23)) for row in rows)
    check(ends >= 4, f"{ends} End-of-RIB of IPv4")


def test_stations_hear_what_clients_hold():
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        b = daemon("bird2", lab.node("b"), 64502, ["31.0.0.0/24"])
        c = daemon("bird2", lab.node("c"), 64503, ["2a0e:c::/48"])
        e = Speaker(lab.node("e"), 64505)
        late = Speaker(lab.node("late"), 64506)
        node = lab.node("station")
        station = Station(node)
        tap = Tap(lab.rs, filter_=f"tcp port {PORT}")
        plain = config(
            Member(64501, a.addr, a.node.addr6), *of(e, late),
            Member(64502, b.node.addr4, b.node.addr6),
            Member(64503, c.node.addr4, c.node.addr6),
            policy="preset strict; transit-free 64499;")
        spean = Spean(lab, plain + feeds(f"bmp {node.addr4};"))
        a.connect()
        e.connect()
        b.wait_up()
        c.wait_up()
        announce(a, e)
        wait_until(lambda: station.count("pre", a.addr) == 3106, 30,
                   "all routes")
        equal(station.count("out", b.node.addr4), 0, "out is off")
        spean.apply(plain + feeds(
            f"bmp {node.addr4} {{ pre off; post off; loc-rib off; out on; "
            "stats 1s; }"))
        of_b = agree(station, b, of_bird)
        of_c = agree(station, c, of_bird)
        equal((len(of_b), len(of_c)), (3004 + 101, 3004 + 100),
              "routes of b and c")
        equal({p for p in of_b if p.startswith("21.")},
              {f"21.0.{i}.0/24" for i in (0, 2, 3, 4)}, "what b may have")
        equal({p for p in of_c if p.startswith("21.")},
              {f"21.0.{i}.0/24" for i in (1, 2, 4)}, "what c may have")
        equal((of_b["21.0.2.0/24"][0], of_c["21.0.2.0/24"][0]),
              ("64501 64501 64501", "64501"), "prepended for b alone")
        check("64501:7:7" in of_b["21.0.2.0/24"][2] and not
              [x for x in of_b["21.0.2.0/24"][2] if ":102:" in x],
              f"scrubbed: {of_b['21.0.2.0/24']}")
        equal((of_b["21.0.4.0/24"][0], of_c["21.0.4.0/24"][0]),
              ("64501 3356", "64505"), "the best path that each may have")

        def counted(addr, n):
            return any(m["bmp_msg_type"] == "stats" and
                       m["peer_ip"] == addr and m["counter_type"] == 15 and
                       m["counter_value"] == n for m in station.messages())

        wait_until(lambda: counted(b.node.addr4, 3004), 10, "b's count")
        # What changes, and what goes.
        e.withdraw("21.0.4.0/24")
        a.withdraw(PLAIN[:1000])
        a.announce(PLAIN[1000:1500], path=[64501, 174], med=9)
        wait_until(lambda: len(b.routes()) == 2105, 20, "b's routes")
        agree(station, b, of_bird)
        equal(agree(station, c, of_bird)["21.0.4.0/24"][0], "64501 3356",
              "c's next best path")
        # One that comes later is told of the whole table.
        late.connect()
        wait_until(lambda: len(late.prefixes()) == 2106, 20, "late's table")
        agree(station, late, of_speaker)
        # So is everybody when the engine begins anew.
        old = spean.kill("engine")
        spean.wait_back("engine", old)
        for s in (a, e, late):
            s.connect()
        announce(a, e)
        b.wait_up()
        c.wait_up()
        wait_until(lambda: len(late.prefixes()) == 3106, 60, "late's table")
        agree(station, late, of_speaker)
        agree(station, b, of_bird)
        agree(station, c, of_bird)
        a.close()
        wait_until(lambda: late.prefixes() == [
            "21.0.4.0/24", "2a0e:c::/48", "31.0.0.0/24"],
            20, "a's routes to go")
        agree(station, late, of_speaker)
        agree(station, c, of_bird)
        b.stop()
        wait_until(lambda: not of_feed(station, b.node.addr4), 20,
                   "b's table to end with its session")
        spean.stop()
        bad = [t for t in station.text().splitlines()
               if "WARN" in t or "ERROR" in t]
        equal(bad, [], "pmbmpd's complaints")
        look_at_the_wire(tap)
