# SPDX-License-Identifier: MIT
"""h3load, the load generator of bench/: its figures against what proxy and origin have counted."""
import json
import re
import signal
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from processes import BUILD, PATIENCE, Nobody, Process, Proxy, free_udp_port, wait_until

LOAD = BUILD / "bench/h3load"
SIZE = 1000
EARLY = ("--early-data", "safe")


class Origin(ThreadingHTTPServer):
    """Answers at once, and notes what was asked for."""

    daemon_threads = True

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            uploaded = len(self.rfile.read(int(self.headers.get("content-length", 0))))
            self.server.uploads.append(uploaded)
            self.server.requests.append((self.path, self.headers.get("early-data"), self.headers.get("x-kind")))
            self.send_response(404 if self.path == "/nowhere" else 200)
            self.send_header("content-length", str(SIZE))
            self.end_headers()
            self.wfile.write(b"x" * SIZE)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.requests, self.uploads = [], []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def paths(self):
        return [path for path, _, _ in self.requests]

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


@pytest.fixture
def origin():
    with Origin() as one:
        yield one


def run(port, *options, path="/"):
    command = [LOAD, f"https://localhost:{port}{path}", "--connect", f"127.0.0.1:{port}", *options]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=2 * PATIENCE)


def measure(port, *options, status=0, **more):
    done = run(port, "--json", *options, **more)
    assert done.returncode == status, f"status {done.returncode}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def json_of(output):
    """Lines of standard error stand around it."""
    return json.loads(output[output.index("{"):output.rindex("}") + 1])


def errors(figures):
    return {name: number for name, number in figures["errors"].items() if number}


def handshakes(proxy):
    return int(re.search(r"server +handshakes_completed +(\d+) ", proxy.counters())[1])


def test_counts(origin):
    """Requests, content and connections are what the origin and the proxy have seen; those of the warm-up are extra."""
    with Proxy(origin.url) as proxy:
        figures = measure(proxy.port, "--connections", 5, "--streams", 4, "--requests", 400, "--warm-up", 30,
                          "--expect-bytes", SIZE, "--field", "X-Kind: a b", "/b", path="/a")
        assert handshakes(proxy) == 5
    assert len(origin.requests) == 430
    assert (origin.paths().count("/a"), origin.paths().count("/b")) == (215, 215)
    assert {kind for _, _, kind in origin.requests} == {"a b"}
    assert figures["requests"] == figures["statuses"]["2xx"] == figures["response_us"]["count"] == 400
    assert figures["bytes"] == 400 * SIZE
    assert not errors(figures)
    assert figures["connections"]["opened"] == 5
    assert figures["stopped"] is None
    assert 0 < figures["cpu_seconds"]
    assert figures["requests_per_second"] == pytest.approx(400 / figures["seconds"])


def test_times(origin):
    """Percentiles are in order, and an answer does not end before it begins. One after the other, they fill the run."""
    with Proxy(origin.url) as proxy:
        figures = measure(proxy.port, "--requests", 100)
    names = ("min", "p50", "p90", "p99", "max")
    first, response = ([figures[what][name] for name in names] for what in ("first_byte_us", "response_us"))
    assert first == sorted(first) and response == sorted(response) and first[0] > 0
    assert all(a <= b for a, b in zip(first, response))
    took = figures["seconds"] * 1e6
    assert 100 * response[0] <= took and response[-1] <= took
    assert 50 * response[1] <= took * 1.01, "half of them took the median or longer"


def test_duration_and_warm_up_time(origin):
    with Proxy(origin.url) as proxy:
        begin = time.monotonic()
        figures = measure(proxy.port, "--streams", 3, "--duration", 0.7, "--warm-up", "0.3s")
        took = time.monotonic() - begin
    assert 0.7 <= figures["seconds"] <= took - 0.3
    assert figures["unfinished"] <= 3
    assert 0 < figures["requests"] + figures["unfinished"] < len(origin.requests) + 3


def test_connection_for_each(origin):
    with Proxy(origin.url) as proxy:
        figures = measure(proxy.port, "--connect-each", "--connections", 3, "--streams", 2, "--requests", 41)
        assert handshakes(proxy) == 21
    assert len(origin.requests) == figures["requests"] == 41
    assert figures["connections"]["opened"] == figures["visit_us"]["count"] == figures["handshake_us"]["count"] == 21
    assert figures["connections"]["resumed"] == 0
    assert figures["handshake_us"]["min"] < figures["first_byte_us"]["min"] <= figures["visit_us"]["min"]


def test_resumption(origin):
    with Proxy(origin.url) as proxy:
        figures = measure(proxy.port, "--connect-each", "--resume", "--connections", 2, "--requests", 20)
    assert len(origin.requests) == 22, "one visit for the ticket on each connection"
    assert figures["requests"] == figures["connections"]["resumed"] == 20
    assert figures["connections"]["early_sent"] == 0


