# SPDX-License-Identifier: MIT
"""What both programs need before they measure: the same options, the builds, the peers, namespaces of their own."""
import argparse
import datetime
import os
import shutil
import sys
from pathlib import Path

from . import build, machine, programs
from .root import Root, install


def names(text):
    return [name for name in text.split(",") if name]


def cores(text):
    chosen = tuple(map(int, text.split(",")))
    if len(chosen) != 3:
        raise ValueError
    return chosen


def program(text):
    found = shutil.which(text)
    if not found:
        raise argparse.ArgumentTypeError(f"no program: {text}")
    return Path(found)


def add_programs(parser, wanted):
    """`wanted` are the programs of ours that are run."""
    work = build.default_work()
    for name in wanted:
        parser.add_argument(f"--{name}", type=program, metavar="PATH",
                            help=f"another {Path(build.PROGRAMS[name]).name} than that of a release build")
    parser.add_argument("--work", type=Path, default=work, metavar="DIR", help=f"for builds and all else ({work})")


def find_programs(args, wanted, may_build=True):
    """Where they are, by name: those that were given, the others from a release build."""
    work, given = args.work.resolve(), {name: getattr(args, name) for name in wanted}
    if may_build:
        build.release(work / "build", [name for name, path in given.items() if not path])
    return {name: (path or work / "build" / build.PROGRAMS[name]).resolve() for name, path in given.items()}


def add_options(parser, wanted):
    parser.add_argument("--cores", type=cores, metavar="EDGE,LOAD,ORIGIN",
                        help="where they run; the last two may be the same (chosen)")
    add_programs(parser, wanted)
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the peers are, or are installed (WORK/root)")
    parser.add_argument("--mirror", metavar="URI", help="of Debian (that of apt)")
    parser.add_argument("--results", type=Path, metavar="DIR", help="for tables, CSV and plot (WORK/results)")


def quick(parser, **defaults):
    """An option that lowers the defaults of others."""
    parser.add_argument("--quick", action="store_true",
                        help=", ".join(f"--{name.replace('_', '-')} {value}" for name, value in defaults.items()))
    if "--quick" in sys.argv:
        parser.set_defaults(**defaults)


class Setting:
    """Where all is. Made once outside of our namespaces, for what needs the network and time (the second time all is
    there), and again inside."""

    def __init__(self, args, wanted, scratch):
        work = args.work.resolve()
        root = (args.root or work / "root").resolve()
        if not machine.is_inside():
            install(root, args.mirror)
        self.built = find_programs(args, wanted, may_build=not machine.is_inside())
        self.cores = args.cores or machine.choose_cores(os.sched_getaffinity(0))
        machine.enter_namespaces()
        machine.prepare_process(self.cores[2])
        self.results = (args.results or work / "results").resolve()
        self.date = datetime.datetime.now(datetime.timezone.utc)
        shutil.rmtree(work / scratch, ignore_errors=True)
        programs.make_files(work / scratch)
        self.root = Root(root, work / scratch)
        self.versions = {**build.versions(self.built["proxy"]), **self.root.versions()}

    def heading(self):
        """Of every report: when, where, with what."""
        machines = f"{machine.describe()}. Cores: edge {self.cores[0]}, load {self.cores[1]}, origin {self.cores[2]}."
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return f"{self.date:%Y-%m-%d %H:%M} UTC. {machines}\n{versions}.\n"

    def write(self, name, text):
        self.results.mkdir(parents=True, exist_ok=True)
        (self.results / name).write_text(text)
        machine.say("written:", self.results / name)
