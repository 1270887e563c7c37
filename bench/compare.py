#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""h3edge-proxy beside nginx, HAProxy and Caddy on this machine: CPU per request, per byte and per handshake, memory.

    sudo bench/compare.py             all rows, 20 rounds: about 10 minutes, after the peers are installed
    sudo bench/compare.py --quick     3 rounds

Needs root (namespaces, chroot, debootstrap) and `sh .ci/packages.sh bench`. bench/README.md says what the figures mean.
"""
import argparse
import sys
import time
from dataclasses import dataclass, replace

from compare import figures, idle, machine, picture, programs
from compare.figures import Measurement
from compare.load import Load
from compare.machine import say
from compare.setting import Setting, add_options, names, quick

REFERENCE = "nginx"
PROGRAMS = ["proxy", "load"]


@dataclass
class Row:
    """What is asked for, and what of the edge is divided by what."""

    name: str
    title: str
    unit: str  # us/request, ns/byte or KiB/connection
    path: str
    connections: int
    streams: int = 1
    options: tuple = ()
    each_second: int = 0  # so many requests for each second, instead of a time: few long ones would be cut off
    idle: int = 0  # connections beside those that make requests
    heavy: bool = False  # only when asked for
    rounds: int = 1000  # at most


ROWS = [
    Row("1k-10x10", "1 KiB, 10 connections x 10 streams, µs/request", "us/request", "/1k", 10, 10),
    Row("1k-100x10", "1 KiB, 100 x 10, µs/request", "us/request", "/1k", 100, 10),
    Row("1k-1x1", "1 KiB, 1 x 1, µs/request", "us/request", "/1k", 1, 1),
    Row("64k", "64 KiB, 10 x 10, µs/request", "us/request", "/64k", 10, 10),
    Row("10m", "10 MiB, 4 x 1, ns/byte", "ns/byte", "/10m", 4, 1, each_second=20),
    Row("handshake", "full handshake and 1 request, µs", "us/request", "/1k", 4, 1, ("--connect-each",)),
    Row("memory-100", "memory of 1 of 100 idle connections, KiB", "KiB/connection", "/1k", 100, rounds=3),
    Row("memory-1000", "memory of 1 of 1,000 idle connections, KiB", "KiB/connection", "/1k", 1000, rounds=3),
    Row("1k-100x1", "1 KiB, 100 x 1, µs/request", "us/request", "/1k", 100, 1, heavy=True),
    Row("1k-10000", "1 KiB, 100 x 1 of 10,000 connections, µs/request", "us/request", "/1k", 100, 1, idle=9900,
        heavy=True, rounds=3),
]


class Comparison:
    """One run of all rounds."""

    def __init__(self, args, setting):
        self.args, self.setting, self.root = args, setting, setting.root
        self.edge_core, self.load_core, self.origin_core = setting.cores
        self.load = Load(setting.built["load"], self.load_core)
        self.measurements, self.failures, self.idle = [], [], ""

    def measure(self, row, peer, number, place):
        """A fresh edge, the load, and it is gone again."""
        with programs.origin(self.root, self.origin_core) as origin, \
                programs.edge(peer, self.root, self.edge_core,
                              self.setting.built["proxy"]) as edge:
            probe = Probe(self, edge, origin)
            if row.unit == "KiB/connection":
                return probe.memory(row, number, place)
            return probe.cpu(row, number, place)

    def run(self):
        for number in range(self.args.rounds):
            for row in self.args.rows:
                if number < row.rounds:
                    self.round(row, number)

    def round(self, row, number):
        for place, peer in enumerate(figures.rotated(self.args.peers, number)):
            name = f"round {number + 1}/{self.args.rounds}  {row.name:<12} {peer:<8}"
            try:
                measured = self.measure(row, peer, number, place)
            except RuntimeError as error:
                say(f"{name} failed: {error}")
                self.failures.append(f"Not measured: {peer} in {row.name}, round {number + 1}.\n")
                continue
            self.measurements.append(measured)
            mark = f"  disturbed: {measured.disturbance:.0%}" if self.is_disturbed(measured) else ""
            wrong = f"  {measured.errors} errors" if measured.errors else ""
            say(f"{name} {figures.number(measured.value):>7} {row.unit}{wrong}{mark}")

    def is_disturbed(self, measured):
        return figures.is_disturbed(measured, self.args.disturbed / 100)


class Probe:
    """One edge under load, watched from outside."""

    def __init__(self, comparison, edge, origin):
        self.comparison, self.edge = comparison, edge
        self.pids, self.helpers = edge.pids(), origin.pids()

    def start(self):
        self.watch = machine.Watch(sorted(set(self.comparison.setting.cores)), self.pids + self.helpers)
        self.begun, self.cpu_before = time.monotonic(), machine.cpu_seconds(self.pids)

    def stop(self):
        self.cpu_used = machine.cpu_seconds(self.pids) - self.cpu_before
        self.took = time.monotonic() - self.begun
        self.after = self.watch.read()

    def options(self, row):
        return (f"https://localhost:{programs.PORT}{row.path}", "--connect", f"127.0.0.1:{programs.PORT}",
                "--connections", row.connections, "--streams", row.streams, *row.options)

    def cpu(self, row, number, place):
        if not row.idle:
            return self.requests(row, number, place)
        with self.comparison.load.idle(*self.options(replace(row, connections=row.idle)), "--timeout", 60) as others:
            self.helpers.append(others.pid)
            return self.requests(row, number, place)

    def requests(self, row, number, place):
        """Between the two marks of the load generator nothing but its requests happens."""
        marks = {"measuring": self.start, "measured": self.stop}
        seconds = self.comparison.args.seconds
        if row.each_second:
            end = ["--warm-up", row.connections, "--requests", int(seconds * row.each_second)]
        else:
            end = ["--warm-up", f"{seconds / 4}s", "--duration", seconds]
        result = self.comparison.load.run(*self.options(row), *end, on_mark=lambda mark: marks[mark]())
        if not result.requests:
            raise RuntimeError("no request ended")
        divisor = result.bytes * 1e-9 if row.unit == "ns/byte" else result.requests * 1e-6
        return self.measurement(row, number, place, self.cpu_used / divisor, result)

    def memory(self, row, number, place):
        """What grows from no connection to all of them idle. One visit before takes what the first one ever needs."""
        self.comparison.load.run(*self.options(replace(row, connections=1)))
        before, idle = machine.resident_bytes(self.pids), []

        def on_mark(mark):
            if mark == "measuring":
                self.start()
            if mark == "idle":
                time.sleep(1)  # acknowledgements, tickets
                idle.append(machine.resident_bytes(self.pids))
                self.stop()

        result = self.comparison.load.run(*self.options(row), "--idle", 2, on_mark=on_mark)
        value = (idle[0] - before) / row.connections / 1024
        return self.measurement(row, number, place, value, result)

    def measurement(self, row, number, place, value, result):
        return Measurement(
            row=row.name, peer=self.edge.name, round=number + 1, place=place + 1, value=value,
            requests=result.requests, errors=result.errors, seconds=self.took, bytes=result.bytes,
            edge_cpu=self.cpu_used, load_cpu=result.cpu_seconds, p50_ms=result.p50_ms, p99_ms=result.p99_ms,
            disturbance=self.watch.disturbance(self.after, self.took, result.cpu_seconds))


def report(comparison):
    """The table with all that a reader needs to judge it, and the summaries it is made of."""
    args, measurements = comparison.args, comparison.measurements
    titles = {row.name: row.title for row in args.rows}
    threshold = args.disturbed / 100
    disturbed = sum(map(comparison.is_disturbed, measurements))
    text = f"""# h3edge-proxy and others

