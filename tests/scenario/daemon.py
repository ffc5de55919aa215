"""The daemon's own duties: one change at a time, all or nothing; roles that
come back; sockets that tell readers from operators."""
import json
import os
import signal
import socket
import subprocess
import threading
import time

from lib import (Lab, LabError, Speaker, Spean, check, config, equal,
                 wait_until)
from lib.spean import BINARY, Member, of


def ask(spean, request, which="control", timeout=30):
    """The answer's lines from one of the sockets, without the command line."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(os.path.join(spean.run_dir, which))
    text = request if isinstance(request, str) else json.dumps(request)
    s.sendall(text.encode() + b"\n")
    lines = []
    with s.makefile() as f:
        for line in f:
            lines.append(json.loads(line))
            if lines[-1].get("end"):
                break
    s.close()
    check(lines and lines[-1].get("end"), f"no end line: {lines[-1:]}")
    return lines


def names(spean):
    return [m["name"] for m in ask(spean, {"verb": "show members"})[:-1]]


def status(spean):
    return ask(spean, {"verb": "show status"}, "read")[0]


def two(lab):
    a = Speaker(lab.node("a"), 64501)
    b = Speaker(lab.node("b"), 64502)
    spean = Spean(lab, config(*of(a, b)))
    a.connect()
    b.connect()
    a.announce(["203.0.113.0/24"])
    b.wait_prefixes(["203.0.113.0/24"], 10)
    return a, b, spean


def test_apply_confirm_undo():
    """Each goes where it says, and nobody else's session notices."""
    with Lab() as lab:
        a, b, spean = two(lab)
        base = [*of(a, b)]
        more = config(*base, Member(64503, "192.0.2.200"))
        out = spean.apply(more)
        check("64503" in out, f"the diff names the new member: {out!r}")
        equal(len(names(spean)), 3, "members after apply")
        spean.cli("undo")
        equal(len(names(spean)), 2, "members after undo")
        got = ask(spean, {"verb": "undo"})[-1]
        equal(got["exit"], 1, "a second undo")
        # One that is not confirmed goes away by itself.
        ask(spean, {"verb": "apply", "text": more, "confirm_s": 2})
        equal(len(names(spean)), 3, "members before the time is over")
        got = ask(spean, {"verb": "apply", "text": more})[-1]
        check("confirm" in got["error"], f"a change on top: {got}")
        wait_until(lambda: len(names(spean)) == 2, 5, "the undo by itself")
        # One that is confirmed stays, also over a restart of the daemon.
        ask(spean, {"verb": "apply", "text": more, "confirm_s": 60})
        spean.cli("confirm")
        check(a.established and b.established, "the others' sessions")
        with open(os.path.join(spean.state_dir, "confirmed.conf")) as f:
            equal(f.read(), more, "the confirmed text")
        spean.restart()
        s = status(spean)
        equal(s["config"]["confirmed"], False, "started with an older file")
        check(any("64503" in d for d in s["config"]["differs"]),
              f"status names the difference: {s['config']}")


def test_ten_faults_change_nothing():
    """All are reported with their places; nobody's session is touched."""
    with Lab() as lab:
        a, b, spean = two(lab)
        before = {k: v["uptime_s"] for k, v in spean.sessions().items()}
        good = config(*of(a, b)).splitlines()
        bad = "\n".join(good + [
            "member \"F1\" { asn 0; at 192.0.2.101; }",
            "member \"F2\" { asn 64603; at 192.0.2.300; }",
            "member \"F3\" { asn 64604; at 192.0.2.103; pasive; }",
            "member \"F4\" { asn 64605; at 192.0.2.104; prefix 10.0.0.1/8; }",
            "member \"F5\" { at 192.0.2.105; }",
            "member \"F6\" { asn 64607; }",
            f"member \"F7\" {{ asn 64608; at {a.addr}; }}",
            "member \"F8\" { asn 64609; at 192.0.2.108; max-prefix lots; }",
            "polisy { }",
            "member \"F10\" { asn 64611; at 192.0.2.110; hold 9 }",
        ]) + "\n"
        lines = ask(spean, {"verb": "apply", "text": bad})
        equal(lines[-1]["exit"], 1, "exit")
        first = len(good) + 1
        rows = {e["line"] for e in lines[:-1]}
        missing = set(range(first, first + 10)) - rows
        check(not missing, f"lines without an error: {missing}")
        code, out, err = spean.run("apply", "-c", lab.write("bad.conf", bad))
        equal(code, 1, "exit of the command")
        for n in range(first, first + 10):
            check(f"bad.conf:{n}:" in out + err, f"line {n} in {out}{err}")
        equal(len(names(spean)), 2, "members")
        after = {k: v["uptime_s"] for k, v in spean.sessions().items()}
        check(all(after[k] >= before[k] for k in before),
              f"sessions: {before} {after}")
        equal(sorted(b.table()), ["203.0.113.0/24"], "routes of b")


