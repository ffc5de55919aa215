"""What is wrong with a run: a figure counts only when nothing is."""

# What the tester found, by the phase's field, where anything but 0 is wrong.
FIELDS = (
    ("checksum_bad_clients", "clients with other routes than they are to get"),
    ("audit_bad", "UPDATEs with altered attributes"),
    ("held_none", "prefixes of which a client held nothing"),
    ("held_own", "prefixes of which a client held its own route"),
    ("held_not_shortest", "prefixes of which a client held a longer path"),
    ("moved_wrong", "clients with other routes moved than those concerned"),
    ("over_memory", "it was ended for its memory"),
)
# Known ways of other servers, that are shown and do not void their figures.
WAYS = (
    ("own_back_clients", "clients got their own routes back"),
    ("own_back", "UPDATEs came back to their sender"),
)


def of_phase(e):
    """What is wrong with one phase, as a list of words."""
    words = [f"{e[name]} {text}" for name, text in FIELDS if e.get(name)]
    if e.get("audit_why"):
        words.append(f"the first of them: {e['audit_why']}")
    if e.get("seen", 0) < e.get("want", 0):
        words.append(f"{e['want'] - e['seen']} changes never came")
    if e.get("change_error"):
        words.append(f"the change was refused: {e['change_error'].strip()}")
    return words


def ways(e):
    return [f"{e[name]} {text}" for name, text in WAYS if e.get(name)]


def finished(e):
    return not e["timeout"]


def faults(res):
    """Everything that is wrong with one run; empty: it counts."""
    words = []
    for e in res.get("errors", ()):
        words.append(" ".join(f"{k}={v}" for k, v in e.items()))
    if not res["phases"]:
        words.append("no phase was run")
    for name, e in res["phases"].items():
        if not finished(e):  # another server may be stopped: it is slow
            if res["dut"].startswith("spean"):
                words.append(f"{name}: not over after {e['tend']:.0f} s")
            continue
        words += [f"{name}: {w}" for w in of_phase(e)]
        if res["dut"].startswith("spean"):
            words += [f"{name}: {w}" for w in ways(e)]
    return words
