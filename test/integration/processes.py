# SPDX-License-Identifier: MIT
"""The programs under test, as real processes on loopback addresses."""
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("H3EDGE_BUILD", ROOT / "build-test"))
PROXY = BUILD / "examples/proxy/h3edge-proxy"


class Process:
    """A program whose output is read as it comes. `with` ends it, and claims that it ended with status 0."""

    shown = []  # those that a failing test prints

    def __init__(self, *command, **env):
        self.name = Path(command[0]).name
        self.output = ""
        self.killed = False
        self.grown = threading.Condition()
        self.popen = subprocess.Popen(
            [str(word) for word in command], env={**os.environ, **{name: str(value) for name, value in env.items()}},
            text=True, errors="replace", bufsize=1, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        Process.shown.append(self)

    def read(self):
        for line in self.popen.stdout:
            with self.grown:
                self.output += line
                self.grown.notify_all()
        with self.grown:
            self.grown.notify_all()

    def wait_for(self, pattern, timeout=15):
        """The first match in the output, now or as soon as it comes."""
        with self.grown:
            self.grown.wait_for(lambda: re.search(pattern, self.output) or not self.reader.is_alive(), timeout)
            match = re.search(pattern, self.output)
        assert match, f"{self.name} did not print /{pattern}/:\n{self.output}"
        return match

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=20):
        status = self.popen.wait(timeout)
        self.reader.join(timeout)
        return status

    def kill(self):
        """Nothing is claimed of its end then."""
        self.killed = True
        self.popen.kill()
        self.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.popen.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.popen.kill()
            status = "none: it did not stop at SIGTERM"
        if kind is None and not self.killed:
            assert status == 0, f"{self.name} ended with status {status}:\n{self.output}"


class Uvicorn(Process):
    """Uvicorn with the demo application or that of another folder, on a free port, a given one, or a Unix socket; `tls`
    is certificate and key."""

    def __init__(self, port=0, uds=None, tls=None, folder=ROOT / "examples/fastapi", app="app:app", **env):
        where = ["--uds", uds] if uds else ["--port", port]
        if tls:
            where += ["--ssl-certfile", tls[0], "--ssl-keyfile", tls[1]]
        super().__init__("/usr/bin/python3", "-m", "uvicorn", "--app-dir", folder, app, "--no-access-log", *where,
                         FORWARDED_ALLOW_IPS="*" if uds else "127.0.0.1", **env)
        found = self.wait_for(r"Uvicorn running on (?:unix socket )?(\S+)")[1]
        self.url = f"http://unix:{uds}" if uds else found

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    def __exit__(self, *_):
        self.kill()  # it is not what is tested


class Proxy(Process):
    """h3edge-proxy on one free port of 127.0.0.1 and [::1]."""

    def __init__(self, origin, *options, program=PROXY):
        self.port = free_udp_port()
        if origin:
            options = ("--origin", origin, *options)
        super().__init__(program, "--listen", f"localhost:{self.port}", *options)
        self.wait_for(rf"listening on 127.0.0.1:{self.port}, \[::1\]:{self.port}")
        self.url = f"https://localhost:{self.port}"

    def counters(self):
        """What it prints on SIGUSR1 (once in its life)."""
        self.signal(signal.SIGUSR1)
        return self.wait_for(r"(?s)server +connections .*upstream .*\n")[0]


def count(counters, name):
    """Of a counter as "server requests"."""
    layer, name = name.split()
    return int(re.search(rf"(?m)^{layer} +{name} +(\d+) ", counters)[1])


def make_certificate(folder, *names):
    """Certificate and key, in files of `folder`."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={names[0]}", "-addext", "subjectAltName=DNS:" + ",".join(names),
         "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def free_udp_port():
    """A port that is free for UDP on both loopback addresses (for this moment: another program may take it)."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as v4, \
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as v6:
            v4.bind(("127.0.0.1", 0))
            try:
                v6.bind(("::1", v4.getsockname()[1]))
            except OSError:
                continue
            return v4.getsockname()[1]


def free_tcp_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


sys.path.insert(0, str(ROOT / "examples/fastapi"))
