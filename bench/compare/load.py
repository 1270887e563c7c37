# SPDX-License-Identifier: MIT
"""The load generator, h3load: started, followed by its marks, read."""
import contextlib
import json
import os
import signal
import subprocess
import threading

MARKS = ("measuring", "measured", "idle")


class Load:
    """Runs it on one core."""

    def __init__(self, program, core):
        self.program, self.core = program, core

    @contextlib.contextmanager
    def started(self, url, *options, timeout):
        command = [str(self.program), "--json", "--marks", *map(str, options), url]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, start_new_session=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, [self.core])) as process:
            alarm = threading.Timer(timeout, process.kill)
            alarm.start()
            try:
                yield process
            finally:
                alarm.cancel()
                process.kill()  # nothing, when it has ended

    def run(self, url, *options, on_mark=None, timeout=120):
        """The figures of one run. `on_mark` is called with each of MARKS at that moment."""
        with self.started(url, *options, timeout=timeout) as process:
            complaints = ""
            for line in process.stderr:
                if line.strip() not in MARKS:
                    complaints += line
                elif on_mark:
                    on_mark(line.strip())
            out = process.stdout.read()
            status = process.wait()
        if status not in (0, 1):
            raise RuntimeError(f"h3load ended with status {status}: {complaints[-1000:]}")
        return Result(json.loads(out))

    @contextlib.contextmanager
    def idle(self, url, *options, timeout=600):
        """Connections that are there and idle while `with` lasts; the process that holds them."""
        with self.started(url, *options, "--idle", timeout, timeout=timeout) as process:
            if not any(line.strip() == "idle" for line in process.stderr):
                raise RuntimeError("the idle connections could not be made")
            yield process
            process.send_signal(signal.SIGINT)
            lost = json.loads(process.communicate()[0])["connections"]["lost"]
            if lost:
                raise RuntimeError(f"{lost} of the idle connections were lost")


class Result:
    """What it printed, by the names used here."""

    def __init__(self, figures):
        self.figures = figures
        self.requests, self.bytes = figures["requests"], figures["bytes"]
        self.errors = sum(figures["errors"].values())
        self.cpu_seconds = figures["cpu_seconds"]
        self.resumed = figures["connections"]["resumed"]
        self.early_accepted = figures["connections"]["early_accepted"]
        self.p50_ms = figures["response_us"]["p50"] / 1000
        self.p99_ms = figures["response_us"]["p99"] / 1000
        self.first_byte_ms = figures["first_byte_us"]["p50"] / 1000