def test_early_data(origin):
    with Proxy(origin.url, *EARLY) as proxy:
        figures = measure(proxy.port, "--connect-each", "--resume", "--early", "--requests", 10)
    assert figures["requests"] == 10
    assert [figures["connections"][name] for name in ("resumed", "early_sent", "early_accepted")] == [10, 10, 10]
    assert [early for _, early, _ in origin.requests] == [None] + ["1"] * 10


def test_files(origin, tmp_path):
    """Ticket and token of one run serve the next one, which makes no visit for them."""
    session, token = tmp_path / "session", tmp_path / "token"
    options = ("--connect-each", "--resume", "--early", "--session-file", session, "--token-file", token)
    with Proxy(origin.url, *EARLY) as proxy:
        measure(proxy.port, *options)
        assert session.stat().st_mode & 0o77 == 0
        seen = len(origin.requests)
        figures = measure(proxy.port, *options)
    assert figures["connections"]["early_accepted"] == 1
    assert [early for _, early, _ in origin.requests[seen:]] == ["1"]


def test_early_data_that_is_refused(origin, tmp_path):
    """Another server does not know the ticket: the requests are sent again after the handshake."""
    options = ("--connect-each", "--resume", "--early", "--session-file", tmp_path / "session", "--streams", 5)
    with Proxy(origin.url, *EARLY) as proxy:
        measure(proxy.port, *options)
    seen = len(origin.requests)
    with Proxy(origin.url, *EARLY) as proxy:
        figures = measure(proxy.port, *options, "--requests", 5, "--expect-bytes", SIZE)
    assert [figures["connections"][name] for name in ("opened", "resumed", "early_sent", "early_accepted")] == [1, 0, 1, 0]
    assert figures["requests"] == figures["statuses"]["2xx"] == 5
    assert [early for _, early, _ in origin.requests[seen:]] == [None] * 5


def test_upload(origin):
    with Proxy(origin.url) as proxy:
        figures = measure(proxy.port, "--upload", 300000, "--streams", 3, "--requests", 9)
    assert figures["statuses"]["2xx"] == 9
    assert origin.uploads == [300000] * 9


def test_idle(origin):
    """All connections stay open, and one request was made on each."""
    with Proxy(origin.url) as proxy:
        with Process(LOAD, f"https://127.0.0.1:{proxy.port}/", "--connections", 20, "--idle", 1, "--marks", "--json") as load:
            load.wait_for(r"(?m)^measuring$")
            load.wait_for(r"(?m)^measured\nidle$")
            counters = proxy.counters()
            assert load.wait() == 0
    assert re.search(r"server +handshakes_completed +20 ", counters)
    assert re.search(r"server +requests +20 ", counters)
    assert len(origin.requests) == 20


def test_idle_connections_that_are_lost(origin):
    with Proxy(origin.url) as proxy:
        with Process(LOAD, f"https://127.0.0.1:{proxy.port}/", "--connections", 4, "--idle", 3600, "--marks", "--json") as load:
            load.wait_for(r"(?m)^idle$")
            proxy.signal(signal.SIGTERM)
            assert load.wait() == 0, "all requests were answered, and with its last connection it is over"
    assert json_of(load.output)["connections"]["lost"] == 4


def test_errors_are_told_apart(origin):
    with Proxy(origin.url) as proxy:
        assert errors(measure(proxy.port, "--requests", 6, path="/nowhere", status=1)) == {"status": 6}
        assert errors(measure(proxy.port, "--requests", 6, "--expect-bytes", SIZE + 1, status=1)) == {"length": 6}


def test_origin_that_is_gone():
    """Some of the requests wait until the proxy gives up, which takes as long as h3load waits by itself."""
    with Nobody() as nobody, Proxy(nobody.url) as proxy:
        figures = measure(proxy.port, "--streams", 5, "--requests", 5, "--timeout", PATIENCE, status=1)
    assert errors(figures) == {"status": 5}
    assert figures["statuses"]["5xx"] == 5


@pytest.mark.parametrize("each", [[], ["--connect-each"]])
@pytest.mark.parametrize("end", ["kill", "fall silent"])
def test_server_that_goes(origin, each, end):
    """What was at hand are errors, unless it is left when the first connection without an answer ends the run: it does
    not try for ever."""
    with Proxy(origin.url) as proxy:
        with Process(LOAD, f"https://127.0.0.1:{proxy.port}/", "--connections", 3, "--streams", 2, "--duration", 3600,
                     "--timeout", 3, "--json", *each) as load:
            wait_until(lambda: len(origin.requests) >= 50)
            if end == "kill":
                proxy.kill()
            else:
                proxy.signal(signal.SIGSTOP)
            assert load.wait() == 1
            load.killed = True
        proxy.kill()
    figures = json_of(load.output)
    assert "no answer from" in load.output and "is it listening?" in figures["stopped"]
    failed = figures["errors"]["refused"] + figures["errors"]["timeout"]
    assert failed >= 1 and failed + figures["unfinished"] >= 3
    assert figures["connections"]["lost"] >= 1


