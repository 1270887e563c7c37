# SPDX-License-Identifier: MIT
"""Several workers at one address: connections find theirs, wherever they come from, and it is one proxy to the outside.

Which worker a connection gets is the client's random choice. Tests that need more than one have as many connections as
make it all but certain."""
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from hashlib import sha256

import pycurl
import pytest
from app import blocks
from clients import Connection, Fetch, Visitor, fetch
from processes import BUILD, PATIENCE, PROXY, Process, Proxy, count, wait_until
from relay import Relay

WORKERS = 3
BLOCK = 1 << 20


def of_workers(proxy):
    """The worker of each connection, in the order in which they were accepted."""
    return [int(number) for number in re.findall(r"worker (\d+): connection \d+ of \S+ accepted", proxy.output)]


class Workers(Proxy):
    """Says which worker does what."""

    def __init__(self, origin, *options):
        super().__init__(origin, "--workers", WORKERS, "--verbose", *options)


def test_every_worker_serves_and_counters_are_summed(own_application):
    with Workers(own_application.url) as proxy:
        proxy.wait_for("with 3 workers")
        for number in range(60):
            address = "[::1]" if number % 2 else "127.0.0.1"
            assert fetch(f"{proxy.url}/users/{number}", address=address).json["id"] == number
        assert set(of_workers(proxy)) == set(range(WORKERS))
        counters = proxy.counters()
    for name in ("server connections_accepted", "server handshakes_completed", "server requests", "gateway requests",
                 "upstream exchanges", "origin exchanges"):
        assert count(counters, name) == 60, name
    assert count(counters, "upstream links_warmed") >= WORKERS


@pytest.mark.parametrize("text, workers", [("1", 1), ("2", 2), ("auto", len(os.sched_getaffinity(0)))])
def test_number(application, text, workers):
    with Proxy(application.url, "--workers", text) as proxy:
        line = proxy.wait_for("listening on .*\n")[0]
        assert (f"with {workers} workers" if workers > 1 else "::1") in line
        assert ("workers" in line) == (workers > 1)
        assert len(os.listdir(f"/proc/{proxy.popen.pid}/task")) >= workers
        assert fetch(f"{proxy.url}/users/1").status == 200


def test_two_proxies_do_not_share_a_port(application):
    """Though the system would let them, as they are of one user."""
    with Workers(application.url) as proxy:
        for workers in (1, WORKERS):
            done = subprocess.run([PROXY, "--listen", f"127.0.0.1:{proxy.port}", "--origin", application.url,
                                   "--workers", str(workers)], capture_output=True, text=True, timeout=PATIENCE)
            assert done.returncode == 1
            assert "another program serves that UDP port" in done.stderr
        assert fetch(f"{proxy.url}/users/1").status == 200


def test_too_few_files(application):
    """Wherever in starting they run out, it says so and ends."""
    seen = set()
    with Workers(application.url) as proxy:
        for files in range(10, 120, 6):
            done = subprocess.run(["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", PROXY, "--workers", "16", "--origin",
                                   application.url, "--listen", f"127.0.0.1:{proxy.port}"],
                                  capture_output=True, text=True, timeout=PATIENCE)
            assert done.returncode == 1, done.stderr
            seen.add(re.search("too many open files|another program serves", done.stderr)[0])
    assert len(seen) == 2


