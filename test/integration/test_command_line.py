# SPDX-License-Identifier: MIT
"""h3edge-proxy as a program: its options and mistakes in them, its signals."""
import re
import signal
import socket
import subprocess
import threading

import pycurl
import pytest
from clients import Fetch, fetch, gtlsclient
from processes import PROXY, Proxy

ORIGIN = "http://127.0.0.1:9"


def run(*options):
    done = subprocess.run([PROXY, *map(str, options)], capture_output=True, text=True, timeout=10)
    return done.returncode, done.stdout, done.stderr


def refused(*options):
    """Claims that it refuses to start, says why in a few lines, and returns them."""
    status, out, err = run(*options)
    assert status > 0, f"status {status}"
    assert out == ""
    assert 1 <= len(err.splitlines()) <= 3, err
    return err


def test_help():
    status, out, _ = run("--help")
    assert status == 0
    for option in ("--listen", "--origin", "--cert", "--key", "--keylog", "--verbose", "--help", "--version"):
        assert option in out


def test_version():
    status, out, _ = run("--version")
    assert status == 0
    assert re.search(r"\d+\.\d+\.\d+", out)


def test_taken_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert address in refused("--listen", address, "--origin", ORIGIN)


@pytest.mark.parametrize("options, word", [
    (["--origin", ORIGIN], "--listen"),
    (["--listen", "127.0.0.1:0"], "--origin"),
    (["--listen", "127.0.0.1:0", "--origin", "gopher://localhost"], "gopher://localhost"),
    (["--listen", "127.0.0.1:0", "--origin", "http://"], "http://"),
    (["--listen", "somewhere", "--origin", ORIGIN], "somewhere"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--cert", "/nowhere/cert.pem"], "--key"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--cert", "/nowhere/cert.pem", "--key", "/nowhere/key.pem"],
     "/nowhere/cert.pem"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--keylog", "/nowhere/keys"], "/nowhere/keys"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--frobnicate"], "--frobnicate"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "surplus"], "surplus"),
])
def test_mistakes(options, word):
    assert word in refused(*options)


def test_key_that_does_not_fit(certificate, tmp_path):
    cert, _ = certificate
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", other],
                   check=True, capture_output=True)
    refused("--listen", "127.0.0.1:0", "--origin", ORIGIN, "--cert", cert, "--key", other)


def test_keylog(own_application, tmp_path):
    keys = tmp_path / "keys"
    with Proxy(own_application.url, "--keylog", keys) as proxy:
        assert fetch(f"{proxy.url}/").status == 200
    assert re.search(r"^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{64}$", keys.read_text(), re.M)


def test_sigusr1_prints_counters(own_edge):
    gtlsclient(own_edge.port, "/users/1", options=["-n", 5])
    own_edge.signal(signal.SIGUSR1)
    assert own_edge.wait_for(r"(?m)^.*\brequests delivered\b.*$|^\s*requests\b.*$")
    assert re.search(r"\b5\b.*requests delivered|requests delivered\D*\b5\b|\brequests\W+5\b", own_edge.output)


def test_sigterm_lets_a_response_end(own_application):
    """GOAWAY, the response at hand ends whole, status 0."""
    with Proxy(own_application.url) as proxy:
        one = Fetch(f"{proxy.url}/events?count=6&interval=0.2")
        stopper = threading.Timer(0.4, lambda: proxy.signal(signal.SIGTERM))
        stopper.start()
        one.run()
        stopper.join()
        assert one.text.count("tick") == 6
        assert proxy.wait() == 0


def test_sigterm_with_idle_connections(own_application):
    handles = [pycurl.Curl() for _ in range(3)]
    with Proxy(own_application.url) as proxy:
        for handle in handles:
            assert fetch(f"{proxy.url}/", handle=handle).status == 200
        proxy.signal(signal.SIGTERM)
        assert proxy.wait(timeout=5) == 0


def test_sigterm_twice_ends_at_once(own_application):
    with Proxy(own_application.url) as proxy:
        one = Fetch(f"{proxy.url}/events?count=1000&interval=0.1")
        signalled = []

        def on_content(_):
            if not signalled:
                signalled.extend([proxy.signal(signal.SIGTERM), proxy.signal(signal.SIGTERM)])

        one.curl.setopt(pycurl.WRITEFUNCTION, on_content)
        with pytest.raises(pycurl.error):
            one.run()
        assert proxy.wait(timeout=5) == 0
