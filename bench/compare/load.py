# SPDX-License-Identifier: MIT
"""The load generator, h3load: started, followed by its marks, read."""
import json
import os
import subprocess


class Load:
    """One run. `on_mark` is called with 'measuring', 'measured' or 'idle' at that moment."""

    def __init__(self, program, core):
        self.program, self.core = program, core

    def run(self, url, *options, on_mark=None, timeout=120):
        command = [str(self.program), "--json", "--marks", *map(str, options), *url.split()]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, start_new_session=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, [self.core])) as process:
            try:
                complaints = self.follow(process.stderr, on_mark)
                out = process.stdout.read()
                process.wait(timeout)
            except BaseException:
                process.kill()
                raise
        if process.returncode not in (0, 1):
            raise RuntimeError(f"{' '.join(command)}: status {process.returncode}\n{complaints[-1000:]}")
        return Result(json.loads(out))

    @staticmethod
    def follow(lines, on_mark):
        rest = []
        for line in lines:
            if line.strip() in ("measuring", "measured", "idle"):
                if on_mark:
                    on_mark(line.strip())
            else:
                rest.append(line)
        return "".join(rest)


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
