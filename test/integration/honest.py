# SPDX-License-Identifier: MIT
"""Honest clients beside an attack, and what the edge needs meanwhile."""
import functools
import re
import subprocess
import threading
import time
from pathlib import Path

import pycurl
from clients import fetch
from processes import PATIENCE, PROXY

MIB = 1024 * 1024


@functools.cache
def is_sanitized():
    """A sanitizer keeps what is freed, and needs more time and memory for everything."""
    return b"__asan" in subprocess.run(["nm", "-D", PROXY], capture_output=True, check=True).stdout


class Honest(threading.Thread):
    """Asks for one page after the other, with a pause between them: every other time as a newcomer, else on a connection
    that it keeps. `times` are those of the requests that were answered 200, `faults` what became of the others."""

    def __init__(self, url, pause=0.02, timeout=PATIENCE):
        super().__init__()
        self.url, self.pause, self.timeout = url, pause, timeout
        self.times, self.faults, self.stopped = [], [], threading.Event()

    def ask(self, handle):
        begin = time.monotonic()
        try:
            answer = fetch(f"{self.url}/users/1", handle=handle, timeout=self.timeout)
            if answer.status == 200:
                self.times.append(time.monotonic() - begin)
            else:
                self.faults.append(f"{answer.status} {answer.text}")
        except pycurl.error as error:
            self.faults.append(repr(error))

    def run(self):
        kept = pycurl.Curl()
        while not self.stopped.wait(self.pause):
            self.ask(kept)
            self.ask(None)
        kept.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()


class Memory(threading.Thread):
    """Watches what a process has resident; `first` and `most` are bytes, and `mark` is what it never should."""

    def __init__(self, process):
        super().__init__()
        self.status, self.stopped = Path(f"/proc/{process.popen.pid}/status"), threading.Event()
        self.first = self.most = self.resident()
        self.mark = (800 if is_sanitized() else 48) * MIB

    def resident(self):
        return int(re.search(r"VmRSS:\s+(\d+) kB", self.status.read_text())[1]) * 1024

    def run(self):
        while not self.stopped.wait(0.1):
            self.most = max(self.most, self.resident())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()
        self.most = max(self.most, self.resident())
