# SPDX-License-Identifier: MIT
"""The programs under test, as real processes on loopback addresses."""
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("H3EDGE_BUILD", ROOT / "build-test"))
PROXY = BUILD / "examples/proxy/h3edge-proxy"
PATIENCE = 120  # seconds for what takes a moment: on a busy machine it may take long, and only what is broken takes all


def wait_until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


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

    def wait_for(self, pattern, timeout=PATIENCE, start=0):
        """The first match in the output from `start` on, now or as soon as it comes."""
        wanted = re.compile(pattern)
        with self.grown:
            self.grown.wait_for(lambda: wanted.search(self.output, start) or not self.reader.is_alive(), timeout)
            match = wanted.search(self.output, start)
        assert match, f"{self.name} did not print /{pattern}/:\n{self.output}"
        return match

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=PATIENCE):
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


class Nobody:
    """A TCP port of 127.0.0.1 at which nobody listens, and which no other program is given. Uvicorn may listen there."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class Uvicorn(Process):
    """Uvicorn with the demo application or that of another folder, on a port of its own, at which it can be started again
    until `with` is over, on a given one, or on a Unix socket; `tls` is certificate and key."""

    def __init__(self, port=0, uds=None, tls=None, folder=ROOT / "examples/fastapi", app="app:app", **env):
        self.nobody = Nobody()
        where = ["--uds", uds] if uds else ["--port", port or self.nobody.port]
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
        self.nobody.socket.close()


class Proxy(Process):
    """h3edge-proxy on one free port of 127.0.0.1 and [::1], which options may call {port}."""

    def __init__(self, origin, *options, program=PROXY):
        if origin:
            options = ("--origin", origin, *options)
        while True:
            self.port = free_udp_port()
            super().__init__(program, "--listen", f"localhost:{self.port}",
                             *(str(word).replace("{port}", str(self.port)) for word in options))
            listens = rf"listening on 127.0.0.1:{self.port}, \[::1\]:{self.port}"
            if not self.wait_for(rf"{listens}|cannot listen on \S+:{self.port}: address already in use")[0].startswith("c"):
                break
            self.wait()  # another program was faster
        self.url = f"https://localhost:{self.port}"

    def counters(self):
        """What it prints on SIGUSR1, which ends with an empty line."""
        start = len(self.output)
        self.signal(signal.SIGUSR1)
        return self.wait_for(r"(?s)server +connections .*?\n\n", start=start)[0]


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
    """A port that is free for UDP on both loopback addresses, and below those that the system gives to who asks for any."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as v4, \
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as v6:
            try:
                v4.bind(("127.0.0.1", port))
                v6.bind(("::1", port))
            except OSError:
                continue
            return port


def free_tcp_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


sys.path.insert(0, str(ROOT / "examples/fastapi"))