def test_apply_of_a_thousand_members():
    """Fast, both ways, and those who are up stay up."""
    with Lab() as lab:
        a, b, spean = two(lab)
        many = [Member(4200000000 + i, f"2001:db8:100::{i + 0x1000:x}")
                for i in range(1000)]
        spent = []
        for text in (config(*of(a, b), *many), config(*of(a, b))):
            start = time.monotonic()
            lines = ask(spean, {"verb": "apply", "text": text})
            spent.append(time.monotonic() - start)
            equal(lines[-1]["exit"], 0, f"exit: {lines[-1]}")
            equal(lines[-1]["changes"], 1000, "changes")
        check(max(spent) < 5, f"took {spent} s")
        check(a.established and b.established, "the others' sessions")


def test_the_read_socket_only_reads():
    """And what makes no sense gets an answer in words."""
    with Lab() as lab:
        a, b, spean = two(lab)
        text = config(*of(a, b))
        for verb in ("apply", "diff"):
            got = ask(spean, {"verb": verb, "text": text}, "read")[-1]
            check("permission" in got["error"], f"{verb}: {got}")
        for verb in ("confirm", "undo", "text"):
            got = ask(spean, {"verb": verb}, "read")[-1]
            check("permission" in got["error"], f"{verb}: {got}")
        for line in ("", "x", "{}", "[1,2]", '{"verb":"show"}', "{" * 3000,
                     '{"verb":"show routes","prefix":"192.0.2.1/24"}'):
            if line:
                got = ask(spean, line, "read")[-1]
                equal(got["exit"], 2, f"exit for {line[:40]!r}")
        st = os.stat(os.path.join(spean.run_dir, "control"))
        equal(st.st_mode & 0o777, 0o600, "mode of control")
        equal(len(ask(spean, {"verb": "show routes"}, "read")), 2, "routes")


def test_a_slow_reader_holds_nobody_up():
    """Someone who asks for everything and reads nothing."""
    with Lab() as lab:
        a, b, spean = two(lab)
        prefixes = [f"10.{i >> 8}.{i & 255}.0/24" for i in range(30000)]
        a.announce(prefixes)
        b.wait_prefixes(prefixes + ["203.0.113.0/24"], 30)
        before = spean.memory("api")
        slow = []
        for _ in range(20):
            s = socket.socket(socket.AF_UNIX)
            s.connect(os.path.join(spean.run_dir, "read"))
            s.sendall(b'{"verb":"show routes"}\n')
            slow.append(s)
        time.sleep(1)
        start = time.monotonic()
        got = ask(spean, {"verb": "show routes"}, "read")
        spent = time.monotonic() - start
        equal(len(got), 30002, "lines for one who reads")
        check(spent < 10, f"took {spent:.1f} s")
        grown = (spean.memory("api") - before) / 2**20
        check(grown < 64, f"the api role grew by {grown:.0f} MB")
        # One of the slow ones reads after all, and misses nothing.
        with slow[0].makefile() as f:
            lines = 0
            for line in f:
                lines += 1
                if '"end":true' in line:
                    break
        equal(lines, 30002, "lines for the slow one")
        for s in slow:
            s.close()


def test_hung_roles_come_back_alone():
    """SIGSTOP, each role in turn, with a short patience."""
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        spean = Spean(lab, config(*of(a)), start=False)
        spean.process = lab.rs.spawn(
            "spean", [BINARY, "run", "-c", spean.conf, "--run-dir",
                      spean.run_dir, "--state-dir", spean.state_dir,
                      "--ping-timeout", "2"])
        wait_until(lambda: "ready" in spean.process.text().split("\n"), 15,
                   "ready")
        for role in ("api", "engine", "session"):
            others = {r: p for r, p in spean.roles().items() if r != role}
            old = spean.kill(role, signal.SIGSTOP)
            spean.wait_back(role, old, 8)
            wait_until(lambda: all(
                r["state"] == "running" for r in status(spean)["roles"]), 8,
                "all roles running")
            now = {r: p for r, p in spean.roles().items() if r != role}
            equal(now, others, "the others")
        a.connect()
        rows = {r["role"]: r for r in status(spean)["roles"]}
        for role in ("api", "engine", "session"):
            check("no answer" in rows[role]["last_death"], str(rows[role]))


