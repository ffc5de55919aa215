"""A scripted BGP speaker: well behaved by default, and able to send any bytes."""
import ipaddress
import select
import socket
import struct
import threading
import time

from . import bgp
from .net import RS4, RS6, RS_ASN, LabError, wait_until

TCP_MD5SIG = 14


class Route:
    """What the speaker holds from the route server for one prefix."""

    def __init__(self, attrs, next_hops, width):
        self.attrs = attrs  # {code: (flags, value)}
        self.next_hops = next_hops
        self.width = width

    def value(self, code):
        return self.attrs[code][1] if code in self.attrs else None

    @property
    def path(self):
        return bgp.read_path(self.value(bgp.AS_PATH) or b"", self.width)

    @property
    def med(self):
        v = self.value(bgp.MED)
        return None if v is None else struct.unpack("!I", v)[0]

    @property
    def communities(self):
        return bgp.read_communities(self.value(bgp.COMMUNITIES) or b"")

    @property
    def large(self):
        return bgp.read_large(self.value(bgp.LARGE) or b"")

    def key(self):
        """All that a member could notice, to compare two tables by."""
        return (tuple(self.next_hops), tuple(
            (c, v) for c, (_, v) in sorted(self.attrs.items())))


class Speaker:
    """One session to the route server, from a node of the lab."""

    def __init__(self, node, asn, addr=None, peer=None, peer_asn=RS_ASN,
                 bgp_id=None, hold=90, caps=None, extra_caps=(), port=179,
                 password=None, ttl=None, as4=True):
        self.node = node
        self.asn = asn
        self.addr = addr or node.addr4
        self.six = ":" in self.addr
        self.peer = peer or (RS6 if self.six else RS4)
        self.peer_asn = peer_asn
        self.bgp_id = bgp_id or (node.addr4 if self.six else self.addr)
        self.hold = hold
        self.port = port
        self.password = password
        self.ttl = ttl
        self.width = 4 if as4 else 2
        if caps is None:
            caps = [bgp.cap_mp(bgp.V4), bgp.cap_mp(bgp.V6), bgp.CAP_REFRESH]
            caps += [bgp.cap_as4(asn)] if as4 else []
        self.caps = list(caps) + list(extra_caps)
        self.lock = threading.RLock()
        self.sock = None
        self.thread = None
        self.serial = 0
        self.polite = True  # answers an OPEN
        node.lab.closers.append(self.abort)
        self._clear()

    def _clear(self):
        self.established = False
        self.closed = None      # why the connection ended
        self.open = None        # the peer's OPEN, parsed
        self.notification = None  # (code, subcode, data)
        self.messages = []      # (monotonic time, type, body)
        self.rib = {}           # (prefix, path id) -> Route
        self.end_of_rib = set()  # AFIs
        self.refreshes = []     # (afi, subtype)
        self.withdrawn = []     # (prefix, path id), as they came
        self.reading = True
        self.add_path = set()   # AFIs in which we receive path ids

    # ---- the connection --------------------------------------------------

    def _socket(self):
        family = socket.AF_INET6 if self.six else socket.AF_INET
        s = self.node.socket(family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.ttl:
            if self.six:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS,
                             self.ttl)
            else:
                s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, self.ttl)
        if self.password:
            s.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, self._md5())
        return s

    def _md5(self):
        key = self.password.encode()
        raw = ipaddress.ip_address(self.peer).packed
        if self.six:
            sa = struct.pack("=HHI", socket.AF_INET6, 0, 0) + raw
        else:
            sa = struct.pack("=HH", socket.AF_INET, 0) + raw
        return struct.pack("=128sBBHI80s", sa, 0, 0, len(key), 0, key)

    def connect(self, timeout=20, wait=True, hello=True, rcvbuf=None):
        """Connects, says OPEN, and waits for Established."""
        self.abort()
        self._clear()
        end = time.monotonic() + timeout
        while True:
            s = self._socket()
            if rcvbuf:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            s.settimeout(min(3, timeout))
            try:
                s.bind((self.addr, 0))
                s.connect((self.peer, self.port))
            except OSError as e:
                s.close()
                if time.monotonic() > end:
                    raise LabError(f"{self}: connect: {e}") from e
                time.sleep(0.1)
                continue
            self._begin(s, hello)
            if not wait:
                return self
            left = max(0.5, end - time.monotonic())
            try:
                wait_until(lambda: self.established or self.closed, left,
                           f"{self} established")
            except LabError:
                self.abort()
                raise
            if self.established:
                return self
            # Refused, or lost in a collision: the next try may succeed.
            if time.monotonic() > end:
                raise LabError(f"{self}: closed: {self.closed}, "
                               f"notification {self.notification}")
            self.abort()
            self._clear()
            time.sleep(0.2)

    def listen(self, timeout=40):
        """Waits for the route server to connect instead."""
        self.abort()
        end = time.monotonic() + timeout
        with self._socket() as l:
            l.bind((self.addr, self.port))
            l.listen(4)
            while not self.established:
                self._clear()
                l.settimeout(max(0.1, end - time.monotonic()))
                try:
                    s, _ = l.accept()
                except OSError as e:
                    raise LabError(f"{self}: nobody connected: {e}") from e
                self._begin(s, True)
                wait_until(lambda: self.established or self.closed, timeout,
                           f"{self} established")
        return self

    def _begin(self, s, hello):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.settimeout(10)
        self.sock = s
        self.serial += 1
        self.polite = hello
        if hello:
            self._try_send(s, bgp.open_message(self.asn, self.bgp_id,
                                               self.hold, self.caps))
        self.thread = threading.Thread(target=self._loop,
                                       args=(s, self.serial), daemon=True)
        self.thread.start()

    def _loop(self, s, serial):
        buf = b""
        keepalive = time.monotonic()
        while serial == self.serial and self.closed is None:
            hold = min(self.hold, self.open["hold"]) if self.open else 0
            if self.established and hold and self.reading and \
                    time.monotonic() - keepalive > min(hold / 3, 20):
                keepalive = time.monotonic()
                self._try_send(s, bgp.message(bgp.KEEPALIVE))
            if not self.reading:
                time.sleep(0.02)
                continue
            try:
                ready, _, _ = select.select([s], [], [], 0.1)
                if not ready:
                    continue
                data = s.recv(1 << 18)
            except (OSError, ValueError) as e:
                self._end(serial, str(e))
                return
            if not data:
                self._end(serial, "end of stream")
                return
            buf += data
            p = 0
            while len(buf) - p >= 19:
                n = struct.unpack("!H", buf[p + 16:p + 18])[0]
                if len(buf) - p < n:
                    break
                with self.lock:
                    if serial == self.serial:
                        self._got(s, buf[p + 18], buf[p + 19:p + n])
                p += n
            buf = buf[p:]

    def _end(self, serial, why):
        with self.lock:
            if serial == self.serial:
                self.closed = why
                self.established = False

    def _got(self, s, kind, body):
        self.messages.append((time.monotonic(), kind, body))
        if kind == bgp.OPEN:
            self.open = bgp.parse_open(body)
            self._negotiate()
            if self.polite:
                self._try_send(s, bgp.message(bgp.KEEPALIVE))
        elif kind == bgp.KEEPALIVE:
            self.established = True
        elif kind == bgp.NOTIFICATION:
            self.notification = (body[0], body[1], body[2:])
        elif kind == bgp.REFRESH:
            a, subtype, _ = struct.unpack("!HBB", body)
            self.refreshes.append((a, subtype))
        elif kind == bgp.UPDATE:
            self._update(body)

    def _negotiate(self):
        def modes(values):
            out = {}
            for v in values:
                for i in range(0, len(v), 4):
                    a, _, mode = struct.unpack("!HBB", v[i:i + 4])
                    out[a] = mode
            return out

        mine = modes([c[2:] for c in self.caps if c[0] == 69])
        theirs = modes(self.open["caps"].get(69, []))
        self.add_path = {a for a in mine
                         if mine[a] & 1 and theirs.get(a, 0) & 2}

    def _update(self, body):
        n = struct.unpack("!H", body[:2])[0]
        gone = body[2:2 + n]
        k = struct.unpack("!H", body[2 + n:4 + n])[0]
        attrs = bgp.split_attrs(body[4 + n:4 + n + k])
        reach = body[4 + n + k:]
        values = {c: (f, v) for f, c, v in attrs}
        if len(body) == 4:
            self.end_of_rib.add(bgp.V4)
        four = bgp.V4 in self.add_path
        self._withdraw(bgp.split_nlri(gone, bgp.V4, four))
        if bgp.MP_UNREACH in values:
            v = values.pop(bgp.MP_UNREACH)[1]
            a = struct.unpack("!H", v[:2])[0]
            if len(v) == 3:
                self.end_of_rib.add(a)
            self._withdraw(bgp.split_nlri(v[3:], a, a in self.add_path))
        if bgp.MP_REACH in values:
            v = values.pop(bgp.MP_REACH)[1]
            a, _, size = struct.unpack("!HBB", v[:4])
            route = Route({c: x for c, x in values.items()
                           if c != bgp.NEXT_HOP},
                          bgp.read_next_hops(v[4:4 + size]), self.width)
            for key in bgp.split_nlri(v[5 + size:], a, a in self.add_path):
                self.rib[key] = route
        if reach:
            hop = bgp.read_next_hops(values[bgp.NEXT_HOP][1])
            route = Route({c: x for c, x in values.items()
                           if c != bgp.NEXT_HOP}, hop, self.width)
            for key in bgp.split_nlri(reach, bgp.V4, four):
                self.rib[key] = route

    def _withdraw(self, keys):
        for key in keys:
            self.rib.pop(key, None)
            self.withdrawn.append(key)

    # ---- sending ---------------------------------------------------------

    def _try_send(self, s, data):
        try:
            s.sendall(data)
        except OSError:
            pass

    def send(self, data):
        """Any bytes."""
        self.sock.sendall(data)

    def announce(self, prefixes, path=None, next_hop=None, med=None,
                 origin=0, communities=(), extended=(), large=(), otc=None,
                 extra=b"", path_id=None):
        """Announces prefixes of one family, as many to an UPDATE as fit."""
        if isinstance(prefixes, str):
            prefixes = [prefixes]
        path = [self.asn] if path is None else path
        a = bgp.afi(prefixes[0])
        if next_hop is None:
            next_hop = self.node.addr6 if a == bgp.V6 else self.node.addr4
            if a == (bgp.V6 if self.six else bgp.V4):
                next_hop = self.addr
        hops = [next_hop] if isinstance(next_hop, str) else list(next_hop)
        rest = bgp.optional_attrs(med, communities, extended, large, otc)
        head = bgp.base_attrs(path, origin, self.width)
        out, i = b"", 0
        while i < len(prefixes):
            run = bgp.nlri(prefixes[i], path_id)
            i += 1
            while i < len(prefixes) and len(run) + len(head) + len(rest) \
                    + len(extra) < 3900:
                run += bgp.nlri(prefixes[i], path_id)
                i += 1
            if a == bgp.V4 and ":" not in hops[0]:
                hop = bgp.attr(bgp.NEXT_HOP, bgp.pack_addresses(hops))
                out += bgp.update(attrs=head + hop + rest + extra, reach=run)
            else:
                out += bgp.update(attrs=bgp.mp_reach(a, hops, run) + head
                                  + rest + extra)
        self.send(out)

    def withdraw(self, prefixes, path_id=None):
        if isinstance(prefixes, str):
            prefixes = [prefixes]
        a = bgp.afi(prefixes[0])
        out = b""
        for i in range(0, len(prefixes), 200):
            run = b"".join(bgp.nlri(p, path_id)
                           for p in prefixes[i:i + 200])
            out += bgp.update(withdrawn=run) if a == bgp.V4 else \
                bgp.update(attrs=bgp.mp_unreach(a, run))
        self.send(out)

    def end_of_ribs(self, *afis):
        for a in afis or (bgp.V4, bgp.V6):
            self.send(bgp.end_of_rib(a))

    # ---- the end ---------------------------------------------------------

    def notify(self, code, subcode, data=b""):
        self.send(bgp.message(bgp.NOTIFICATION,
                              bytes([code, subcode]) + data))

    def close(self):
        """Ends the TCP connection in good order (FIN)."""
        self._stop(False)

    def abort(self):
        """Ends the TCP connection at once (RST)."""
        self._stop(True)

    def _stop(self, reset):
        with self.lock:
            self.serial += 1
            s, self.sock = self.sock, None
            self.established = False
            self.closed = self.closed or "closed by the test"
        if s is None:
            return
        try:
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
            else:
                s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()
        if self.thread and self.thread is not threading.current_thread():
            self.thread.join(2)

    # ---- looking ---------------------------------------------------------

    def table(self):
        """{prefix: Route}; without ADD-PATH there is one a prefix."""
        with self.lock:
            return {p: r for (p, _), r in self.rib.items()}

    def prefixes(self):
        with self.lock:
            return sorted({p for p, _ in self.rib})

    def paths(self, prefix):
        """{path id: Route} of one prefix."""
        with self.lock:
            return {i: r for (p, i), r in self.rib.items() if p == prefix}

    def wait_prefixes(self, want, timeout=15):
        """Until it holds exactly these prefixes."""
        want = sorted(want)
        wait_until(lambda: self.prefixes() == want, timeout,
                   lambda: f"{self} to hold {brief(want)}, "
                           f"it holds {brief(self.prefixes())}")

    def wait_route(self, prefix, test=lambda r: True, timeout=15):
        """Until it holds a route for prefix that passes the test."""
        def probe():
            r = self.table().get(prefix)
            return r if r is not None and test(r) else None
        return wait_until(probe, timeout, lambda: (
            f"{self}: a certain route for {prefix}; it holds "
            f"{brief(self.prefixes())}, path "
            f"{getattr(self.table().get(prefix), 'path', None)}"))

    def wait_gone(self, prefix, timeout=15):
        wait_until(lambda: prefix not in self.table(), timeout,
                   f"{self}: {prefix} withdrawn")

    def wait_closed(self, timeout=15):
        wait_until(lambda: self.closed, timeout, f"{self} closed")
        return self.notification

    def steady(self, quiet=0.5, timeout=20):
        """Until no UPDATE has come for a while."""
        def probe():
            with self.lock:
                times = [t for t, k, _ in self.messages[-50:]
                         if k == bgp.UPDATE]
            return not times or time.monotonic() - times[-1] > quiet
        wait_until(probe, timeout, f"{self} to become quiet")

    def __str__(self):
        return f"AS{self.asn} ({self.addr})"


def brief(prefixes):
    if len(prefixes) > 8:
        return f"{len(prefixes)} prefixes ({prefixes[0]} ...)"
    return prefixes
