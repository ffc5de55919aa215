"""The LAN of one test: a bridge, and a namespace for every node on it."""
import atexit
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

RS4 = "192.0.2.1"
RS6 = "2001:db8:100::1"
LAN4 = "192.0.2.0/24"
LAN6 = "2001:db8:100::/64"
RS_ASN = 64500

INSTALL = {
    "ip": "iproute2",
    "nsenter": "util-linux",
    "tshark": "tshark",
    "dumpcap": "wireshark-common",
    "bird": "bird2",
    "birdc": "bird2",
    "/usr/lib/frr/bgpd": "frr",
    "vtysh": "frr",
    "/usr/sbin/bgpd": "openbgpd",
    "bgpctl": "openbgpd",
    "gobgpd": "gobgpd",
    "gobgp": "gobgpd",
    "exabgp": "exabgp",
}

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


class LabError(AssertionError):
    """What a test reports when it fails."""


def check(condition, text):
    if not condition:
        raise LabError(text)


def equal(got, want, what):
    if got != want:
        raise LabError(f"{what}:\n  got  {got!r}\n  want {want!r}")


def need(tool):
    """The tool's path; a failure that names its package when it is absent."""
    path = shutil.which(tool)
    if path is None:
        package = INSTALL.get(tool, tool)
        raise LabError(f"{tool} is missing: apt-get install {package}")
    return path


def wait_until(probe, timeout=15, what="condition", every=0.05):
    """Calls probe until it gives something true, and gives that back."""
    end = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            text = what() if callable(what) else what
            raise LabError(f"waited {timeout} s for: {text}")
        time.sleep(every)


