# SPDX-License-Identifier: MIT
"""The example programs, as somebody who reads them would run them."""
import signal
import socket
import time

import pycurl
import pytest
from clients import fetch
from processes import BUILD, Process, free_udp_port


def fetch_when_up(url, process, **options):
    """The first answer. The examples need not say when they are ready."""
    end = time.monotonic() + 10
    while True:
        try:
            return fetch(url, **options)
        except pycurl.error:
            assert process.popen.poll() is None and time.monotonic() < end, process.output
            time.sleep(0.05)


def test_hello():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", 4433))
        except OSError:
            pytest.skip("another program has port 4433, which hello.c serves")
    with Process(BUILD / "examples/hello") as hello:
        answer = fetch_when_up("https://localhost:4433/world", hello, timeout=2)
        assert (answer.status, answer.text) == (200, "hello, /world")
        hello.signal(signal.SIGINT)
        assert hello.wait(5) == 0


def test_embed_poll(application):
    port = free_udp_port()
    with Process(BUILD / "examples/embed_poll", f"127.0.0.1:{port}", application.url) as proxy:
        assert fetch_when_up(f"https://localhost:{port}/users/5", proxy, timeout=2).json["id"] == 5
        assert fetch(f"https://localhost:{port}/download?length=5000000", keep=False).length == 5_000_000
        assert fetch(f"https://localhost:{port}/upload", "PUT", content=[b"x" * 1_000_000]).json["length"] == 1_000_000
        proxy.signal(signal.SIGINT)
        assert proxy.wait(5) == 0
