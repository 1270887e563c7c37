# SPDX-License-Identifier: MIT
"""The edge, the applications behind it and the ways to both, all on loopback."""
import contextlib
import getpass
import os
import shutil
import signal
import time
from hashlib import sha256
from pathlib import Path

from compare import machine, programs
from processes import ROOT, Process, Proxy, Uvicorn, free_tcp_port
from relay import Relay

from .links import Links

HERE = Path(__file__).parent
DELAY = 0.005  # of the clients' longer way
TICK = 0.1  # seconds until a signal is heeded


class Nginx(Process):
    """Serves files; `paths` are their digests by path. Its master starts a worker again that was killed."""

    def __init__(self, folder):
        port = free_tcp_port()
        programs.make_files(folder)
        programs.configure("origin.conf", folder, DIR=folder, ORIGIN=port, USER=getpass.getuser())
        super().__init__("nginx", "-c", folder / "origin.conf")
        while not programs.listens(port, "tcp"):
            if self.popen.poll() is not None:
                raise RuntimeError(f"nginx did not start:\n{self.output}")
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{port}"
        self.paths = {f"/{path.name}": sha256(path.read_bytes()).hexdigest()
                      for path in (folder / "files").iterdir() if path.stat().st_size <= 1 << 20}

    def kill_worker(self):
        for pid in machine.tree(self.popen.pid)[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class World:
    """While `with` lasts. The edge reaches its application on two ways, one of them through a relay; so do clients."""

    def __init__(self, folder, built, workers):
        self.folder, self.built, self.workers = folder, built, workers
        self.is_to_stop = False

    def stop(self, *_):
        """For signals. An exception amid anything would leave locks taken, and programs that nobody ends."""
        self.is_to_stop = True

    def pause(self, seconds):
        """Where a signal is heeded: KeyboardInterrupt."""
        until = time.monotonic() + seconds
        while not self.is_to_stop:
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, TICK))
        raise KeyboardInterrupt

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.application = self.start_application(free_tcp_port())
            stack.callback(lambda: self.application.kill())
            self.links = stack.enter_context(Links(self.application.port))
            self.nginx = stack.enter_context(Nginx(self.folder)) if can_run_nginx() else None
            self.edge = stack.enter_context(self.start_edge())
            self.relay = stack.enter_context(Relay(self.edge.port, DELAY))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def start_application(self, port):
        return Uvicorn(port, folder=HERE, app="application:app", PYTHONPATH=ROOT / "examples/fastapi",
                       PYTHONDONTWRITEBYTECODE=1, H3EDGE_LEDGER=self.folder / "ledger")

    def start_edge(self):
        files = [word for path in self.files() for word in ("--route", f"{path}={self.nginx.url}")]
        return Proxy(self.application.url, "--origin", self.links.url, "--workers", self.workers, *files,
                     program=self.built["proxy"])

    def restart_application(self):
        """It has been killed."""
        self.application = self.start_application(self.application.port)

    def files(self):
        return self.nginx.paths if self.nginx else {}

    def urls(self):
        """As clients reach the edge: straight, and on the way on which they may change their port."""
        return self.edge.url, f"https://localhost:{self.relay.port}"

    def end_edge(self):
        """Asks it to; its exit status, and whether it had ended by itself before."""
        by_itself = self.edge.popen.poll() is not None
        self.edge.signal(signal.SIGTERM)
        self.edge.killed = True  # so that `with` does not judge it again
        return self.edge.wait(), by_itself

    def memory(self):
        return machine.resident_bytes([self.edge.popen.pid])

    def descriptors(self):
        return len(list(Path(f"/proc/{self.edge.popen.pid}/fd").iterdir()))


def can_run_nginx():
    """Debian's configuration wants folders that belong to root."""
    return bool(shutil.which("nginx")) and os.geteuid() == 0