def test_rebinding_in_mid_download(own_application):
    """Every now and then the client comes from another port. By its port alone it would soon get to another worker, which
    knows nothing of it."""
    changes, length = 8, 20 * BLOCK
    with Workers(own_application.url) as proxy, Relay(proxy.port, 0.002) as relay:
        one = Fetch(f"https://localhost:{relay.port}/download?length={length}", keep=False)
        rebound = []

        def on_content(data):
            one.on_content(data)
            if relay.is_answered and len(rebound) < min(changes, one.length // BLOCK):
                rebound.append(relay.rebind())

        one.curl.setopt(pycurl.WRITEFUNCTION, on_content)
        one.run()
        one.curl.close()
        counters = proxy.counters()
    assert len(rebound) == changes
    assert (one.length, one.digest.digest()) == (length, sha256(b"".join(blocks(length))).digest())
    assert count(counters, "server connections_accepted") == 1
    assert count(counters, "server paths_migrated") >= changes // 2


def test_early_data_on_every_worker(own_application, tmp_path):
    """Tickets and proofs of address of one worker are good with the others."""
    visits = 20
    with Workers(own_application.url, "--early-data", "safe") as proxy:
        visitor = Visitor(proxy.port, tmp_path)
        for _ in range(visits):
            assert ["early-data", "1"] in visitor.get("/fields")
        assert len(set(of_workers(proxy))) > 1
        counters = proxy.counters()
    assert count(counters, "server early_delivered") == visits


class Eavesdropper(Relay):
    """Keeps what the clients send."""

    def __init__(self, port):
        super().__init__(port, delay=0)
        self.heard = []

    def to_server(self, client, data):
        self.heard.append(data)
        super().to_server(client, data)


def test_recorded_first_packets(own_application, tmp_path):
    """They reach the worker that has seen them, from any port, and the request in them is not acted upon again."""
    with Workers(own_application.url, "--early-data", "safe") as proxy, Eavesdropper(proxy.port) as relay:
        visitor = Visitor(relay.port, tmp_path)
        relay.heard.clear()
        assert ["early-data", "1"] in visitor.get("/fields")
        flight = [data for data in relay.heard if data[0] & 0x80]
        visits = visitor.visits + 1
        end = time.monotonic() + PATIENCE
        while len(of_workers(proxy)) == visits:
            assert time.monotonic() < end  # while the connection is there its packets are late ones and nothing more
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                for data in flight:
                    other.sendto(data, ("127.0.0.1", proxy.port))
            time.sleep(0.1)
        wait_until(lambda: count(proxy.counters(), "server requests_waiting") == 1)
        counters = proxy.counters()
        proxy.kill()  # rather than wait for that handshake
    *_, original, copy = of_workers(proxy)
    assert copy == original
    assert count(counters, "server early_delivered") == 1
    assert count(counters, "origin exchanges") == visits


def start_on_their_own(connection, *fetches):
    """Each on a connection of its own."""
    connection.start(*fetches)
    for one in fetches:
        one.curl.setopt(pycurl.FRESH_CONNECT, 1)
        one.curl.setopt(pycurl.PIPEWAIT, 0)


def test_sigterm_lets_responses_of_all_end(own_application):
    with Workers(own_application.url, "--grace", 3600) as proxy, Connection() as client:
        fetches = [Fetch(f"{proxy.url}/events?count=6&interval=0.2") for _ in range(12)]
        start_on_their_own(client, *fetches)
        client.run_until(lambda: all(one.pieces for one in fetches))
        proxy.signal(signal.SIGTERM)
        client.run_until(lambda: len(client.ended) == len(fetches))
        assert [one.text.count("tick") for one in fetches] == [6] * len(fetches)
        assert len(set(of_workers(proxy))) > 1
    assert proxy.wait() == 0


def test_sigterm_twice_ends_all_at_once(own_application):
    """Also when some have nothing to do and have stopped already."""
    with Workers(own_application.url, "--grace", 3600) as proxy, Connection() as client:
        one = Fetch(f"{proxy.url}/events?count=100000")
        client.start(one)
        client.run_until(lambda: one.pieces)
        proxy.signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            proxy.wait(timeout=1)
        assert count(proxy.counters(), "server requests_open") == 1
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0


def test_sigterm_tells_the_clients_of_all(own_application):
    """Each of those that are left when the grace is over."""
    with Workers(own_application.url, "--grace", 1) as proxy, ExitStack() as stack:
        url = f"{proxy.url}/events?count=100000"
        clients = [stack.enter_context(Process("gtlsclient", "127.0.0.1", proxy.port, url)) for _ in range(8)]
        for client in clients:
            client.wait_for(r"\[:status: 200\]")
        assert len(set(of_workers(proxy))) > 1
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        for client in clients:
            client.wait_for(r"rx .* CONNECTION_CLOSE\(0x1d\) error_code=\S*\(0x100\)")
            client.wait()


def test_access_log_is_shared(own_application, tmp_path):
    """Long lines that are written at the same time stay in one piece, and SIGHUP loses none of them."""
    file, moved = tmp_path / "access.log", tmp_path / "access.log.1"
    path, requests = f"/users/1?{'x' * 6000}", 1500

    def load():
        return Process(BUILD / "bench/h3load", proxy.url + path, "--connections", 12, "--requests", requests)

    with Workers(own_application.url, "--access-log", file) as proxy:
        with load() as first:
            wait_until(lambda: file.stat().st_size)
            file.rename(moved)
            proxy.signal(signal.SIGHUP)
            wait_until(file.exists)
            assert first.wait() == 0
        with load() as second:  # this one has the new file to itself, should the signal have come late
            assert second.wait() == 0
        assert len(set(of_workers(proxy))) > 1
    before, after = (log.read_text().splitlines() for log in (moved, file))
    assert before and len(after) >= requests and len(before) + len(after) == 2 * requests
    line = re.compile(rf'(127\.0\.0\.1|::1) - - \[[^]]+\] "GET {re.escape(path)} HTTP/3" 200 [^x]* why="-"')
    assert [text for text in before + after if not line.fullmatch(text)] == []
