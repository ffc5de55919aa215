"""BGP as bytes, for the scripted speaker.  Shares no code with spean."""
import functools
import ipaddress
import struct

OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
V4, V6 = 1, 2  # AFI

ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF = 1, 2, 3, 4, 5
ATOMIC, AGGREGATOR, COMMUNITIES, ORIGINATOR, CLUSTERS = 6, 7, 8, 9, 10
MP_REACH, MP_UNREACH, EXTENDED, AS4_PATH, AS4_AGGREGATOR = 14, 15, 16, 17, 18
LARGE, OTC = 32, 35

MARKER = b"\xff" * 16


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def afi(prefix):
    return V6 if ":" in prefix else V4


# ---- OPEN ------------------------------------------------------------------

def cap(code, value=b""):
    return bytes([code, len(value)]) + value


def cap_mp(a):
    return cap(1, struct.pack("!HBB", a, 0, 1))


def cap_as4(asn):
    return cap(65, struct.pack("!I", asn))


CAP_REFRESH = cap(2)
CAP_EXTENDED_MESSAGE = cap(6)
CAP_ENHANCED_REFRESH = cap(70)


def cap_ext_next_hop(*afis):
    """RFC 8950: these families may carry an IPv6 next hop."""
    return cap(5, b"".join(struct.pack("!HHH", a, 1, V6) for a in afis))


def cap_add_path(mode, *afis):
    """RFC 7911; mode 1 receive, 2 send, 3 both."""
    return cap(69, b"".join(struct.pack("!HBB", a, 1, mode) for a in afis))


def cap_gr(seconds, afis, restarting=False, notify=False, forwarding=True):
    """RFC 4724, with RFC 8538's N bit."""
    flags = (0x8000 if restarting else 0) | (0x4000 if notify else 0)
    return cap(64, struct.pack("!H", flags | seconds) + b"".join(
        struct.pack("!HBB", a, 1, 0x80 if forwarding else 0) for a in afis))


def cap_llgr(seconds, afis):
    """RFC 9494."""
    return cap(71, b"".join(
        struct.pack("!HBB", a, 1, 0x80) + struct.pack("!I", seconds)[1:]
        for a in afis))


def cap_role(role):
    """RFC 9234: 0 provider, 1 RS, 2 RS-client, 3 customer, 4 peer."""
    return cap(9, bytes([role]))


def open_message(asn, bgp_id, hold=90, caps=(), version=4):
    as2 = asn if asn < 65536 else 23456
    params = b"".join(bytes([2, len(c)]) + c for c in caps)
    body = struct.pack("!BHH", version, as2, hold)
    body += ipaddress.IPv4Address(bgp_id).packed
    if len(params) > 255:  # RFC 9072
        params = b"".join(struct.pack("!BH", 2, len(c)) + c for c in caps)
        return message(OPEN, body + struct.pack("!BBH", 255, 255, len(params))
                       + params)
    return message(OPEN, body + bytes([len(params)]) + params)


def parse_open(body):
    """{asn, hold, id, caps: {code: [values]}}"""
    _, asn, hold = struct.unpack("!BHH", body[:5])
    out = {"asn": asn, "hold": hold, "caps": {},
           "id": str(ipaddress.IPv4Address(body[5:9]))}
    p, end, wide = 10, 10 + body[9], 1
    if body[9] == 255 and len(body) > 12 and body[10] == 255:
        p, wide = 13, 2
        end = 13 + struct.unpack("!H", body[11:13])[0]
    while p < end:
        kind = body[p]
        n = int.from_bytes(body[p + 1:p + 1 + wide], "big")
        p += 1 + wide
        q = p
        while kind == 2 and q < p + n:
            code, k = body[q], body[q + 1]
            out["caps"].setdefault(code, []).append(body[q + 2:q + 2 + k])
            q += 2 + k
        p += n
    if 65 in out["caps"]:
        out["asn"] = struct.unpack("!I", out["caps"][65][0])[0]
    return out


# ---- UPDATE ----------------------------------------------------------------

FLAGS = {ORIGIN: 0x40, AS_PATH: 0x40, NEXT_HOP: 0x40, MED: 0x80,
         LOCAL_PREF: 0x40, ATOMIC: 0x40, AGGREGATOR: 0xc0,
         COMMUNITIES: 0xc0, ORIGINATOR: 0x80, CLUSTERS: 0x80,
         MP_REACH: 0x80, MP_UNREACH: 0x80, EXTENDED: 0xc0, AS4_PATH: 0xc0,
         AS4_AGGREGATOR: 0xc0, LARGE: 0xc0, OTC: 0xc0}


