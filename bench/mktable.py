#!/usr/bin/python3
"""Build a full BGP table, deterministic by seed, for the BGP bench.

Real prefixes and origin ASNs come from the Debian package libloc-database
(read through python3-location); AS paths, communities and the sharing of
attribute sets are synthetic.  Output: one binary file read by bgpblast.c

  "BTB1" u32 nset4 u32 nset6 u32 npfx4 u32 npfx6            (little endian)
  each set:  u8 origin, npath, ncomm, nlarge; u32 path[], comm[], large[3*n]
  each pfx4: u32 addr, u32 set, u8 len       each pfx6: u64 hi, u32 set, u8 len

Prefixes are written grouped by set, the sets in shuffled order, so any slice
of the file is one plausible client's announcement.
"""
import sys, struct, random, ipaddress, argparse, collections, bisect

ap = argparse.ArgumentParser()
ap.add_argument("out")
ap.add_argument("--db", default="/usr/share/libloc-location/location.db")
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--v4", type=int, default=1_000_000)
ap.add_argument("--v6", type=int, default=220_000)
A = ap.parse_args()
R = random.Random(A.seed)
import location

# Shares of prefix lengths in the global table (percent, rounded), to trim or
# deaggregate towards.
H4 = {8: .002, 9: .001, 10: .004, 11: .01, 12: .03, 13: .06, 14: .12, 15: .2, 16: 1.35, 17: .85,
      18: 1.4, 19: 2.5, 20: 4.5, 21: 5.3, 22: 11.5, 23: 10.4, 24: 61.8}
H6 = {28: .1, 29: 3, 30: .3, 31: .2, 32: 11.5, 33: 2.2, 34: 1.8, 35: .7, 36: 4.5, 37: .5, 38: .9, 39: .6,
      40: 9.5, 41: .5, 42: 1.6, 43: .6, 44: 10.5, 45: .8, 46: 2.2, 47: 1.6, 48: 46.4}

v4, v6 = {}, {}                         # (addr, len) -> origin ASN
db = location.Database(A.db)
none4 = []
for n in db.networks:
    a, l = str(n).split("/")
    l = int(l)
    asn = n.asn
    if ":" in a:
        if 20 <= l <= 48 and asn:
            v6[(int(ipaddress.IPv6Address(a)), l)] = asn
    elif 8 <= l <= 24:
        if asn:
            v4[(int(ipaddress.IPv4Address(a)), l)] = asn
        else:
            none4.append((int(ipaddress.IPv4Address(a)), l))
raw4, raw6 = len(v4), len(v6)

def fit(tab, want, hist, bits):
    """Trim lengths above their share, then deaggregate shorter prefixes."""
    by = collections.defaultdict(list)
    for k in sorted(tab):
        by[k[1]].append(k)
    tot = sum(hist.values())
    quota = {l: int(want * s / tot) for l, s in hist.items()}
    quota[max(hist)] += want - sum(quota.values())
    out, short = {}, 0                  # short: what a length could not supply goes to the next longer
    for l in sorted(quota):
        have = by.get(l, [])
        q = quota[l]
        R.shuffle(have)
        for k in have[:q]:
            out[k] = tab[k]
    # fill: split random covering prefixes into more-specifics with the same origin
    pool = sorted(k for k in tab)
    for l in sorted(quota):
        n = sum(1 for k in out if k[1] == l)
        need = quota[l] + short - n
        cand = [k for k in pool if l - 8 <= k[1] < l]
        tries = 0
        while need > 0 and cand and tries < 40 * quota[l]:
            a, pl = cand[R.randrange(len(cand))]
            run = min(need, 1 << min(l - pl, R.choice((1, 1, 2, 3))))
            base = R.randrange(1 << (l - pl)) // run * run
            for i in range(run):
                k = (a + ((base + i) << (bits - l)), l)
                if base + i < 1 << (l - pl) and k not in out and k not in tab:
                    out[k] = tab[(a, pl)]
                    need -= 1
            tries += 1
        short = max(need, 0)
    return out

