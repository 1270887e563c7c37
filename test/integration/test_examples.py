# SPDX-License-Identifier: MIT
"""The example programs, as somebody who reads them would run them."""
import signal
import socket

import pycurl
import pytest
from clients import fetch
from processes import BUILD, Process, free_udp_port, wait_until


def fetch_when_up(url, process):
    """The first answer. The examples need not say when they are ready."""
    answers = []

    def is_up():
        assert process.popen.poll() is None, process.output
        try:
            answers.append(fetch(url, timeout=10))
        except pycurl.error:
            pass
        return answers

    wait_until(is_up)
    return answers[0]


def test_hello():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", 4433))
        except OSError:
            pytest.skip("another program has port 4433, which hello.c serves")
    with Process(BUILD / "examples/hello") as hello:
        answer = fetch_when_up("https://localhost:4433/world", hello)
        assert (answer.status, answer.text) == (200, "hello, /world")
        hello.signal(signal.SIGINT)
        assert hello.wait() == 0


def test_embed_poll(application):
    port = free_udp_port()
    with Process(BUILD / "examples/embed_poll", f"127.0.0.1:{port}", application.url) as proxy:
        assert fetch_when_up(f"https://localhost:{port}/users/5", proxy).json["id"] == 5
        assert fetch(f"https://localhost:{port}/download?length=5000000", keep=False).length == 5_000_000
        assert fetch(f"https://localhost:{port}/upload", "PUT", content=[b"x" * 1_000_000]).json["length"] == 1_000_000
        proxy.signal(signal.SIGINT)
        assert proxy.wait() == 0