def test_a_role_that_dies_in_a_loop_always_comes_back():
    with Lab() as lab:
        a = Speaker(lab.node("a"), 64501)
        spean = Spean(lab, config(*of(a)))
        for _ in range(5):
            old = spean.kill("engine")
            spean.wait_back("engine", old, 10)
        wait_until(lambda: status(spean)["engine"], 10, "the engine's answer")
        equal({r["role"]: r["restarts"] for r in status(spean)["roles"]},
              {"parent": 0, "session": 0, "engine": 5, "api": 0,
               "rpki": 0}, "restarts")
        a.connect()


def test_start_and_end():
    """A second daemon is refused; an end is quick and told to the peers."""
    with Lab() as lab:
        a, b, spean = two(lab)
        r = subprocess.run(
            lab.rs.argv([BINARY, "run", "-c", spean.conf, "--run-dir",
                         spean.run_dir, "--state-dir", spean.state_dir]),
            capture_output=True, text=True, timeout=10)
        equal(r.returncode, 3, "exit of a second one")
        check(str(spean.process.pid) in r.stderr, r.stderr)
        start = time.monotonic()
        spean.process.send_signal(signal.SIGTERM)
        equal(spean.process.wait(6), 0, "exit")
        check(time.monotonic() - start < 5, "it took over 5 s")
        wait_until(lambda: a.notification, 5, "a goodbye")
        equal(a.notification[0], 6, "Cease")
        check(not os.path.exists(os.path.join(spean.run_dir, "control")),
              "the socket is gone")
        check("restarting=false" in spean.process.text(), "a first start")
        spean.restart()
        check("restarting=true" not in spean.process.text(),
              "after a clean end")
        spean.process.send_signal(signal.SIGKILL)
        spean.process.wait(5)
        spean.restart()
        check("restarting=true" in spean.process.text(), "after a crash")


def test_hangup_applies_the_file():
    with Lab() as lab:
        a, b, spean = two(lab)
        lab.write("spean.conf",
                  config(*of(a, b), Member(64503, "192.0.2.200")))
        spean.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(names(spean)) == 3, 5, "the third member")
        lab.write("spean.conf", "nonsense;\n")
        spean.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "conf_error" in spean.process.text(), 5, "errors")
        equal(len(names(spean)), 3, "members")
        check(a.established and b.established, "sessions")


def test_a_new_listen_address_and_port():
    """Only the sockets that changed are opened and closed."""
    with Lab() as lab:
        a, b, spean = two(lab)
        text = config(*of(a, b), listen="192.0.2.1, 2001:db8:100::1, "
                                        "192.0.2.254")
        ask(spean, {"verb": "apply", "text": text})
        check("192.0.2.254" in lab.rs.run("ss", "-ltnH"), "it listens")
        check(a.established and b.established, "sessions")
        # An address that somebody else holds: nothing changes.
        hold = lab.rs.socket(socket.AF_INET)
        hold.bind(("127.0.0.1", 179))
        hold.listen()
        got = ask(spean, {"verb": "apply", "text": config(
            *of(a, b), listen="192.0.2.1, 127.0.0.1")})[-1]
        equal(got["exit"], 1, "exit")
        check("cannot listen on 127.0.0.1" in got["error"], str(got))
        check("192.0.2.254" in lab.rs.run("ss", "-ltnH"), "still listens")
        hold.close()
        ask(spean, {"verb": "apply", "text": config(*of(a, b))})
        check("192.0.2.254" not in lab.rs.run("ss", "-ltnH"), "closed")


def test_roles_are_confined():
    """Each its own user, without capabilities, filtered."""
    with Lab() as lab:
        spean = Spean(lab, config())
        users = set()
        for role, pid in spean.roles().items():
            with open(f"/proc/{pid}/status") as f:
                fields = dict(x.split(":", 1) for x in f if ":" in x)
            uids = set(fields["Uid"].split())
            check("0" not in uids and len(uids) == 1, f"{role}: {uids}")
            users |= uids
            equal(int(fields["CapEff"], 16), 0, f"{role}: capabilities")
            equal(int(fields["CapPrm"], 16), 0, f"{role}: capabilities")
            equal(fields["NoNewPrivs"].strip(), "1", f"{role}: privileges")
            equal(fields["Groups"].split(), [], f"{role}: groups")
            # A build with a sanitizer says that it has no filter.
            if "sandbox_without_seccomp" not in spean.process.text():
                equal(fields["Seccomp"].strip(), "2", f"{role}: filter")
        equal(len(users), 4, "a user each")
        with open(f"/proc/{spean.process.pid}/status") as f:
            fields = dict(x.split(":", 1) for x in f if ":" in x)
        # KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10
        equal(int(fields["CapEff"], 16) & ~0x4e0, 0, "the parent's")
        equal(int(fields["CapBnd"], 16) & ~0x4e0, 0, "the parent's bounds")