v4 = fit(v4, A.v4, H4, 32)
v6 = fit(v6, A.v6, H6, 128)

T1 = [174, 209, 286, 701, 1239, 1299, 2828, 2914, 3257, 3320, 3356, 3491, 5511, 6453, 6461, 6762, 6830, 6939, 7018, 12956]
def mids(tab):
    c = collections.Counter(tab.values())
    return [a for a, _ in c.most_common(1500)]

def build(tab, mid):
    byo = collections.defaultdict(list)
    for k in sorted(tab):
        byo[tab[k]].append(k)
    sets, pf = [], []
    for o in sorted(byo):
        ps = byo[o]
        k = 1
        if len(ps) > 4:                 # a few larger origins hold many attribute sets
            k = min(len(ps), 1 + int(R.expovariate(1) * len(ps) / 24))
        cuts = sorted(R.randrange(len(ps)) for _ in range(k - 1))
        groups = [g for g in (ps[a:b] for a, b in zip([0] + cuts, cuts + [len(ps)])) if g]
        up = R.choice(mid)              # an origin mostly stays behind the same upstreams
        for g in groups:
            # tail after the announcing client's own ASN: mean ~3.3, so ~4.3 in all
            n = R.choices((1, 2, 3, 4, 5, 6, 8), (7, 22, 36, 21, 9, 3, 1))[0]
            path = [o]
            if n > 1:
                path.insert(0, up if R.random() < .7 else R.choice(mid))
            while len(path) < n:
                path.insert(0, R.choice(T1) if R.random() < .5 else R.choice(mid))
            if R.random() < .08:        # prepending at the origin
                path += [o] * R.randrange(1, 4)
            f = path[0] & 0xffff
            comm = sorted({(f << 16) | R.choice((100, 200, 1000, 2000, 3001, 5000, R.randrange(65536)))
                           for _ in range(R.choices((0, 1, 2, 3, 5, 8, 14), (28, 12, 15, 17, 14, 10, 4))[0])})
            # Sorted, as BIRD sends them: what comes in is compared byte by byte.
            large = sorted({(path[0], R.randrange(10), R.randrange(3000)) for _ in range(R.choices((0, 1, 2, 4), (78, 10, 8, 4))[0])})
            sets.append((R.choices((0, 2), (90, 10))[0], path, comm, large))
            pf.append(g)
    order = list(range(len(sets)))
    R.shuffle(order)
    return [sets[i] for i in order], [pf[i] for i in order]

s4, p4 = build(v4, mids(v4))
s6, p6 = build(v6, mids(v6))
with open(A.out, "wb") as f:
    f.write(b"BTB1" + struct.pack("<IIII", len(s4), len(s6), len(v4), len(v6)))
    for o, path, comm, large in s4 + s6:
        f.write(struct.pack("<BBBB", o, len(path), len(comm), len(large)))
        fl = [x for t in large for x in t]
        f.write(struct.pack("<%dI" % (len(path) + len(comm) + len(fl)), *path, *comm, *fl))
    for i, g in enumerate(p4):
        f.write(b"".join(struct.pack("<IIB", a, i, l) for a, l in g))
    for i, g in enumerate(p6):
        f.write(b"".join(struct.pack("<QIB", a >> 64, i, l) for a, l in g))

def hist(t):
    c = collections.Counter(k[1] for k in t)
    return " ".join("/%d:%d" % (l, c[l]) for l in sorted(c))
for nm, raw, t, s, p in (("v4", raw4, v4, s4, p4), ("v6", raw6, v6, s6, p6)):
    print(nm, "raw", raw, "prefixes", len(t), "real", "origins", len(set(t.values())), "sets", len(s), "pfx/set %.2f" % (len(t) / len(s)),
          "mean path incl. client %.2f" % (1 + sum(len(x[1]) * len(g) for x, g in zip(s, p)) / len(t)),
          "with communities %.0f%%" % (100 * sum(len(g) for x, g in zip(s, p) if x[2] or x[3]) / len(t)))
    print("  ", hist(t))
print("v4 prefixes without ASN in the database:", len(none4))
