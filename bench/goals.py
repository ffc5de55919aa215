"""What each line is to reach.

A goal was set in absolute figures on a machine about twice as fast as the
one in README, from what other servers needed there.  So it is shown twice:
against the figure itself, and as a ratio to the best other server of the
same run, against the ratio that the goal had to that server's figure then.
"""

# line, phase, field, unit, goal, what others needed when the goal was set
ABSOLUTE = (
    ("a", "blast", "t", "s", 0.25, {"bird2": 1.36, "frr": 9.3}),
    ("a", "blast", "mb", "MB", 75, {"bird2": 126, "frr": 1137}),
    ("a6", "blast", "t", "s", 0.35, {"bird2": 1.9, "frr": 12.2}),
    ("a6", "blast", "mb", "MB", 90, {"bird2": 160, "frr": 1452}),
    ("b", "blast", "t", "s", 0.5, {"frr": 9.1, "bird2": 13.3}),
    ("b", "blast", "mb", "MB", 85, {"bird2": 134, "frr": 1232}),
    ("b", "join", "t", "s", 0.04, {"bird2": 5.9, "frr": 5.0}),
    ("b", "flap", "t", "s", 0.025, {"bird2": 0.21, "frr": 0.48}),
    ("b", "churn", "p50_ms", "ms, median", 0.6, {"bird2": 2.1, "frr": 34}),
    ("b", "churn", "p99_ms", "ms, 99th", 2, {"bird2": 43, "frr": 60}),
    ("b", "churn", "cpu", "CPU s", 2, {"bird2": 10.9, "frr": 9.3}),
    ("c", "blast", "t", "s", 0.35, {"bird2-secondary": 4.4}),
    ("c", "blast", "mb", "MB", 90, {"bird2-secondary": 191}),
    ("d", "blast", "t", "s", 1.7, {"frr": 15.9, "bird2": 71}),
    ("d", "blast", "mb", "MB", 90, {"bird2": 170, "frr": 1758}),
    ("f", "change", "settle_s", "s, settled", 0.5, {}),
    ("f", "change", "max_ms", "ms, longest", 20, {}),
)
# line, phase, field, unit, factor, of what
RELATIVE = (
    ("e", "blast", "t", "s", 1.5, ("d", "blast", "spean", "our d")),
    ("h", "blast", "t", "s", 0.2, ("h", "blast", "bird2", "bird2's")),
)
# Bytes, from differences of peaks: name, of, less, per, goal
MEMORY = (
    ("a path", "g2", "g1", 900000, 60),
    ("a further path of the same prefix", "g3", "g1", 900000, 16),
    ("an attribute set", "g4", "g2", 101030, None),
)