def parsing(pid):
    """True when the engine, stopped, stands in the middle of a message."""
    areas = []
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            if "spean-area" in line and " rw-s " in line:
                areas.append(int(line.split("-")[0], 16))
    if not areas:
        return False
    with open(f"/proc/{pid}/mem", "rb") as f:
        f.seek(areas[0])  # the journals, struct feed_shared first
        return f.read(4) != bytes(4)


def end_it_while_parsing(spean):
    """SIGABRT for the engine, at a moment when somebody's message is in it."""
    pid = spean.pid("engine")
    for _ in range(5000):
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: open(f"/proc/{pid}/stat").read().rsplit(
            ")", 1)[1].split()[0] == "T", 5, "it to stop", every=0.0002)
        hit = parsing(pid)
        if hit:
            os.kill(pid, signal.SIGABRT)
        os.kill(pid, signal.SIGCONT)
        if hit:
            return pid
        time.sleep(0.001)
    raise LabError("never saw it parse")


def test_a_peer_whose_messages_end_the_engine_is_held_down():
    """Twice within an hour; its reason is public, the others go on."""
    with Lab() as lab:
        a, b, spean = two(lab)
        stop = threading.Event()

        def shout():
            n = 0
            while not stop.is_set():
                n += 1
                try:
                    if not a.established:
                        a.connect(timeout=5)
                    a.announce(MANY, med=n)
                except Exception:  # it is cut off again and again
                    time.sleep(0.1)
        t = threading.Thread(target=shout, daemon=True)
        t.start()
        try:
            for _ in range(2):
                wait_until(lambda: spean.roles().get("engine") and
                           a.established, 30, "the loud one to be back")
                old = end_it_while_parsing(spean)
                spean.wait_back("engine", old, 10)
        finally:
            stop.set()
            t.join(10)
        held = status(spean)["held_down"]
        equal([h["address"] for h in held], [a.addr], "held down")
        wait_until(lambda: spean.session(a.addr)["state"] != "established", 5,
                   "its session to be down")
        row = spean.session(a.addr)
        check("ended the engine twice" in json.dumps(row), str(row))
        if not b.established:
            b.connect(timeout=30)
        # It outlives a session role.
        old = spean.kill("session")
        spean.wait_back("session", old)
        wait_until(lambda: "ended the engine twice" in json.dumps(
            spean.session(a.addr)), 10, "still held down")


def test_systemd_is_told():
    """Ready, alive, reloading, stopping; as sd_notify(3) wants it."""
    with Lab() as lab:
        path = lab.file("notify")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(path)
        s.settimeout(10)
        spean = Spean(lab, config(), start=False)
        spean.process = lab.rs.spawn(
            "spean", [BINARY, "run", "-c", spean.conf, "--run-dir",
                      spean.run_dir, "--state-dir", spean.state_dir],
            env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"})
        equal(s.recv(100), b"READY=1", "first")
        beats = [s.recv(100) for _ in range(3)]
        equal(beats, [b"WATCHDOG=1"] * 3, "then")
        spean.apply(config(Member(64501, "192.0.2.11")))
        said = []
        while b"READY=1" not in said:
            said.append(s.recv(100))
        check(any(x.startswith(b"RELOADING=1\nMONOTONIC_USEC=")
                  for x in said), str(said))
        spean.process.send_signal(signal.SIGTERM)
        while said[-1] != b"STOPPING=1":
            said.append(s.recv(100))
        spean.process.wait(6)
        s.close()


def test_as_a_plain_user():
    """No root, a high port; every role as the same user."""
    with Lab() as lab:
        base = lab.file("plain")
        os.mkdir(base)
        os.chown(base, 54321, 54321)
        conf = lab.write("plain.conf", config(
            Member(64501, "192.0.2.11"), exchange="port 1790;"))
        run = os.path.join(base, "run")
        p = lab.rs.spawn("plain", [
            "setpriv", "--reuid", "54321", "--regid", "54321",
            "--clear-groups", BINARY, "run", "-c", conf, "--run-dir", run,
            "--state-dir", os.path.join(base, "state")])
        wait_until(lambda: "ready" in p.text().split("\n"), 15, "ready")
        a = Speaker(lab.node("a"), 64501, addr="192.0.2.11", port=1790)
        a.connect()
        p.stop()


MANY = [f"10.{i >> 8 & 255}.{i & 255}.0/24" for i in range(20000)]
test_a_slow_reader_holds_nobody_up.limit_s = 150
test_a_peer_whose_messages_end_the_engine_is_held_down.limit_s = 200
