"""A naive twin of the route server: what each client has to hold.

Slow and obvious.  It knows only what members announce now, and works every
client's table out from nothing.
"""
import random
import threading
import time

from . import bgp
from .net import RS_ASN, LabError, wait_until
from .speaker import Speaker


class Announcement:
    def __init__(self, path, origin=0, communities=()):
        self.path = list(path)
        self.origin = origin
        self.communities = list(communities)

    def rank(self, speaker):
        length = sum(1 for _ in self.path)
        ident = [int(x) for x in speaker.bgp_id.split(".")]
        return (length, self.origin, ident, speaker.addr)

    def allowed(self, asn):
        if f"0:{asn}" in self.communities or asn in self.path:
            return False
        if f"{RS_ASN}:{asn}" in self.communities:
            return True
        return f"0:{RS_ASN}" not in self.communities


def offers(client, members):
    """{prefix: [(rank, next hop, path)]}, all that it may have, best first."""
    out = {}
    for other in members:
        if other is client:
            continue
        for prefix, a in list(other.mine.items()):
            if a.allowed(client.asn):
                out.setdefault(prefix, []).append(
                    (a.rank(other), other.addr, a.path))
    for paths in out.values():
        paths.sort()
    return out


def table(client, members):
    """What the client has to hold when all members are up."""
    out = {p: [(hop, path) for _, hop, path in paths]
           for p, paths in offers(client, members).items()}
    if bgp.V4 in client.add_path:
        return {p: sorted(paths) for p, paths in out.items()}
    return {p: paths[:1] for p, paths in out.items()}


class Keeper(Speaker):
    """A member with a table of its own, that comes back when it is lost."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.mine = {}  # prefix -> Announcement
        self.alone = threading.Lock()  # one sender at a time
        self.lost = 0
        self.keeping = None

    def keep(self):
        """From now on: connected, and its table announced, again and again."""
        self.keeping = threading.Thread(target=self._keep, daemon=True)
        self.keeping.start()
        self.node.lab.closers.append(self.leave)
        return self

    def leave(self):
        t, self.keeping = self.keeping, None
        if t:
            t.join(5)

    def _keep(self):
        while self.keeping:
            if self.established:
                time.sleep(0.05)
                continue
            try:
                with self.alone:
                    self.lost += 1
                    self.connect(2)
                    for p, a in list(self.mine.items()):
                        self._tell(p, a)
                    self.end_of_ribs(bgp.V4)
            except (LabError, OSError):
                time.sleep(0.2)

    def _tell(self, prefix, a):
        self.announce(prefix, a.path, origin=a.origin,
                      communities=a.communities)

    def change(self, prefix, announcement):
        """Announces, or withdraws with None."""
        with self.alone:
            if announcement is None:
                self.mine.pop(prefix, None)
            else:
                self.mine[prefix] = announcement
            try:
                if announcement is None:
                    self.withdraw(prefix)
                else:
                    self._tell(prefix, announcement)
            except (OSError, AttributeError):
                pass  # it is down: _keep() announces the table again

    def view(self):
        """{prefix: [(next hop, path)]}"""
        out = {}
        with self.lock:
            for (p, _), r in self.rib.items():
                out.setdefault(p, []).append((r.next_hops[0], r.path))
        return {p: sorted(paths) for p, paths in out.items()}


class Load:
    """Random changes by all members, until stopped."""

    def __init__(self, members, prefixes, seed=1, pause=0.002,
                 hops=range(64800, 64820)):
        self.members = members
        self.prefixes = prefixes
        self.hops = hops  # ASNs that paths go on through
        self.random = random.Random(seed)
        self.pause = pause
        self.changes = 0
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def one(self):
        r = self.random
        m = r.choice(self.members)
        prefix = r.choice(self.prefixes)
        if prefix in m.mine and r.random() < 0.4:
            m.change(prefix, None)
            return
        path = [m.asn] + r.choices(self.hops, k=r.randrange(4))
        words = []
        if r.random() < 0.2:
            words.append(f"0:{r.choice(self.members).asn}")
        if r.random() < 0.1:
            words += [f"0:{RS_ASN}", f"{RS_ASN}:{r.choice(self.members).asn}"]
        m.change(prefix, Announcement(path, r.choice((0, 0, 2)), words))

    def _run(self):
        while self.running:
            self.one()
            self.changes += 1
            time.sleep(self.pause)

    def stop(self):
        self.running = False
        self.thread.join(10)


def difference(members):
    """What is wrong with the clients' tables, in words; "" when nothing."""
    for m in members:
        if not m.established:
            return f"{m} is not up"
        want = table(m, members)
        got = m.view()
        if got == want:
            continue
        missing = sorted(set(want) - set(got))
        stale = sorted(set(got) - set(want))
        other = [p for p in want if p in got and got[p] != want[p]]
        text = (f"{m}: {len(missing)} missing {missing[:3]}, {len(stale)} "
                f"stale {stale[:3]}, {len(other)} wrong {other[:3]}")
        if other:
            text += f": got {got[other[0]]}, want {want[other[0]]}"
        return text
    return ""


def settle(members, timeout=60):
    """Until every client's table equals the twin's."""
    last = []

    def same():
        last[:] = [difference(members)]
        return not last[0]
    wait_until(same, timeout,
               lambda: f"the naive twin's tables; {last[0]}", every=0.3)