def setns(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        if _libc.setns(fd, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns", path)
    finally:
        os.close(fd)


class Process:
    """A program that a test started; its output is in self.log."""

    def __init__(self, name, argv, log, env=None, cwd=None):
        self.name = name
        self.log = log
        self._out = open(log, "ab")
        full = dict(os.environ, **(env or {}))
        self.popen = subprocess.Popen(
            argv, stdout=self._out, stderr=self._out,
            stdin=subprocess.DEVNULL, env=full, cwd=cwd,
            start_new_session=True)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def send_signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, timeout=10):
        return self.popen.wait(timeout)

    def stop(self, number=signal.SIGTERM, timeout=8):
        """Asks it to end, and ends it when it does not."""
        pids = tree(self.pid)
        self.send_signal(number)
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        for pid in pids:
            if pid != self.pid and alive(pid):
                kill(pid, signal.SIGKILL)
        if self.running():
            kill(self.pid, signal.SIGKILL)
            self.popen.wait(5)
        self._out.close()

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def tree(pid):
    """The process and all that descends from it."""
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/children") as f:
                    todo += [int(x) for x in f.read().split()]
        except OSError:
            pass
    return out


def cpu_seconds(pid):
    """User and system time of the process and all that descends from it."""
    ticks = 0
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/stat") as f:
                field = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(field[11]) + int(field[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Node:
    """A host on the LAN: a namespace of its own with the interface `lan`."""

    def __init__(self, lab, name, addr4, addr6):
        self.lab = lab
        self.name = name
        self.addr4 = addr4
        self.addr6 = addr6
        self.ns = f"{lab.tag}-{name}"
        self.path = f"/run/netns/{self.ns}"

    def batch(self, lines):
        r = subprocess.run(["ip", "-n", self.ns, "-b", "-"], text=True,
                           input="\n".join(lines) + "\n",
                           capture_output=True)
        if r.returncode:
            raise LabError(f"ip in {self.ns}: {r.stderr}")

    def add_addresses(self, addresses):
        """More addresses on the LAN, as `addr/len`.

        The route server's host knows them as neighbours for good: others
        count against the kernel's limit of 1,024, which all namespaces
        share, so that one test would fail for another's many clients.
        """
        addresses = list(addresses)
        self.batch([f"addr add {a} dev lan" + (" nodad" if ":" in a else "")
                    for a in addresses])
        if self is self.lab.rs:
            return
        link = json.loads(self.run("ip", "-j", "link", "show", "dev", "lan"))
        self.lab.rs.batch(
            [f"neigh replace {a.split('/')[0]} dev lan "
             f"lladdr {link[0]['address']} nud permanent" for a in addresses])

    def argv(self, argv):
        return ["nsenter", f"--net={self.path}", *argv]

    def spawn(self, name, argv, env=None, cwd=None):
        """Starts a program here; the lab ends it when the test is over."""
        argv = [need(argv[0]), *argv[1:]]
        log = self.lab.file(f"{self.name}.{name}.log")
        p = Process(name, self.argv(argv), log, env, cwd or self.lab.dir)
        self.lab.processes.append(p)
        return p

    def run(self, *argv, timeout=20, fail=True):
        """Runs a command here and gives its output."""
        r = subprocess.run(self.argv([need(argv[0]), *argv[1:]]), text=True,
                           capture_output=True, timeout=timeout)
        if fail and r.returncode:
            raise LabError(f"{' '.join(argv)}: {r.stderr or r.stdout}")
        return r.stdout

    def link_local(self):
        out = json.loads(self.run("ip", "-j", "addr", "show", "dev", "lan"))
        for a in out[0]["addr_info"]:
            if a["scope"] == "link":
                return a["local"]
        raise LabError(f"{self.name} has no link-local address")

    def link(self, up):
        """Plugs the node's cable in or out, at the bridge's end."""
        subprocess.run(["ip", "-n", self.lab.bridge_ns, "link", "set",
                        f"p-{self.name}", "up" if up else "down"],
                       check=True)

    def socket(self, family, kind=socket.SOCK_STREAM):
        """A socket that belongs to this namespace."""
        result = []

        def make():
            try:
                setns(self.path)
                result.append(socket.socket(family, kind))
            except OSError as e:
                result.append(e)

        # A thread of its own: setns() changes the caller's namespace.
        t = threading.Thread(target=make)
        t.start()
        t.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]


class Lab:
    """One exchange LAN; use it as a context manager."""

    count = 0

    def __init__(self):
        if os.geteuid() != 0:
            raise LabError("the scenarios make network namespaces: run as root")
        for tool in ("ip", "nsenter"):
            need(tool)
        Lab.count += 1
        base = os.environ.get("SPEAN_TEST_TAG", f"sps{os.getpid()}")
        self.tag = f"{base}-{Lab.count}"
        self.dir = tempfile.mkdtemp(prefix=f"{self.tag}-")
        os.chmod(self.dir, 0o755)
        self.processes = []
        self.closers = []
        self.nodes = []
        self.bridge_ns = f"{self.tag}-br"
        self._sh(f"ip netns add {self.bridge_ns}",
                 f"ip -n {self.bridge_ns} link add name br0 type bridge "
                 "mcast_snooping 0",
                 f"ip -n {self.bridge_ns} link set br0 up")
        atexit.register(self.close)
        self.rs = self.node("rs", RS4, RS6)

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        found = self.sanitizers()
        if kind is not None or found:
            sys.stderr.write(self.logs() + "\n")
        self.close()
        if found and kind is None:
            raise LabError("a sanitizer's report:\n" + "\n".join(found))

    def _sh(self, *commands):
        for c in commands:
            r = subprocess.run(c.split(), capture_output=True, text=True)
            if r.returncode:
                raise LabError(f"{c}: {r.stderr.strip()}")

    def file(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        path = self.file(name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def node(self, name, addr4=None, addr6=None):
        """A new host on the LAN; without addresses it gets the next ones."""
        if addr4 is None:
            k = 10 + len(self.nodes)
            addr4, addr6 = f"192.0.2.{k}", f"2001:db8:100::{k}"
        n = Node(self, name, addr4, addr6)
        br = self.bridge_ns
        self._sh(f"ip netns add {n.ns}")
        n.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0",
              "net.ipv6.conf.all.accept_dad=0",
              "net.ipv6.conf.default.accept_ra=0")
        self._sh(f"ip link add p-{name} netns {br} type veth "
                 f"peer name lan netns {n.ns}",
                 f"ip -n {br} link set p-{name} master br0",
                 f"ip -n {br} link set p-{name} up")
        n.batch(["link set lo up", "link set lan up",
                 f"addr add {addr4}/24 dev lan",
                 f"addr add {addr6}/64 dev lan nodad"])
        self.nodes.append(n)
        return n

    def logs(self, lines=25):
        """The last lines of every log, for the report of a failure."""
        out = []
        for p in self.processes:
            tail = p.text().splitlines()[-lines:]
            out += [f"--- {os.path.basename(p.log)}"] + tail
        return "\n".join(out)

    def sanitizers(self):
        """What the sanitizers have said, when the program has them."""
        words = ("Sanitizer", "runtime error:")
        return [line for p in self.processes for line in
                p.text().splitlines() if any(w in line for w in words)][:20]

    def close(self):
        atexit.unregister(self.close)
        for c in reversed(self.closers):
            c()
        for p in reversed(self.processes):
            p.stop(timeout=3)
        for ns in [n.ns for n in self.nodes] + [self.bridge_ns]:
            subprocess.run(["ip", "netns", "del", ns], capture_output=True)
        if os.environ.get("SPEAN_TEST_KEEP"):
            sys.stderr.write(f"kept: {self.dir}\n")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
