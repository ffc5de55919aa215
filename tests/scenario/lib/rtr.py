"""A scripted RPKI cache (RTR versions 0 to 2), and stayrtr as a real one."""
import ipaddress
import json
import socket
import struct
import threading
import time

from .net import need

NOTIFY, SERIAL, RESET_QUERY, RESPONSE = 0, 1, 2, 3
IPV4, IPV6, END, RESET, KEY, ERROR, ASPA = 4, 6, 7, 8, 9, 10, 11


def pdu(version, kind, session=0, body=b"", length=None):
    return struct.pack("!BBHI", version, kind, session,
                       8 + len(body) if length is None else length) + body


def vrp_pdu(version, vrp, announce=True):
    prefix, max_len, asn = vrp
    net = ipaddress.ip_network(prefix)
    return pdu(version, IPV4 if net.version == 4 else IPV6, 0, struct.pack(
        "!BBBx", announce, net.prefixlen, max_len)
        + net.network_address.packed + struct.pack("!I", asn))


def aspa_pdu(version, customer, providers, announce=True):
    return pdu(version, ASPA, announce << 8, struct.pack(
        f"!{1 + len(providers)}I", customer, *providers))


def key_pdu(version, ski, asn, spki, announce=True):
    return pdu(version, KEY, announce << 8,
               ski + struct.pack("!I", asn) + spki)


class Cache:
    """Serves sets of (prefix, max_len, asn), {customer: [providers]}, and
    router keys (ski of 20 bytes, asn, spki) from version 1 on.

    version: the highest that it speaks.  answer, when set, is called with
    (cache, socket, kind of query) instead of the good answer.
    """

    def __init__(self, node, port, vrps=(), aspas=None, version=2,
                 session=100, addr="127.0.0.1", timers=(3600, 600, 7200),
                 tls=None, keys=()):
        self.node, self.port, self.addr = node, port, addr
        self.vrps, self.aspas = set(vrps), dict(aspas or {})
        self.version, self.session, self.timers = version, session, timers
        self.tls = tls           # ssl.SSLContext
        self.keys = list(keys)
        self.serial = 1
        self.history = {}  # serial -> what there was
        self.queries = []  # (version, kind)
        self.errors = []   # codes that were reported to us
        self.answer = None
        self.open = []
        self.listener = None
        self.start()

    def start(self):
        self.listener = self.node.socket(socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.addr, self.port))
        self.listener.listen(8)
        threading.Thread(target=self._accept, args=(self.listener,),
                         daemon=True).start()
        return self

    def stop(self):
        """Nobody listens any more, and all connections are gone."""
        if self.listener:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()
            self.listener = None
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []

    def change(self, add=(), remove=(), aspas=None, notify=True):
        self.history[self.serial] = (set(self.vrps), dict(self.aspas))
        self.vrps = (self.vrps | set(add)) - set(remove)
        if aspas is not None:
            self.aspas = dict(aspas)
        self.serial += 1
        if notify:
            for s in list(self.open):
                try:
                    s.sendall(pdu(s.rtr, NOTIFY, self.session,
                                  struct.pack("!I", self.serial)))
                except OSError:
                    pass

    def restart(self, session):
        """As one that has lost its memory: another session id."""
        self.stop()
        self.session, self.serial, self.history = session, 1, {}
        self.start()

    def end_pdu(self, version):
        body = struct.pack("!I", self.serial)
        if version:
            body += struct.pack("!III", *self.timers)
        return pdu(version, END, self.session, body)

    def everything(self, version):
        out = [pdu(version, RESPONSE, self.session)]
        out += [vrp_pdu(version, v) for v in sorted(self.vrps)]
        if version:
            out += [key_pdu(version, *k) for k in self.keys]
        if version > 1:
            out += [aspa_pdu(version, c, p) for c, p in self.aspas.items()]
        return b"".join(out)

    def difference(self, version, serial):
        vrps, aspas = self.history[serial]
        out = [pdu(version, RESPONSE, self.session)]
        out += [vrp_pdu(version, v, False) for v in vrps - self.vrps]
        out += [vrp_pdu(version, v) for v in self.vrps - vrps]
        if version > 1:
            out += [aspa_pdu(version, c, [], False)
                    for c in aspas if c not in self.aspas]
            out += [aspa_pdu(version, c, p) for c, p in self.aspas.items()
                    if aspas.get(c) != p]
        return b"".join(out)

    def _accept(self, listener):
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,),
                             daemon=True).start()

    def _serve(self, raw):
        if self.tls:
            try:
                raw = self.tls.wrap_socket(raw, server_side=True)
            except OSError as e:
                self.errors.append(str(e))
                raw.close()
                return
        s = _Socket(raw)
        self.open.append(s)
        try:
            while True:
                head = s.read(8)
                version, kind, session, length = struct.unpack("!BBHI", head)
                body = s.read(length - 8)
                s.rtr = version
                if kind == ERROR:
                    self.errors.append(session)
                    return
                self.queries.append((version, kind))
                if version > self.version:
                    s.sendall(pdu(self.version, ERROR, 4,
                                  struct.pack("!II", 0, 0)))
                    return
                if self.answer:
                    self.answer(self, s, kind)
                    continue
                if kind == RESET_QUERY:
                    s.sendall(self.everything(version)
                              + self.end_pdu(version))
                    continue
                serial = struct.unpack("!I", body)[0]
                if serial == self.serial and session == self.session:
                    s.sendall(pdu(version, RESPONSE, self.session)
                              + self.end_pdu(version))
                elif serial in self.history and session == self.session:
                    s.sendall(self.difference(version, serial)
                              + self.end_pdu(version))
                else:
                    s.sendall(pdu(version, RESET))
        except (OSError, EOFError, struct.error):
            pass
        finally:
            if s in self.open:
                self.open.remove(s)
            s.close()


class _Socket:
    def __init__(self, raw):
        self.raw, self.rtr = raw, 0

    def read(self, n):
        out = b""
        while len(out) < n:
            got = self.raw.recv(n - len(out))
            if not got:
                raise EOFError
            out += got
        return out

    def sendall(self, data):
        self.raw.sendall(data)

    def shutdown(self, how):
        self.raw.shutdown(how)

    def close(self):
        self.raw.close()


class Stayrtr:
    """The real thing, from a file of VRPs in rpki-client's JSON."""

    def __init__(self, lab, port, vrps, version=1, name="stayrtr",
                 aspas=None):
        need("stayrtr")
        self.lab, self.port, self.version, self.name = lab, port, version, name
        self.write(vrps, aspas)
        self.start()

    def write(self, vrps, aspas=None):
        later = int(time.time()) + 86400
        self.path = self.lab.write(f"{self.name}.json", json.dumps({
            "metadata": {"buildtime": time.strftime(
                "%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
            "roas": [{"prefix": p, "maxLength": m, "asn": a, "ta": "test"}
                     for p, m, a in vrps],
            "provider_authorizations": {f: [
                {"customer_asid": c, "providers": p, "expires": later}
                for c, p in (aspas or {}).items()]
                for f in ("ipv4", "ipv6")}}))

    def start(self):
        self.process = self.lab.rs.spawn(self.name, [
            "stayrtr", "-bind", f"127.0.0.1:{self.port}", "-cache", self.path,
            "-checktime=false", "-metrics.addr", "", "-refresh", "1",
            "-protocol", str(self.version)])

    def stop(self):
        self.process.stop()
        self.lab.processes.remove(self.process)
