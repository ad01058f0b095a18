#!/usr/bin/env python3
"""Faults at the system calls under the database files: SIGKILL, EIO and ENOSPC at the n-th write (pwrite64) and sync (fsync or fdatasync,
as SQLite was built).

For each point a real daemon is started under strace on a fresh data directory, signed deliveries are posted until it dies or
until there are enough, then a daemon is started without faults. Every delivery that got a 200 must be there: still in the
journal, or as a message in the shop's file; at most one that got no 200 may be there too (a failed sync does not tell). The files must be whole.

Not part of `cargo test`: it takes minutes and needs strace. docs/faults.md says how to run it and what came of it.

usage: tests/syscall-faults.py [--points N] [--every N] [AURA]
"""

import argparse
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECRET = "the-app-s-secret"
ACCOUNT = "17841400000000001"
DELIVERIES = 12
START_S = 60
# Nothing but the database files: the log and the sockets are not what is tested.
KINDS = [
    ("SIGKILL", "pwrite64", "signal=SIGKILL:when={n}"),
    ("SIGKILL", "fsync,fdatasync", "signal=SIGKILL:when={n}"),
    ("EIO", "pwrite64", "error=EIO:when={n}"),
    ("EIO", "fsync,fdatasync", "error=EIO:when={n}"),
    ("ENOSPC", "pwrite64", "error=ENOSPC:when={n}+"),
    ("ENOSPC", "fsync,fdatasync", "error=ENOSPC:when={n}"),
]


def environment(home):
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "AURA_DATA_DIR": str(home / "data"),
        "AURA_SECRETS__MASTER_KEY": "file",
        "AURA_METRICS_LISTEN": "off",
        "AURA_META__APP_SECRET": SECRET,
        # Nobody answers there: replies wait, which is not what is tested here.
        "AURA_META__GRAPH_URL": "http://127.0.0.1:9",
        "AURA_CONVERSATION__DEBOUNCE_MS": "60000",
    }


class Daemon:
    def __init__(self, aura, home, inject=None):
        command = [aura, "serve", "--listen", "127.0.0.1:0"]
        if inject:
            call, fault = inject
            files = [home / "data" / "journal.db", home / "data" / "control.db", *home.glob("data/tenants/*/tenant.db")]
            only = [word for path in files for name in (path, f"{path}-wal") for word in ("-P", str(name))]
            command = ["strace", "-f", "-qq", "-o", str(home / "trace"), *only, "-e", f"trace={call}",
                       "-e", f"inject={call}:{fault}", *command]
        self.log = open(home / "log", "w+")
        # A process group of its own, so that strace and what it traces end together.
        self.process = subprocess.Popen(command, env=environment(home), cwd=home, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log, start_new_session=True)
        self.address = None
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            line = next((line for line in (home / "log").read_text().splitlines()
                         if line.startswith("listening on http://")), None)
            if line:
                self.address = line.removeprefix("listening on http://").split(":")
                return
            time.sleep(0.02)

    def post(self, number):
        """The status of a delivery; None without an answer."""
        body = json.dumps({"object": "instagram", "entry": [{"id": ACCOUNT, "time": 1790000000000, "messaging": [{
            "sender": {"id": f"90000000000{number:05}"}, "recipient": {"id": ACCOUNT}, "timestamp": 1790000000000,
            "message": {"mid": f"mid-{number}", "text": f"Question {number}" + "?" * 900}}]}]}).encode()
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        try:
            connection = http.client.HTTPConnection(*self.address, timeout=20)
            connection.request("POST", "/webhooks/instagram", body, {"x-hub-signature-256": signature})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None

    def backlog_gone(self, journal):
        """Waits until everything is dispatched."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if rows(journal, "SELECT count(*) FROM delivery")[0][0] == 0:
                return True
            time.sleep(0.05)
        return False

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()
        return self.process.returncode


def rows(path, sql):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as file:
        return file.execute(sql).fetchall()


def prepare(aura, home):
    """A data directory with one shop whose account is connected, as a template for every point."""
    daemon = Daemon(aura, home)
    assert daemon.address, (home / "log").read_text()
    command = [aura, "tenant", "add", "shop", "--name", "The Shop", "--data-dir", str(home / "data")]
    subprocess.run(command, env=environment(home), cwd=home, check=True, capture_output=True)
    assert daemon.end() in (0, -15, 143), (home / "log").read_text()
    # Connecting asks Instagram; the record alone is enough for deliveries to be dispatched.
    with sqlite3.connect(home / "data" / "control.db") as control:
        tenant = control.execute("SELECT id FROM tenant").fetchone()[0]
        control.execute("INSERT INTO account (channel, account_id, tenant_id, state, token_secret, connected_at_ms) "
                        "VALUES ('instagram', ?, ?, 'active', 'instagram.token', 0)", (ACCOUNT, tenant))


def mids(data):
    """Every message that is durable, in the journal or in the shop's file; the files must be whole."""
    found = set()
    for (body,) in rows(data / "journal.db", "SELECT body FROM delivery"):
        found.add(json.loads(body)["entry"][0]["messaging"][0]["message"]["mid"])
    for path in [data / "control.db", data / "journal.db", *data.glob("tenants/*/tenant.db")]:
        verdict = rows(path, "PRAGMA quick_check")
        assert verdict == [("ok",)], (path, verdict)
    for path in data.glob("tenants/*/tenant.db"):
        found |= {mid for (mid,) in rows(path, "SELECT mid FROM message")}
    return found


