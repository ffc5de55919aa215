"""The program under test, as its operator sees it: by its command line."""
import json
import os
import pathlib
import signal
import subprocess
import time

from .net import (LAN4, LAN6, RS4, RS6, RS_ASN, LabError, alive, equal, kill,
                  wait_until)

TOP = pathlib.Path(__file__).resolve().parents[3]
# Every scenario can be run with several processes of a role.
CORES = "".join(f"{word} {os.environ[name]}; " for name, word in
                (("SPEAN_SESSIONS", "session-instances"),)
                if os.environ.get(name))
BINARY = os.environ.get("SPEAN", str(TOP / "build" / "spean"))


class Member:
    """One `member` block of a configuration."""

    def __init__(self, asn, *at, name=None, **directives):
        self.asn = asn
        self.at = at
        self.name = name or f"Member {asn}"
        self.directives = directives

    def text(self):
        out = [f'member "{self.name}" {{', f"\tasn {self.asn};"]
        for a in self.at:
            if isinstance(a, tuple):
                out.append(f"\tat {a[0]} {{ {a[1]} }}")
            else:
                out.append(f"\tat {a};")
        for name, value in self.directives.items():
            word = name.replace("_", "-")
            for v in value if isinstance(value, list) else [value]:
                out.append(f"\t{word} {v};" if v is not True else f"\t{word};")
        return "\n".join(out + ["}"])


def config(*members, policy="preset open;", exchange="", asn=RS_ASN,
           listen=f"{RS4}, {RS6}", lan=f"{LAN4}, {LAN6}"):
    """A whole spean.conf; policy None leaves that block out."""
    text = [f'exchange "Test-IX" {{\n\tasn {asn};\n\trouter-id {RS4};\n'
            f"\tlisten {listen};\n\tlan {lan};\n\t{CORES}{exchange}\n}}"]
    if policy is not None:
        text.append(f"policy {{ {policy} }}")
    text += [m.text() for m in members]
    return "\n".join(text) + "\n"


def of(*speakers, **directives):
    """Member blocks for speakers, one for each ASN among them."""
    at = {}
    for s in speakers:
        at.setdefault(s.asn, []).append(s.addr)
    return [Member(asn, *addrs, **directives) for asn, addrs in at.items()]


class Spean:
    """One exchange.  text is the configuration it starts with."""

    def __init__(self, lab, text, node=None, start=True):
        self.lab = lab
        self.node = node or lab.rs
        self.conf = lab.write("spean.conf", text)
        self.run_dir = lab.file("run")
        self.state_dir = lab.file("state")
        for d in (self.run_dir, self.state_dir):
            os.makedirs(d, exist_ok=True)
            os.chmod(d, 0o755)
        self.process = None
        if start:
            self.start()

    def start(self, timeout=15):
        if not os.access(BINARY, os.X_OK):
            raise LabError(f"{BINARY} is missing: make build")
        # The log goes on from an earlier start.
        before = self.process.text().count("\nready\n") if self.process else 0
        self.process = self.node.spawn(
            "spean", [BINARY, "run", "-c", self.conf, "--run-dir",
                      self.run_dir, "--state-dir", self.state_dir])

        def ready():
            if not self.process.running():
                raise LabError("spean ended at its start:\n"
                               + self.process.text()[-2000:])
            return ("\n" + self.process.text()).count("\nready\n") > before
        wait_until(ready, timeout, "spean to print ready")
        return self

    def stop(self, number=signal.SIGTERM, timeout=10):
        self.process.stop(number, timeout)

    def restart(self):
        self.stop()
        self.lab.processes.remove(self.process)
        return self.start()

    # ---- the command line --------------------------------------------------

    def run(self, *args, timeout=30):
        """(exit code, stdout, stderr) of `spean args`."""
        env = dict(os.environ, SPEAN_RUN_DIR=self.run_dir)
        r = subprocess.run(
            self.node.argv([BINARY, *[str(a) for a in args]]), text=True,
            capture_output=True, timeout=timeout, env=env)
        return r.returncode, r.stdout, r.stderr

    def cli(self, *args, code=0, timeout=30):
        """Its output; an exit code other than `code` fails the test."""
        got, out, err = self.run(*args, timeout=timeout)
        if got != code:
            raise LabError(f"spean {' '.join(map(str, args))}: exit {got}, "
                           f"not {code}: {err}{out}"[:2000])
        return out

    def query(self, *args, code=0):
        """The objects of `spean args --json`."""
        out = self.cli(*args, "--json", code=code)
        rows = []
        for line in out.splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError as e:
                raise LabError(f"spean {args}: not JSON: {line!r}") from e
        return rows

    def sessions(self):
        """{address: row of show sessions}"""
        return {r["address"]: r for r in self.query("show", "sessions")}

    def session(self, address):
        rows = self.sessions()
        if address not in rows:
            raise LabError(f"no session {address} in {sorted(rows)}")
        return rows[address]

    def routes(self, *args):
        return self.query("show", "routes", *args)

    def route(self, prefix, *args):
        """The only route for prefix."""
        rows = self.routes("--prefix", prefix, *args)
        equal(len(rows), 1, f"routes for {prefix} {args}: {rows}")
        return rows[0]

    def wait_state(self, address, state="established", timeout=30):
        wait_until(lambda: self.session(address)["state"] == state, timeout,
                   lambda: f"{address} {state}: {self.session(address)}",
                   every=0.2)

    def apply(self, text, *args, code=0, timeout=60):
        """Writes a new configuration and applies it."""
        path = self.lab.write("new.conf", text)
        out = self.cli("apply", "-c", path, *args, code=code, timeout=timeout)
        return out

    # ---- its processes -----------------------------------------------------

    def roles(self):
        """{role: pid} of the running children."""
        out = {}
        pid = self.process.pid
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                children = [int(x) for x in f.read().split()]
        except OSError:
            return out
        for child in children:
            try:
                with open(f"/proc/{child}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            name = words[0].decode(errors="replace")
            if name.startswith("spean: ") and alive(child):
                out[name[7:].split()[0]] = child
        return out

    def pid(self, role):
        return wait_until(lambda: self.roles().get(role), 15,
                          f"role {role} running")

    def kill(self, role, number=signal.SIGKILL):
        pid = self.pid(role)
        kill(pid, number)
        return pid

    def wait_back(self, role, old, timeout=30):
        """Until another process than `old` plays the role."""
        wait_until(lambda: self.roles().get(role) not in (None, old), timeout,
                   f"role {role} back")
        time.sleep(0.1)

    def kill_all(self, role):
        """Every instance of the role; {name: pid} of what was killed."""
        self.pid(role)
        old = {name: pid for name, pid in self.roles().items()
               if name == role or name.startswith(f"{role}-")}
        for pid in old.values():
            kill(pid, signal.SIGKILL)
        return old

    def memory(self, role):
        """Private bytes of a role: what it alone holds."""
        total = 0
        with open(f"/proc/{self.pid(role)}/smaps_rollup") as f:
            for line in f:
                if line.startswith("Private_"):
                    total += int(line.split()[1]) * 1024
        return total
