# SPDX-License-Identifier: MIT
"""From what happened to a verdict: no input or output here, and nothing of this machine."""
import math
from collections import Counter
from dataclasses import dataclass

LEAST_POINTS, LEAST_SECONDS = 6, 300  # below these a slope is told, and not judged


@dataclass
class Slope:
    """Growth per hour, give or take."""

    per_hour: float
    noise: float  # two standard errors
    points: int
    seconds: float  # from the first point to the last, of all legs

    def is_judged(self):
        return self.points >= LEAST_POINTS and self.seconds >= LEAST_SECONDS

    def is_flat(self, allowed):
        """Not certainly above what is allowed."""
        return self.per_hour - self.noise <= allowed


def slope(legs):
    """The line through points (seconds, value). Each leg is another process: it has a height of its own, and the slope
    is that of all. None when no line can be laid through them."""
    legs = [leg for leg in legs if len(leg) > 1]
    centred = [(x - mean(leg, 0), y - mean(leg, 1)) for leg in legs for x, y in leg]
    freedom = len(centred) - len(legs) - 1
    spread = sum(x * x for x, _ in centred)
    if freedom < 1 or not spread:
        return None
    rise = sum(x * y for x, y in centred) / spread
    rest = sum((y - rise * x) ** 2 for x, y in centred)
    seconds = sum(leg[-1][0] - leg[0][0] for leg in legs)
    return Slope(rise * 3600, 2 * math.sqrt(rest / freedom / spread) * 3600, len(centred), seconds)


def mean(points, column):
    return sum(point[column] for point in points) / len(points)


@dataclass
class Orders:
    """What became of requests that must not be done twice."""

    acknowledged: int
    done: int
    lost: list  # acknowledged, and never done
    twice: list


def compare(acknowledged, ledger):
    done = Counter(ledger)
    return Orders(len(acknowledged), len(done), sorted(set(acknowledged) - done.keys()),
                  sorted(name for name, count in done.items() if count > 1))


def whole_lines(text):
    """Without one that somebody was killed in the middle of."""
    return text.split("\n")[:-1]


@dataclass
class Goal:
    """A line of the report."""

    name: str
    measured: str
    is_met: bool | None  # None: not judged

    def line(self):
        verdict = {True: "as wanted", False: "NOT AS WANTED", None: "not judged: too short a run"}[self.is_met]
        return f"{self.name:<28} {self.measured:<44} {verdict}\n"


def none_of(name, bad, of):
    """There should be none; the first few are shown."""
    shown = f": {', '.join(map(str, bad[:5]))}" if bad else ""
    return Goal(name, f"{len(bad):,} of {of:,}{shown}", not bad)


def flat(name, found, unit, allowed):
    if found is None:
        return Goal(name, "too few points", None)
    text = f"{found.per_hour:+,.1f} ± {found.noise:,.1f} {unit}/h ({found.points} points, {found.seconds:,.0f} s)"
    return Goal(name, text, found.is_flat(allowed) if found.is_judged() else None)
