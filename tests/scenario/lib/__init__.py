"""The harness of the scenarios: an exchange in network namespaces.

net.py      the LAN: namespaces, processes, waiting
spean.py    the program under test, by its command line alone
speaker.py  a scripted BGP speaker that can send any bytes
bgp.py      the bytes it sends and reads
members.py  bird2, frr, openbgpd, gobgp and exabgp as members
rtr.py      RPKI caches: a scripted one, and stayrtr
tap.py      what was on the wire, decoded by tshark

Python 3 standard library only.  Everything waits with a limit.
"""
from .net import Lab, LabError, check, equal, wait_until  # noqa: F401
from .spean import Member, Spean, config  # noqa: F401
from .speaker import Speaker  # noqa: F401