def point(aura, template, fault, call, nth):
    """One run: what it met, or None if the fault was never reached."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(template / "data", home / "data")
        acknowledged, unanswered, refused = set(), set(), 0
        daemon = Daemon(aura, home, (call, fault.format(n=nth)))
        if daemon.address:
            for number in range(DELIVERIES):
                status = daemon.post(number)
                if status == 200:
                    acknowledged.add(f"mid-{number}")
                elif status is None:
                    unanswered.add(f"mid-{number}")
                else:
                    refused += 1
                if daemon.process.poll() is not None:
                    break
        code = daemon.end()
        met = "INJECTED" in (home / "trace").read_text() or "SIGKILL" in (home / "trace").read_text()
        if not met:
            return None
        again = Daemon(aura, home)
        assert again.address, f"it does not start again: {(home / 'log').read_text()}"
        there = mids(home / "data")
        lost = acknowledged - there
        assert not lost, f"acknowledged and gone: {sorted(lost)}"
        invented = there - acknowledged - unanswered
        assert len(invented) <= 1, f"refused and stored: {sorted(invented)}"
        assert again.backlog_gone(home / "data" / "journal.db"), "not dispatched after the restart"
        assert acknowledged <= mids(home / "data")
        assert again.end() in (0, -15, 143)
        return len(acknowledged), refused, code


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("aura", nargs="?", default="target/debug/aura")
    arguments.add_argument("--points", type=int, default=40, help="the last n of each kind")
    arguments.add_argument("--every", type=int, default=1, help="only every so many-th n")
    given = arguments.parse_args()
    if not shutil.which("strace"):
        print("skipped: strace is not installed")
        return 0
    aura = str(Path(given.aura).resolve())
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder)
        prepare(aura, template)
        for name, call, fault in KINDS:
            began, met, acknowledged, refused, codes = time.monotonic(), 0, 0, 0, {}
            for nth in range(1, given.points + 1, given.every):
                try:
                    outcome = point(aura, template, fault, call, nth)
                except AssertionError as broken:
                    failed += 1
                    print(f"{name} at {call} {nth}: {broken}", flush=True)
                    continue
                if outcome is None:
                    break
                met += 1
                acknowledged += outcome[0]
                refused += outcome[1]
                codes[outcome[2]] = codes.get(outcome[2], 0) + 1
            print(f"{name:8} {call:15} {met:3} points, {acknowledged:4} acknowledged and there, {refused:3} turned away, "
                  f"exit codes {codes}, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
