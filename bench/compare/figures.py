# SPDX-License-Identifier: MIT
"""From measurements to a table: no input or output here, and nothing of this machine."""
import csv
import io
import statistics
from dataclasses import asdict, dataclass, fields


@dataclass
class Measurement:
    """One program, one row of the table, one round."""

    row: str
    peer: str
    round: int
    place: int  # its turn in the round
    value: float  # what the row is about
    requests: int
    errors: int
    seconds: float
    bytes: int
    edge_cpu: float  # CPU seconds of all its processes
    load_cpu: float  # of the load generator
    p50_ms: float  # time of a response
    p99_ms: float
    disturbance: float  # share of the cores' time that went to somebody else


@dataclass
class Summary:
    """One cell: the rounds that count, as value and as ratio to something else in the same round."""

    value: float  # median
    least: float
    ratio: float  # median
    ratio_least: float
    ratio_most: float
    rounds: int  # that count
    left_out: int  # disturbed ones
    forced: bool  # too few were undisturbed: all count
    errors: int  # of all rounds


def rotated(names, number):
    """The order of a round: everybody is first in turn."""
    shift = number % len(names)
    return names[shift:] + names[:shift]


def is_disturbed(measurement, threshold):
    return measurement.disturbance > threshold


def pairs(measurements, one, other):
    """Both are a row and a peer: what they came to in each round that has both."""
    def of(row_and_peer):
        return {m.round: m for m in measurements if (m.row, m.peer) == row_and_peer}

    mine, theirs = of(one), of(other)
    return [(mine[number], theirs[number]) for number in sorted(mine.keys() & theirs.keys())]


def summarise(measurements, one, other, threshold):
    """Of `one` as against `other`, each a row and a peer; None when no round has both. A round counts when nobody else
    disturbed either; when less than half of them, or less than two, would be left, all count."""
    all_rounds = pairs(measurements, one, other)
    if not all_rounds:
        return None
    calm = [pair for pair in all_rounds if not any(is_disturbed(m, threshold) for m in pair)]
    forced = len(calm) < len(all_rounds) and (len(calm) < 2 or 2 * len(calm) < len(all_rounds))
    used = all_rounds if forced else calm
    values = [mine.value for mine, _ in used]
    ratios = [mine.value / theirs.value for mine, theirs in used if theirs.value > 0] or [float("nan")]
    return Summary(statistics.median(values), min(values), statistics.median(ratios), min(ratios), max(ratios),
                   len(used), len(all_rounds) - len(calm), forced, sum(mine.errors for mine, _ in all_rounds))


def number(value):
    """Three digits that say something."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(summary):
    if summary is None:
        return "—"
    text = (f"{number(summary.value)} ({number(summary.least)}) **{summary.ratio:.2f}** "
            f"[{summary.ratio_least:.2f}–{summary.ratio_most:.2f}]")
    return text + ("*" if summary.forced else "") + (f" {summary.errors} errors" if summary.errors else "")


def markdown(head, lines):
    """A table that is also readable as text."""
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head))]

    def line(cells):
        return "| " + " | ".join(text.ljust(width) for text, width in zip(cells, widths)) + " |\n"

    return line(head) + line(["-" * width for width in widths]) + "".join(map(line, lines))


def table(titles, peers, summaries):
    """`titles` of the rows by name. A star marks cells in which disturbed rounds had to count."""
    lines = [[title, *(cell(summaries[row, peer]) for peer in peers)] for row, title in titles.items()]
    return markdown(["", *peers], lines)


def comma_separated(records, kind):
    """CSV, one line for each, whatever dataclass they are of."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(kind)], lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({key: f"{value:.6g}" if isinstance(value, float) else value
                         for key, value in asdict(record).items()})
    return out.getvalue()


def percentile(values, share):
    """The value that this share of them is at or below."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
