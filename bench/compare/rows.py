# SPDX-License-Identifier: MIT
"""The rows of the table: each is one kind of load."""
from dataclasses import dataclass


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
    against: str = ""  # another row: what the same program takes for that is what this is a ratio to


ROWS = [
    Row("1k-10x10", "1 KiB, 10 connections x 10 streams, µs/request", "us/request", "/1k", 10, 10),
    Row("1k-100x10", "1 KiB, 100 x 10, µs/request", "us/request", "/1k", 100, 10),
    Row("1k-1x1", "1 KiB, 1 x 1, µs/request", "us/request", "/1k", 1, 1),
    Row("64k", "64 KiB, 10 x 10, µs/request", "us/request", "/64k", 10, 10),
    Row("10m", "10 MiB, 4 x 1, ns/byte", "ns/byte", "/10m", 4, 1, each_second=20),
    Row("handshake", "full handshake and 1 request, µs", "us/request", "/1k", 4, 1, ("--connect-each",)),
    Row("memory-100", "memory of 1 of 100 idle connections, KiB", "KiB/connection", "/1k", 100, rounds=5),
    Row("memory-1000", "memory of 1 of 1,000 idle connections, KiB", "KiB/connection", "/1k", 1000, rounds=5),
    Row("1k-100x1", "1 KiB, 100 x 1, µs/request", "us/request", "/1k", 100, 1, heavy=True),
    Row("1k-10000", "100 x 1 of 10,000 connections, ratio to 100 x 1, µs/request", "us/request", "/1k", 100, 1,
        idle=9900, heavy=True, rounds=3, against="1k-100x1"),
]


def chosen(only, heavy):
    """The rows to measure, and those that they are a ratio to."""
    rows = [row for row in ROWS if (row.name in only if only else heavy or not row.heavy)]
    return [row for row in ROWS if row in rows or row.name in {other.against for other in rows}]
