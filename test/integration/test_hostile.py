# SPDX-License-Identifier: MIT
"""Datagrams that belong to nothing. The proxy drops or answers them as RFC 9000 says, and goes on serving."""
import random
import socket
from contextlib import contextmanager

from clients import fetch
from processes import PATIENCE


QUESTION = b"question"


@contextmanager
def sent(port, *datagrams):
    """From a socket of their own, to which their answers come."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(PATIENCE)
        for datagram in datagrams:
            client.send(datagram)
        yield client


def ask(port, *datagrams):
    """Sends them, and a question behind them; returns what comes back before the answer to it."""
    answers = []
    with sent(port, *datagrams, long_header(0x1A2A3A4A, 1200, scid=QUESTION)) as client:
        while QUESTION not in (answer := client.recv(65536)):
            answers.append(answer)
    return answers


def long_header(version, length, dcid=bytes(range(8)), scid=b"\x07" * 8):
    head = b"\xc3" + version.to_bytes(4, "big") + bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid
    return head.ljust(length, b"\x00")


def test_garbage(own_edge):
    dice = random.Random(2)
    with sent(own_edge.port, b"", *(dice.randbytes(dice.randint(1, 1500)) for _ in range(2000))):
        assert fetch(f"{own_edge.url}/").status == 200


def test_unknown_version_is_told_the_known_ones(own_edge):
    answers = ask(own_edge.port, long_header(0x1A2A3A4A, 1200))
    assert len(answers) == 1
    # RFC 9000 17.2.1: version 0, the connection IDs exchanged, the list of versions
    assert answers[0][1:5] == bytes(4)
    assert answers[0][5:23] == b"\x08" + b"\x07" * 8 + b"\x08" + bytes(range(8))
    assert b"\x00\x00\x00\x01" in [answers[0][at:at + 4] for at in range(23, len(answers[0]), 4)]


def test_short_datagrams_get_no_answer(own_edge):
    """Below 1,200 bytes neither Version Negotiation nor anything else (RFC 9000 14.1, 6.1)."""
    assert ask(own_edge.port, long_header(0x1A2A3A4A, 1199), long_header(1, 1199), b"\x40", b"\xc0\x00") == []


def test_initials_that_decrypt_to_nothing_leave_no_connection(own_edge):
    dice = random.Random(3)
    with sent(own_edge.port, *(long_header(1, 18, dice.randbytes(8)) + b"\x00\x44\x96" + dice.randbytes(1182)
                               for _ in range(500))):
        assert fetch(f"{own_edge.url}/").status == 200
