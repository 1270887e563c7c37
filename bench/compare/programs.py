# SPDX-License-Identifier: MIT
"""The programs that are measured and those around them: configured, started, watched, stopped."""
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import machine
from .root import INSIDE

HERE = Path(__file__).parent
PORT, ORIGIN = 4433, 8080  # in a network namespace of our own, where nobody else is
KIBIBYTE = "x" * 1024
FILES = {"64k": 64 << 10, "10m": 10 << 20, "20m": 20 << 20, "20k": 20_000, "12k": 12_000}
PEERS = ["h3edge", "nginx", "haproxy", "caddy"]
PR_SET_PDEATHSIG = 1


class Program:
    """A process on one core, in a session of its own: no ^C reaches it but ours. `with` ends it and all it started."""

    def __init__(self, name, command, core, log, ready=lambda: True, env=None, inside=None):
        self.name, self.command, self.core, self.log, self.ready = name, command, core, log, ready
        self.env = {**os.environ, **(env or {})}
        self.inside = ["nsenter", f"--net=/proc/{inside}/ns/net"] if inside else []

    def __enter__(self):
        libc = ctypes.CDLL(None)

        def prepare():
            os.sched_setaffinity(0, [self.core])
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        with open(self.log, "wb") as log:
            self.popen = subprocess.Popen([*self.inside, *map(str, self.command)], preexec_fn=prepare, env=self.env,
                                          start_new_session=True, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=subprocess.STDOUT)
        self.pid = self.popen.pid
        try:
            self.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_ready(self):
        end = time.monotonic() + 15
        while not self.ready():
            if self.popen.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start:\n{self.output()[-2000:]}")
            time.sleep(0.02)

    def output(self):
        return Path(self.log).read_text(errors="replace")

    def pids(self):
        return machine.tree(self.pid)

    def __exit__(self, *_):
        """Not to be interrupted."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        try:
            self.stop()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def stop(self):
        """Ends its tree by process ids; what does not end when asked is killed."""
        pids = self.pids()
        self.popen.terminate()
        try:
            self.popen.wait(7)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        for pid in set(pids[1:]) & set(machine.parents()):
            if os.getsid(pid) == self.pid:  # still the same one
                os.kill(pid, signal.SIGKILL)


def listens(port, kind, inside="self"):
    """Whether a socket of this kind, udp or tcp, has the port."""
    lines = Path(f"/proc/{inside}/net/{kind}").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") for line in lines
               if kind == "udp" or line.split()[3] == "0A")


def make_files(work):
    """What the programs are given: certificate, key and content."""
    (work / "files").mkdir(parents=True, exist_ok=True)
    for name, size in FILES.items():
        path = work / "files" / name
        if not path.exists() or path.stat().st_size != size:
            path.write_bytes(os.urandom(size))
    cert, key = work / "cert.pem", work / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "10", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    for path in (cert, key, work, work / "files"):
        path.chmod(0o755)
    (work / "cert.pem.key").write_bytes(key.read_bytes())  # where HAProxy looks for it


def configure(name, work, **more):
    """Fills in one of the files beside this one. `@` in it stands for itself where no name follows."""
    text = (HERE / name).read_text()
    values = {"DIR": INSIDE, "ADDRESS": "127.0.0.1", "PORT": PORT, "ORIGIN": ORIGIN, "KIBIBYTE": KIBIBYTE,
              "REQUESTS": 1000000000, "USER": "www-data", "MORE": "", **more}
    for word, value in values.items():
        text = text.replace(f"@{word}@", str(value))
    (work / name).write_text(text)
    return f"{INSIDE}/{name}"


def origin(root, core, inside=None):
    path = configure("origin.conf", root.work)
    return Program("origin", root.command("nginx", "-c", path), core, root.work / "origin.log",
                   lambda: listens(ORIGIN, "tcp", inside or "self"), inside=inside)


def edge(name, root, core, proxy, inside=None, address="127.0.0.1", options=(), **more):
    """One of PEERS, with one worker on one core."""
    work, env = root.work, None
    if name == "h3edge":
        command = [proxy, "--listen", f"{address}:{PORT}", "--origin", f"http://127.0.0.1:{ORIGIN}",
                   "--cert", work / "cert.pem", "--key", work / "key.pem", *options]
    elif name == "nginx":
        command = root.command("nginx", "-c", configure("nginx.conf", work, ADDRESS=address, **more))
    elif name == "haproxy":
        command = root.command("haproxy", "-db", "-f", configure("haproxy.cfg", work, ADDRESS=address, **more))
    elif name == "caddy":
        path = configure("Caddyfile", work, ADDRESS=address, **more)
        command = root.command("caddy", "run", "--adapter", "caddyfile", "--config", path)
        env = {"GOMAXPROCS": "1", "HOME": f"{INSIDE}/caddy", "XDG_CONFIG_HOME": f"{INSIDE}/caddy"}
    else:
        sys.exit(f"'{name}' is none of {', '.join(PEERS)}")
    return Program(name, command, core, work / f"{name}.log", lambda: listens(PORT, "udp", inside or "self"), env,
                   inside)