def attr(code, value, flags=None):
    """One path attribute, with the flags that its RFC gives it."""
    if flags is None:
        flags = FLAGS.get(code, 0xc0)
    if len(value) > 255 or flags & 0x10:
        return struct.pack("!BBH", flags | 0x10, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def path_value(path, width=4):
    """[1, 2, [3, 4]]: a sequence, and inner lists as AS_SETs."""
    out, run = b"", []
    fmt = "!I" if width == 4 else "!H"

    def segment(kind, asns):
        return bytes([kind, len(asns)]) + b"".join(
            struct.pack(fmt, a if width == 4 or a < 65536 else 23456)
            for a in asns)

    for hop in list(path) + [None]:
        if isinstance(hop, int):
            run.append(hop)
            continue
        while run:
            out += segment(2, run[:255])
            run = run[255:]
        if hop is not None:
            out += segment(1, list(hop))
    return out


def numbers(text):
    return [int(x) for x in text.split(":")]


def communities_value(values):
    return b"".join(struct.pack("!HH", *numbers(v)) for v in values)


def large_value(values):
    return b"".join(struct.pack("!III", *numbers(v)) for v in values)


def extended_value(values):
    """rt:ASN:NUMBER, of two bytes' ASN or of four."""
    out = b""
    for v in values:
        a, b = numbers(v.split(":", 1)[1])
        if a < 65536:
            out += struct.pack("!BBHI", 0, 2, a, b)
        else:
            out += struct.pack("!BBIH", 2, 2, a, b)
    return out


@functools.lru_cache(1 << 17)
def nlri(prefix, path_id=None):
    net = ipaddress.ip_network(prefix)
    n = (net.prefixlen + 7) // 8
    head = b"" if path_id is None else struct.pack("!I", path_id)
    return head + bytes([net.prefixlen]) + net.network_address.packed[:n]


def pack_addresses(addresses):
    return b"".join(ipaddress.ip_address(a).packed for a in addresses)


def mp_reach(a, next_hops, runs):
    hop = pack_addresses(next_hops)
    return attr(MP_REACH, struct.pack("!HBB", a, 1, len(hop)) + hop + b"\0"
                + runs)


def mp_unreach(a, runs):
    return attr(MP_UNREACH, struct.pack("!HB", a, 1) + runs)


def update(withdrawn=b"", attrs=b"", reach=b""):
    """An UPDATE of the raw parts."""
    return message(UPDATE, struct.pack("!H", len(withdrawn)) + withdrawn
                   + struct.pack("!H", len(attrs)) + attrs + reach)


def end_of_rib(a):
    return update() if a == V4 else update(attrs=mp_unreach(a, b""))


def route_refresh(a, subtype=0):
    return message(REFRESH, struct.pack("!HBB", a, subtype, 1))


def base_attrs(path, origin=0, width=4):
    return attr(ORIGIN, bytes([origin])) + attr(
        AS_PATH, path_value(path, width))


def optional_attrs(med=None, communities=(), extended=(), large=(), otc=None):
    out = b""
    if med is not None:
        out += attr(MED, struct.pack("!I", med))
    if communities:
        out += attr(COMMUNITIES, communities_value(communities))
    if extended:
        out += attr(EXTENDED, extended_value(extended))
    if large:
        out += attr(LARGE, large_value(large))
    if otc is not None:
        out += attr(OTC, struct.pack("!I", otc))
    return out


# ---- reading ---------------------------------------------------------------

def split_attrs(data):
    """[(flags, code, value)] of a whole attribute list."""
    out, p = [], 0
    while p < len(data):
        flags, code = data[p], data[p + 1]
        if flags & 0x10:
            n, p = struct.unpack("!H", data[p + 2:p + 4])[0], p + 4
        else:
            n, p = data[p + 2], p + 3
        out.append((flags, code, data[p:p + n]))
        p += n
    return out


def split_nlri(data, a, add_path=False):
    """[(prefix, path id or None)]"""
    out, p = [], 0
    size = 4 if a == V4 else 16
    while p < len(data):
        pid = None
        if add_path:
            pid, p = struct.unpack("!I", data[p:p + 4])[0], p + 4
        bits = data[p]
        n = (bits + 7) // 8
        raw = data[p + 1:p + 1 + n].ljust(size, b"\0")
        out.append((f"{ipaddress.ip_address(raw)}/{bits}", pid))
        p += 1 + n
    return out


def read_path(value, width=4):
    out, p = [], 0
    fmt = "!I" if width == 4 else "!H"
    while p < len(value):
        kind, n = value[p], value[p + 1]
        asns = [struct.unpack(fmt, value[p + 2 + width * i:
                                         p + 2 + width * (i + 1)])[0]
                for i in range(n)]
        out += asns if kind == 2 else [asns]
        p += 2 + width * n
    return out


def read_communities(value):
    return ["%d:%d" % struct.unpack("!HH", value[i:i + 4])
            for i in range(0, len(value), 4)]


def read_large(value):
    return ["%d:%d:%d" % struct.unpack("!III", value[i:i + 12])
            for i in range(0, len(value), 12)]


def read_next_hops(value):
    if len(value) == 4:
        return [str(ipaddress.IPv4Address(value))]
    return [str(ipaddress.IPv6Address(value[i:i + 16]))
            for i in range(0, len(value), 16)]