def test_server_that_says_goodbye(origin):
    """GOAWAY: the requests at hand are answered, none is lost until nobody listens any more."""
    with Proxy(origin.url) as proxy:
        with Process(LOAD, f"https://127.0.0.1:{proxy.port}/", "--duration", 3600, "--timeout", 3, "--json") as load:
            wait_until(lambda: len(origin.requests) >= 50)
            proxy.signal(signal.SIGTERM)
            assert proxy.wait() == 0
            assert load.wait() == 1
            load.killed = True
    figures = json_of(load.output)
    assert figures["errors"]["reset"] == figures["errors"]["protocol"] == 0


def test_signal_prints_what_there_is(origin):
    with Proxy(origin.url) as proxy:
        with Process(LOAD, f"https://127.0.0.1:{proxy.port}/", "--duration", 3600) as load:
            wait_until(lambda: len(origin.requests) >= 50)
            load.signal(signal.SIGINT)
            assert load.wait() == 1
            load.killed = True
    assert int(re.search(r"(?m)^(\d+) requests in ", load.output)[1]) >= 49
    assert "a signal ended it" in load.output


def test_certificate(origin, edge):
    """The shared edge has the certificate that the file is about; other proxies have not."""
    assert run(edge.port, "--ca", edge.cert, path="/users/1").returncode == 0
    with Proxy(origin.url) as proxy:
        done = run(proxy.port, "--ca", edge.cert)
        assert done.returncode == 1 and "NOT trusted" in done.stderr
        assert run(proxy.port).returncode == 0


def test_nobody_listens():
    done = run(free_udp_port())
    assert done.returncode == 1
    assert "is it listening?" in done.stderr and done.stdout == ""


def test_nobody_answers():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        figures = measure(deaf.getsockname()[1], "--timeout", 1, status=1)
    assert "no answer from 127.0.0.1:" in figures["stopped"]
    assert figures["requests"] == 0


def test_server_of_another_version():
    """It answers with Version Negotiation (RFC 9000 17.2.1)."""
    def answer():
        packet, client = server.recvfrom(2048)
        ids = packet[5:]
        theirs = ids[1:1 + ids[0]]
        ours = ids[2 + ids[0]:2 + ids[0] + ids[1 + ids[0]]]
        server.sendto(b"\x80" + bytes(4) + bytes([len(ours)]) + ours + bytes([len(theirs)]) + theirs + b"\x0a\x0a\x0a\x0a",
                      client)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)
        thread = threading.Thread(target=answer)
        thread.start()
        done = run(server.getsockname()[1])
        thread.join()
    assert done.returncode == 1 and "does not speak version 1 of QUIC" in done.stderr


@pytest.mark.parametrize("options, phrase", [
    ([], "a URL is needed"),
    (["http://localhost/"], "does not begin with https://"),
    (["https:///"], "names no host"),
    (["https://localhost:99999/"], "names no host"),
    (["https://localhost/", "b"], "'b' is no path"),
    (["https://localhost/", "--connect", "localhost"], "'localhost' is no address"),
    (["https://localhost/", "--connections", "0"], "--connections is a number above 0"),
    (["https://localhost/", "--streams", "1x"], "--streams is a number above 0: '1x'"),
    (["https://localhost/", "--duration", "-1"], "--duration is a number of seconds above 0"),
    (["https://localhost/", "--duration", "nan"], "--duration is a number of seconds above 0"),
    (["https://localhost/", "--warm-up", "1m"], "--warm-up is a number"),
    (["https://localhost/", "--early"], "--early needs --resume"),
    (["https://localhost/", "--resume"], "--resume needs --connect-each"),
    (["https://localhost/", "--stay", "1"], "--stay needs --resume"),
    (["https://localhost/", "--session-file", "x"], "--session-file needs --resume"),
    (["https://localhost/", "--idle", "1", "--requests", "1"], "--idle goes with none of"),
    (["https://localhost/", "--field", "x"], "'x' is no field"),
    (["https://localhost/", "--frobnicate"], "--frobnicate"),
])
def test_mistakes(options, phrase):
    done = subprocess.run([LOAD, *options], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert phrase in done.stderr
    assert 1 <= len(done.stderr.splitlines()) <= 3 and done.stdout == ""


@pytest.mark.parametrize("options, phrase", [
    (["--cpu", "1000"], "cannot run on processor 1000"),
    (["--ca", "/nowhere/ca.pem"], "/nowhere/ca.pem"),
    (["--connect", "255.255.255.255:9"], "cannot open a socket"),
    (["--connections", "1000000"], "more files than the system allows"),
])
def test_what_the_system_refuses(options, phrase):
    done = run(9, *options)
    assert done.returncode == 1 and phrase in done.stderr


def test_session_file_that_is_none(tmp_path):
    (tmp_path / "session").write_text("nothing")
    done = run(9, "--connect-each", "--resume", "--session-file", tmp_path / "session")
    assert done.returncode == 1 and "has no QUIC TLS SESSION" in done.stderr


def test_help():
    done = subprocess.run([LOAD, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    words = re.sub(r"\s+", " ", done.stdout)
    assert "Without it the certificate is not verified" in words
    for option in ("--connections", "--streams", "--connect-each", "--resume", "--early", "--idle", "--json"):
        assert option in words
