"""What processes use: CPU, private and shared memory, from /proc."""
import os
import signal
import threading
import time

MEMORY_MAX_MB = 14000  # a server that wants more is ended
TICK = os.sysconf("SC_CLK_TCK")


def tree(pid):
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{t}/children") as f:
                    todo += [int(x) for x in f.read().split()]
        except OSError:
            pass
    return out


def busy():
    """CPU seconds of the whole machine, to see what others use."""
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:]]
    return (sum(v[:8]) - v[3] - v[4]) / TICK


def pss_mb(pid):
    """What the kernel says that the tree holds now: shared pages by share."""
    kb = 0
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                kb += sum(int(l.split()[1]) for l in f
                          if l.startswith("Pss:"))
        except OSError:
            pass
    return kb / 1024


def role(pid):
    """What a process is: a role of spean, or its program."""
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            argv = f.read().split("\0")
    except OSError:
        return "gone"
    if len(argv) > 2 and argv[1] == "role":
        return argv[2]
    return argv[0].rsplit("/", 1)[-1]


def cpu(pid):
    """CPU seconds of the tree so far, by process.

    From schedstat, which counts nanoseconds: the ticks of stat are samples,
    and miss programs that work in bursts shorter than one.
    """
    out = {}
    for p in tree(pid):
        ns = 0
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{t}/schedstat") as f:
                    ns += int(f.read().split()[0])
        except OSError:
            continue
        out[p] = ns / 1e9
    return out


def shared_bytes(pids):
    """Memory that processes share by memfd, each counted once.

    By the pages that are really there: a memfd may be larger than what was
    ever written to it.
    """
    seen = {}
    for p in pids:
        try:
            fds = os.listdir(f"/proc/{p}/fd")
        except OSError:
            continue
        for fd in fds:
            path = f"/proc/{p}/fd/{fd}"
            try:
                if "/memfd:" in os.readlink(path):
                    st = os.stat(path)
                    seen[st.st_ino] = st.st_blocks * 512
            except OSError:
                pass
        try:  # mapped, its descriptor closed
            for name in os.listdir(f"/proc/{p}/map_files"):
                path = f"/proc/{p}/map_files/{name}"
                if "/memfd:" in os.readlink(path):
                    st = os.stat(path)
                    seen[st.st_ino] = st.st_blocks * 512
        except OSError:
            pass
    return sum(seen.values())


class Memory(threading.Thread):
    """The peak of what a process tree holds, sampled 50 times a second.

    Private (anonymous) memory of each process at its peak, what they share
    counted once, and program text once, at the largest of the processes'.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.private = {}
        self.text = 0
        self.shared = 0
        self.running = True
        self.over = False

    def sample(self):
        pids = tree(self.pid)
        for p in pids:
            try:
                with open(f"/proc/{p}/status") as f:
                    v = dict(l.split(":", 1) for l in f)
            except OSError:
                continue
            if "RssAnon" not in v:
                continue
            anon = int(v["RssAnon"].split()[0])
            self.private[p] = max(self.private.get(p, 0), anon)
            self.text = max(self.text, int(v["RssFile"].split()[0]))
        return pids

    def run(self):
        n = 0
        while self.running:
            pids = self.sample()
            if n % 10 == 0:
                self.shared = max(self.shared, shared_bytes(pids))
            n += 1
            if sum(self.private.values()) / 1024 > MEMORY_MAX_MB:
                self.over = True
                os.kill(self.pid, signal.SIGKILL)
                return
            time.sleep(0.02)

    def peak_mb(self):
        self.shared = max(self.shared, shared_bytes(self.sample()))
        return (sum(self.private.values()) + self.text) / 1024 + \
            self.shared / (1 << 20)
