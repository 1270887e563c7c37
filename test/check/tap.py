# SPDX-License-Identifier: MIT
"""What every check is made of: functions that return complaints, run one after the other, told as TAP.

A program here is a list of pairs of a name and a function. A function returns a list of complaints, empty when all is
well. Beside each check of the tree stands one that feeds it a bad sample, so that a check which sees nothing fails.
"""
import os
import sys
from pathlib import Path

SOURCE = Path(os.environ.get("H3EDGE_SOURCE", Path(__file__).resolve().parents[2]))


def setting(name):
    """What the build says about itself; empty where it does not apply."""
    return os.environ.get(name, "")


def unless(condition, complaint):
    return [] if condition else [complaint]


def differs(got, wanted):
    return unless(got == wanted, f"found {got}, should have found {wanted}")


def run(checks):
    failed = 0
    print(f"1..{len(checks)}")
    for number, (name, check) in enumerate(checks, 1):
        complaints = check()
        for complaint in complaints:
            print(f"# {complaint}")
        print(f"{'not ok' if complaints else 'ok'} {number} - {name}", flush=True)
        failed += bool(complaints)
    sys.exit(1 if failed else 0)
