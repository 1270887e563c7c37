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
from dataclasses import replace

from compare import figures, idle, machine, picture, programs
from compare.figures import Measurement
from compare.load import Load
from compare.machine import say
from compare.rows import ROWS, chosen
from compare.setting import Setting, add_options, names, quick

REFERENCE = "nginx"
PROGRAMS = ["proxy", "load"]


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


def summarise(comparison):
    """Each cell, by row and peer."""
    args, measurements = comparison.args, comparison.measurements

    def other(row, peer):
        return (row.against, peer) if row.against else (row.name, args.reference)

    return {(row.name, peer): figures.summarise(measurements, (row.name, peer), other(row, peer), args.disturbed / 100)
            for row in args.rows for peer in args.peers}


def titles_of(rows, peers, summaries):
    """Of the rows in which something was measured."""
    return {row.name: row.title for row in rows if any(summaries[row.name, peer] for peer in peers)}


def report(comparison, summaries):
    """The table with all that a reader needs to judge it."""
    args, measurements = comparison.args, comparison.measurements
    disturbed = sum(map(comparison.is_disturbed, measurements))
    return f"""# h3edge-proxy and others

{comparison.setting.heading()}{machine.buffers()} {comparison.idle}
{args.rounds} rounds of {args.seconds:g} s. Others took more than {args.disturbed:g} % of
these cores' time in {disturbed} of {len(measurements)} measurements.

Each cell: median (least) **ratio to {args.reference} in the same round, median** [least–most]. A star: too few rounds
were undisturbed, so that all count.

{figures.table(titles_of(args.rows, args.peers, summaries), args.peers, summaries)}
{"".join(comparison.failures)}"""


def write_results(comparison):
    args, setting = comparison.args, comparison.setting
    summaries = summarise(comparison)
    text = report(comparison, summaries)
    print(text)
    setting.write("compare.csv", figures.comma_separated(comparison.measurements, Measurement))
    setting.write("compare.md", text)
    drawn = [row for row in args.rows if not row.against]
    titles = {name: title.rpartition(",")[0] for name, title in titles_of(drawn, args.peers, summaries).items()}
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
    args.rows = chosen(args.only, args.heavy)
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
