#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""h3edge-proxy under a mixed load for as long as wanted, while things go wrong.

    bench/soak.py --minutes 60            something else goes wrong every 30 seconds
    bench/soak.py --minutes 60 --resume   goes on with what was interrupted

The status is 0 when no answer was wrong, no acknowledged order was lost, none was done twice, and memory and descriptors
did not grow; 1 when one of that is not so. Needs `sh .ci/packages.sh test`. bench/README.md says what the figures mean.
"""
import argparse
import datetime
import math
import random
import signal
import sys
import time
from pathlib import Path

from compare import build, machine
from compare.machine import say
from compare.setting import add_programs, find_programs

sys.path[1:1] = [str(build.SOURCE / folder) for folder in ("test/integration", "examples/fastapi")]
from soak import figures, load, troubles  # noqa: E402
from soak.state import Folder  # noqa: E402
from soak.world import World, can_run_nginx  # noqa: E402

PROGRAMS = ["proxy", "load"]
TROUBLE, SAMPLED = 0.4, 0.5  # of a period: when trouble is over, and from when on memory is looked at
SAMPLES = 5  # of each period
MEMORY_ALLOWED, DESCRIPTORS_ALLOWED = 1.0, 1.0  # MiB and descriptors per hour: what a slope may really be


class Soak:
    """One run, or the rest of one."""

    def __init__(self, args, folder, state, world):
        self.args, self.folder, self.state, self.world = args, folder, state, world
        self.tally = load.Tally(folder.acknowledged)
        self.state.memory.append([])
        self.state.descriptors.append([])
        self.before, self.begun = state.seconds, time.monotonic()

    def elapsed(self):
        return self.before + time.monotonic() - self.begun

    def run(self):
        """Until its time is over or its periods are, ^C, or the edge has ended."""
        urls = self.world.urls()
        visitors = [load.Visitor(f"{len(self.state.memory)}-{number}", urls[number % len(urls)], self.world.files(),
                            self.tally, self.state.seed + 1000 * self.state.periods + number)
                    for number in range(self.args.clients)]
        for visitor in visitors:
            visitor.start()
        try:
            while (self.elapsed() < self.args.seconds and self.state.periods < self.args.periods
                   and self.world.edge.popen.poll() is None):
                self.period()
                dead = [visitor.name for visitor in visitors if not visitor.is_alive()]
                if dead:
                    raise RuntimeError(f"clients ended by a fault of their own: {', '.join(dead)}")
        finally:
            load.end(visitors)
            self.note()

    def period(self):
        """Something goes wrong; then there is peace, in which memory is looked at."""
        number, begun, every = self.state.periods, time.monotonic(), self.args.every
        trouble = troubles.of_period(self.state.seed, number)
        trouble(self.world, random.Random(self.state.seed * 1_000_003 + number), every * TROUBLE)
        self.state.troubles[troubles.name(trouble)] += 1
        samples = []
        for sample in range(SAMPLES):
            due = begun + every * (SAMPLED + (1 - SAMPLED) * (sample + 1) / SAMPLES)
            self.world.pause(due - time.monotonic())
            if self.world.edge.popen.poll() is not None:
                return
            samples.append((self.world.memory(), self.world.descriptors()))
        self.state.periods += 1
        self.remember(samples)
        self.note()
        self.progress(troubles.name(trouble))

    def remember(self, samples):
        """The means of a period, once every trouble has been there: before that the edge grows to its size."""
        if self.state.troubles.keys() != set(map(troubles.name, troubles.ALL)):
            return
        for known, values in zip((self.state.memory, self.state.descriptors), zip(*samples)):
            known[-1].append((self.elapsed(), sum(values) / len(values)))

    def note(self):
        verdicts, complaints = self.tally.take()
        self.state.verdicts.update(verdicts)
        self.state.complaints += complaints
        self.state.seconds = self.elapsed()
        self.folder.save(self.state)

    def progress(self, trouble):
        orders, counts = self.folder.orders(), self.state.verdicts
        say(f"{clock(self.state.seconds)} of {whole_length(self.args)}  {sum(counts.values()):>8,} requests, "
            f"{counts['served']:,} served, {counts['wrong']} wrong, {len(orders.lost)} lost, {len(orders.twice)} twice; "
            f"{self.world.memory() / (1 << 20):.1f} MiB, {self.world.descriptors()} descriptors; {trouble}")


def clock(seconds):
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes}:{seconds:02}"


def whole_length(args):
    return clock(args.seconds) if args.periods == math.inf else f"{args.periods} periods"


def goals(state, orders, status, by_itself):
    memory = [[(x, y / (1 << 20)) for x, y in leg] for leg in state.memory]
    wrong, asked = state.verdicts["wrong"], sum(state.verdicts.values())
    return [figures.Goal("wrong answers", f"{wrong:,} of {asked:,}", not wrong),
            figures.none_of("acknowledged orders lost", orders.lost, orders.acknowledged),
            figures.none_of("orders done twice", orders.twice, orders.done),
            figures.flat("memory", figures.slope(memory), "MiB", MEMORY_ALLOWED),
            figures.flat("descriptors", figures.slope(state.descriptors), "", DESCRIPTORS_ALLOWED),
            figures.Goal("exit status of the edge", f"{status}{', by itself' if by_itself else ''}",
                         status == 0 and not by_itself)]


def report(args, state, all_goals, built):
    versions = ", ".join(f"{name} {version}" for name, version in build.versions(built["proxy"]).items())
    ends = ", ".join(f"{number:,} {verdict}" for verdict, number in state.verdicts.most_common())
    bad = ", ".join(f"{name} {number}" for name, number in state.troubles.items())
    return f"""{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC. {machine.describe()}.
{versions}.
{clock(state.seconds)} (minutes:seconds), {len(state.memory)} run(s), {args.clients} clients, {args.workers} workers, behind them \
Uvicorn{" and nginx" if can_run_nginx() else "; no nginx, which must be installed and started by root"}.
Requests: {ends}.
Troubles: {bad or "none"}.

{"".join(goal.line() for goal in all_goals)}{"".join(f"wrong: {line}{chr(10)}" for line in state.complaints)}"""


def whole(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def time_span(factor):
    def read(text):
        seconds = float(text) * factor
        if not 0 < seconds < 1e9:
            raise ValueError
        return seconds
    read.__name__ = "time"  # as argparse names it in a complaint
    return read


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    bound = parser.add_mutually_exclusive_group(required=True)
    bound.add_argument("--minutes", dest="seconds", type=time_span(60), default=math.inf, metavar="N",
                       help="how long in all")
    bound.add_argument("--seconds", dest="seconds", type=time_span(1), default=math.inf, metavar="N",
                       help="the same, for a short one")
    bound.add_argument("--periods", type=whole, default=math.inf, metavar="N",
                       help="so many troubles instead, however long they take")
    parser.add_argument("--every", type=time_span(1), default=30, metavar="S", help="something goes wrong (30 seconds)")
    parser.add_argument("--clients", type=whole, default=12, metavar="N", help="at a time (12)")
    parser.add_argument("--workers", type=whole, default=2, metavar="N", help="threads of the edge (2)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all that is left to chance (1)")
    parser.add_argument("--resume", action="store_true", help="go on with what the state folder knows")
    parser.add_argument("--state", type=Path, metavar="DIR", help="the state folder (WORK/soak)")
    add_programs(parser, PROGRAMS)
    args = parser.parse_args()
    args.folder = Folder((args.state or args.work / "soak").resolve())
    try:
        args.folder.take()
        args.known = args.folder.resume() if args.resume else None
    except ValueError as error:
        parser.error(str(error))
    return args


def main():
    args = arguments()
    built = find_programs(args, PROGRAMS)
    state, interrupted = args.known or args.folder.begin(args.seed), False
    world = World(args.folder.path, built, args.workers)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, world.stop)
    with world:
        try:
            Soak(args, args.folder, state, world).run()
        except KeyboardInterrupt:
            interrupted = True
            say("interrupted: --resume goes on with it")
        status, by_itself = world.end_edge()
        all_goals = goals(state, args.folder.orders(), status, by_itself)
        print(report(args, state, all_goals, built))
        if status:
            say(world.edge.output[-4000:])
    if interrupted:
        return 128 + signal.SIGINT
    return 1 if any(goal.is_met is False for goal in all_goals) else 0


if __name__ == "__main__":
    sys.exit(main())
