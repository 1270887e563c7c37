# SPDX-License-Identifier: MIT
"""What takes minutes, and is only run when H3EDGE_LONG is set: `H3EDGE_LONG=1 pytest -s test_long.py` shows the figures.
H3EDGE_LONG_RATE is the speed of the slow ends in bytes per second (8 MiB/s)."""
import json
import os
import random
import re
import socket
import threading
import time
from hashlib import sha256

import pycurl
import pytest
from app import blocks
from clients import Fetch, fetch
from honest import Memory
from processes import Proxy, Uvicorn
from test_libcurl import JSON, MIB, sha256_of

pytestmark = pytest.mark.skipif("H3EDGE_LONG" not in os.environ, reason="takes ten minutes: set H3EDGE_LONG to run it")

CLIENTS, REQUESTS_EACH, LONGEST_THOUGHT = 500, 20, 10
SIZE, RATE = 1024 * MIB, int(os.environ.get("H3EDGE_LONG_RATE", 8 * MIB))
GROWTH = 16 * MIB


class Visitor(threading.Thread):
    """A client that thinks between its requests, on one connection as long as it lasts. Every other request is one that
    must not be sent twice."""

    def __init__(self, url, seed):
        super().__init__()
        self.url, self.random, self.faults, self.charged = url, random.Random(seed), [], 0

    def ask(self, handle, number):
        if number % 2:
            content = json.dumps({"cents": 1}).encode()
            answer = fetch(f"{self.url}/charge", "POST", [JSON], [content], len(content), handle=handle)
            self.charged += answer.status == 201
        else:
            answer = fetch(f"{self.url}/users/{number}", handle=handle)
        if answer.status not in (200, 201):
            self.faults.append(f"{answer.status} {answer.text}")

    def run(self):
        handle = pycurl.Curl()
        for number in range(REQUESTS_EACH):
            time.sleep(self.random.uniform(0, LONGEST_THOUGHT))
            try:
                self.ask(handle, number)
            except (pycurl.error, AssertionError) as error:
                self.faults.append(repr(error))
        handle.close()


def test_no_request_fails_after_any_thought():
    """Uvicorn closes idle connections after 5 seconds, and thoughts end before and after that."""
    with Uvicorn() as application, Proxy(application.url) as proxy:
        visitors = [Visitor(proxy.url, seed) for seed in range(CLIENTS)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        charges = fetch(f"{proxy.url}/charges").json
        counters = proxy.counters()
    figures = {name: int(re.search(rf"(?m)^upstream {name} +(\d+)", counters)[1])
               for name in ("exchanges", "links_opened", "links_closed_by_origin", "exchanges_failed")}
    print(f"\n{CLIENTS} clients, {CLIENTS * REQUESTS_EACH} requests: {figures}")
    assert [fault for visitor in visitors for fault in visitor.faults] == []
    assert charges["count"] == sum(visitor.charged for visitor in visitors) == CLIENTS * REQUESTS_EACH // 2
    assert figures["exchanges"] == CLIENTS * REQUESTS_EACH + 1
    assert figures["exchanges_failed"] == 0


class Growth(Memory):
    """Claims that it did not grow by more than GROWTH, and that this took its time."""

    def __enter__(self):
        self.begin = time.monotonic()
        return super().__enter__()

    def __exit__(self, kind, *_):
        super().__exit__()
        seconds = time.monotonic() - self.begin
        print(f"\n{SIZE // MIB} MiB in {seconds:.0f} s: resident {self.first / MIB:.1f} MiB, at most {self.most / MIB:.1f}")
        assert kind or self.most - self.first <= GROWTH
        assert kind or seconds > 0.8 * SIZE / RATE, "the slow end was not slow"


def test_download_by_a_slow_client_needs_no_memory():
    with Uvicorn() as application, Proxy(application.url) as proxy:
        fetch(f"{proxy.url}/")
        one = Fetch(f"{proxy.url}/download?length={SIZE}", keep=False, timeout=3600)
        one.curl.setopt(pycurl.MAX_RECV_SPEED_LARGE, RATE)
        with Growth(proxy):
            one.run()
        one.curl.close()
    assert (one.length, one.digest.hexdigest()) == (SIZE, sha256_of(SIZE))


class SlowOrigin(threading.Thread):
    """Reads the content of one request at RATE, and answers with its hash."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self):
        while True:  # the proxy may open more connections than it needs
            link, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        file = link.makefile("rb", buffering=64 * 1024)
        length = 0
        while (line := file.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        digest, done, begin = sha256(), 0, time.monotonic()
        while done < length and (piece := file.read1(64 * 1024)):
            digest.update(piece)
            done += len(piece)
            time.sleep(max(0, begin + done / RATE - time.monotonic()))
        text = digest.hexdigest().encode()
        if length:
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        link.close()


def test_upload_to_a_slow_origin_needs_no_memory():
    origin = SlowOrigin()
    origin.start()
    with Proxy(origin.url) as proxy:
        one = Fetch(f"{proxy.url}/upload", "PUT", content=blocks(SIZE), length=SIZE, timeout=3600)
        with Growth(proxy):
            one.run()
        one.curl.close()
    assert (one.status, one.text) == (200, sha256_of(SIZE))