{comparison.setting.heading()}{machine.buffers()} {comparison.idle}
{args.rounds} rounds of {args.seconds:g} s. Others took more than {args.disturbed:g} % of
these cores' time in {disturbed} of {len(measurements)} measurements.

Each cell: median (least) **ratio to {args.reference} in the same round, median** [least–most]. A star: too few rounds
were undisturbed, so that all count.

{figures.table(measurements, titles, args.peers, args.reference, threshold)}
{"".join(comparison.failures)}"""
    return text, {(row, peer): figures.summarise(measurements, row, peer, args.reference, threshold)
                  for row in titles for peer in args.peers}


def write_results(comparison):
    args, setting = comparison.args, comparison.setting
    text, summaries = report(comparison)
    print(text)
    setting.write("compare.csv", figures.comma_separated(comparison.measurements, Measurement))
    setting.write("compare.md", text)
    titles = {row.name: row.title.rpartition(",")[0]  # without its unit
              for row in args.rows if any(summaries[row.name, peer] for peer in args.peers)}
    subtitle = f"{setting.date:%Y-%m-%d}, {machine.describe()}"
    script, blocks = picture.ratio_bars(titles, args.peers, args.reference, summaries, subtitle)
    setting.write("compare.svg", picture.draw(setting.root, "compare", script, blocks))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="of all rows (20)")
    parser.add_argument("--seconds", type=float, default=0.6, metavar="S", help="of each measurement (0.6)")
    quick(parser, rounds=3)
    parser.add_argument("--only", type=names, metavar="ROW,ROW", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--heavy", action="store_true", help="also 10,000 connections against 100")
    parser.add_argument("--peers", type=names, default=programs.PEERS, metavar="NAME,NAME",
                        help=f"{', '.join(programs.PEERS)} (all)")
    parser.add_argument("--disturbed", type=float, default=5, metavar="PERCENT",
                        help="of the cores' time that others may take (5)")
    parser.add_argument("--idle", choices=idle.MODES, default=idle.MODES[0],
                        help="what idle cores do: as the kernel has them do by default, or as this system is set up, or"
                             " they stay awake (kernel)")
    add_options(parser, PROGRAMS)
    args = parser.parse_args()
    unknown = set(args.only or []) - {row.name for row in ROWS} | set(args.peers) - set(programs.PEERS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    args.reference = REFERENCE if REFERENCE in args.peers else args.peers[0]
    args.rows = [row for row in ROWS if (row.name in args.only if args.only else args.heavy or not row.heavy)]
    return args


def main():
    args = arguments()
    setting = Setting(args, PROGRAMS, "scratch")
    say(machine.buffers())
    comparison = Comparison(args, setting)
    try:
        with idle.ruled(args.idle):
            comparison.idle = idle.describe(args.idle)
            comparison.run()
    except KeyboardInterrupt:
        say("stopped: what is there follows")
    if not comparison.measurements:
        return 1
    write_results(comparison)
    return 0


if __name__ == "__main__":
    sys.exit(main())
