# SPDX-License-Identifier: MIT
"""h3edge-proxy as a program: its options and mistakes in them, its signals."""
import re
import signal
import socket
import subprocess

import pycurl
import pytest
from clients import Connection, Fetch, fetch, gtlsclient
from processes import PATIENCE, PROXY, Nobody, Process, Proxy, wait_until

ORIGIN = "http://127.0.0.1:9"
OPTIONS = ("listen", "workers", "origin", "route", "origin-ca", "min-warm", "grace", "trust", "forwarded", "access-log",
           "access-log-format", "cert", "key", "congestion", "early-data", "early-rule", "early-any-address",
           "secret-file", "keylog", "verbose", "help", "usage", "version")


def run(*options):
    done = subprocess.run([PROXY, *map(str, options)], capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


def refused(*options):
    """Claims that it refuses to start, says why in a few lines, and returns them."""
    status, out, err = run(*options)
    assert status > 0, f"status {status}"
    assert "listening on" not in out
    assert 1 <= len(err.splitlines()) <= 3, err
    return err


def test_help():
    status, out, _ = run("--help")
    assert status == 0
    for option in OPTIONS:
        assert re.search(rf"^ +(-., )?--{option}[ =\n]", out, re.M), option
    out = re.sub(r"\s+", " ", out)
    for limit in ("up to 64 times", "Up to 64 times", "up to 32 times", "Up to 64 routes, --origin among them",
                  "up to 32 servers for each", "up to 256 of them"):
        assert limit in out
    assert "without --access-log it stops the proxy" in out


def test_usage():
    status, out, _ = run("--usage")
    assert status == 0
    for option in OPTIONS:
        assert re.search(rf"\[--{option}[]=]", out), option


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
    ([], "--origin"),
    (["--listen", "127.0.0.1:0", "--origin", "gopher://localhost"], "gopher://localhost"),
    (["--listen", "127.0.0.1:0", "--origin", "http://"], "http://"),
    (["--listen", "somewhere", "--origin", ORIGIN], "somewhere"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--cert", "/nowhere/cert.pem"], "--key"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--cert", "/nowhere/cert.pem", "--key", "/nowhere/key.pem"],
     "/nowhere/cert.pem"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--keylog", "/nowhere/keys"], "/nowhere/keys"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--frobnicate"], "--frobnicate"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--congestion", "vegas"], "neither cubic nor bbr: 'vegas'"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "surplus"], "surplus"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--workers", "0"], "'0'"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--workers", "257"], "from 1 to 256"),
    (["--listen", "127.0.0.1:0", "--origin", ORIGIN, "--workers", "all"], "'all'"),
])
def test_mistakes(options, word):
    assert word in refused(*options)


@pytest.mark.parametrize("options, words", [
    (["--route", "/a"], "no \"=\""),
    (["--route", "a=http://127.0.0.1:9"], "no path"),
    (["--route", "api.example=http://127.0.0.1:9"], "no path"),
    (["--route", "user@api.example/=http://127.0.0.1:9"], "neither a host nor host:port"),
    (["--route", "*.example/=http://127.0.0.1:9"], "no wildcards"),
    (["--route", "/a?b=http://127.0.0.1:9"], "queries"),
    (["--route", "/a b=http://127.0.0.1:9"], "blank"),
    (["--route", "/" + "x" * 1024 + "=http://127.0.0.1:9"], "too long"),
    (["--route", "/a="], "a server is missing"),
    (["--route", "/a=gopher://127.0.0.1"], "gopher://127.0.0.1"),
    (["--route", "/a=http://127.0.0.1:9", "--route", "/a=http://127.0.0.1:8"], "no request ever comes here"),
    (["--route", "API.example/a=http://127.0.0.1:9", "--route", "api.example:443/a=http://127.0.0.1:8"],
     "no request ever comes here"),
    (["--route", "/=http://127.0.0.1:9", "--origin", ORIGIN], "everything else"),
    (["--origin", ORIGIN, "--route", "/=http://127.0.0.1:9"], "no request ever comes here"),
    ([word for number in range(65) for word in ("--route", f"/{number}=http://127.0.0.1:9")], "too many routes"),
    (["--origin", ORIGIN, *(word for number in range(64) for word in ("--route", f"/{number}=http://127.0.0.1:9"))],
     "too many routes"),
    (["--origin", ""], "a server is missing"),
    (["--origin", ORIGIN, "--origin", ORIGIN], "twice"),
    (["--route", "/a=http://127.0.0.1:9,,http://127.0.0.1:8"], "a server is missing"),
    (["--route", "/a=http://127.0.0.1:9,http://127.0.0.1"], "the origin http://127.0.0.1 cannot be used"),
    (["--origin", ORIGIN, "--origin", "http://127.0.0.1:0"], "the origin http://127.0.0.1:0 cannot be used"),
    ([word for number in range(33) for word in ("--origin", f"http://127.0.0.1:{number + 1}")], "too many servers"),
    (["--origin", ORIGIN, *["--listen", "127.0.0.1:0"] * 64], "more than 64 addresses to listen on"),
    (["--origin", ORIGIN, *["--listen", "127.0.0.1:0"] * 62, "--listen", "localhost:0"],
     "more than 64 addresses to listen on"),
    (["--origin", ORIGIN, "--min-warm", "-1"], "--min-warm"),
    (["--origin", ORIGIN, "--min-warm", "2x"], "2x"),
    (["--origin", ORIGIN, "--min-warm", "1025"], "1025"),
    (["--origin", ORIGIN, "--min-warm", ""], "--min-warm"),
    (["--origin", ORIGIN, "--min-warm", "99999999999999999999999"], "--min-warm"),
    (["--origin", ORIGIN, "--grace", "5s"], "'5s'"),
    (["--origin", ORIGIN, "--grace", "86401"], "from 0 to 86400"),
    (["--origin", ORIGIN, "--trust", "proxy.example"], "proxy.example"),
    (["--origin", ORIGIN, "--trust", "127.0.0.1:80"], "127.0.0.1:80"),
    (["--origin", ORIGIN, "--trust", "10.0.0.0/33"], "10.0.0.0/33"),
    (["--origin", ORIGIN, "--trust", "10.0.0.0/"], "10.0.0.0/"),
    (["--origin", ORIGIN, "--trust", "::1/129"], "::1/129"),
    (["--origin", ORIGIN, "--trust", "1" * 100], "neither an address"),
    (["--origin", ORIGIN, *["--trust", "::1"] * 65], "more than 64"),
    (["--origin", ORIGIN, "--access-log", "/nowhere/access.log"], "cannot write the access log /nowhere/access.log"),
    (["--origin", ORIGIN, "--access-log", "-", "--access-log-format", "xml"], "neither text nor json: 'xml'"),
    (["--origin", ORIGIN, "--access-log-format", "json"], "needs --access-log"),
])
def test_mistakes_in_what_is_forwarded(options, words):
    assert words in refused("--listen", "127.0.0.1:0", *options)


@pytest.mark.parametrize("name", ["cubic", "bbr"])
def test_congestion(own_application, name):
    with Proxy(own_application.url, "--congestion", name) as proxy:
        assert fetch(f"{proxy.url}/").status == 200


def test_listens_where_it_is_told(application):
    hosts = ("127.0.0.1", "127.0.0.2", "[::1]")
    listen = [word for host in hosts for word in ("--listen", f"{host}:0")]
    with Process(PROXY, "--origin", application.url, *listen) as proxy:
        ports = proxy.wait_for(r"listening on 127\.0\.0\.1:(\d+), 127\.0\.0\.2:(\d+), \[::1\]:(\d+)\n").groups()
        for host, port in zip(hosts, ports):
            assert gtlsclient(port, "/", host=host.strip("[]")).statuses == [200]


def test_as_many_addresses_as_it_can():
    with Process(PROXY, "--origin", ORIGIN, *["--listen", "127.0.0.1:0"] * 64) as proxy:
        assert proxy.wait_for("listening on (.*)\n")[1].count("127.0.0.1:") == 64


def test_listens_on_localhost_unless_told(application):
    with Process(PROXY, "--origin", application.url) as proxy:
        said = proxy.wait_for(r"listening on .*\n|cannot listen on \S+:4433: address already in use")[0]
        if said.startswith("cannot"):
            pytest.skip(f"another program has port 4433: {said}")
        assert said == "listening on 127.0.0.1:4433, [::1]:4433\n"
        for host in ("127.0.0.1", "::1"):
            assert gtlsclient(4433, "/", host=host).statuses == [200]


def without_ipv6():
    """A command that runs another one in a network of its own, whose loopback has only the other family."""
    command = ("unshare", "--net", "sh", "-c", 'ip link set lo up && ip address del ::1 dev lo && exec "$@"', "sh")
    probe = subprocess.run([*command, "true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"no network without IPv6: {probe.stderr}")
    return command


def test_localhost_is_half_on_a_machine_without_ipv6():
    with Process(*without_ipv6(), PROXY, "--listen", "localhost:4433", "--origin", ORIGIN) as proxy:
        proxy.wait_for(r"left out \[::1\]:4433: address not available\n(?s:.*)listening on 127\.0\.0\.1:4433\n")


def test_address_that_the_machine_does_not_have():
    with Process(*without_ipv6(), PROXY, "--listen", "[::1]:4433", "--origin", ORIGIN) as proxy:
        assert proxy.wait() == 1
        proxy.killed = True
    assert "cannot listen on [::1]:4433: address not available; this machine has no such address" in proxy.output
    assert "listening on" not in proxy.output


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
    counters = own_edge.counters()
    assert re.search(r"(?m)^server +requests +5 ", counters)
    assert re.search(r"(?m)^server +handshakes_completed +1 ", counters)


def is_refused(port):
    """Whether a newcomer is told CONNECTION_REFUSED. Not libcurl: it would try again and again."""
    with Process("gtlsclient", "--timeout=5s", "127.0.0.1", port, f"https://localhost:{port}/") as client:
        client.wait()
    return bool(re.search(r"rx .* CONNECTION_CLOSE\(0x1c\) error_code=\S*\(0x2\)", client.output))


def test_sigterm_lets_a_response_end(own_application):
    """GOAWAY, newcomers are refused, the response at hand ends whole, status 0."""
    with Proxy(own_application.url, "--grace", 3600) as proxy, Connection() as client:
        one = Fetch(f"{proxy.url}/events?count=6&interval=0.5")
        client.start(one)
        client.run_until(lambda: one.pieces)
        proxy.signal(signal.SIGTERM)
        wait_until(lambda: is_refused(proxy.port))
        client.run_until(lambda: client.ended)
        assert one.text.count("tick") == 6
    assert proxy.wait() == 0


def endless(proxy):
    """A client of a response that does not end."""
    return Process("gtlsclient", "127.0.0.1", proxy.port, f"{proxy.url}/events?count=100000")


def is_told(client):
    """It hears that the connection is over, with H3_NO_ERROR, and so ends itself."""
    client.wait_for(r"rx .* CONNECTION_CLOSE\(0x1d\) error_code=\S*\(0x100\)")
    client.wait()


def test_sigterm_ends_a_response_without_end(own_application):
    """When the grace is over the client is told, and the status is 0."""
    with Proxy(own_application.url, "--grace", 2) as proxy, endless(proxy) as client:
        client.wait_for(r"\[:status: 200\]")
        proxy.signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            proxy.wait(timeout=1)
        assert proxy.wait() == 0
        is_told(client)


def test_sigterm_closes_idle_connections(own_application):
    """A client that is there hears of it and is gone at once, long before the grace ends."""
    with Proxy(own_application.url, "--grace", 3600) as proxy, \
            Process("gtlsclient", "127.0.0.1", proxy.port, f"{proxy.url}/users/1") as client:
        client.wait_for("HTTP stream 0 closed")
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        is_told(client)


def test_sigterm_waits_no_longer_for_clients_that_are_gone(own_application):
    """Idle connections whose clients say nothing end with the grace."""
    handles = [pycurl.Curl() for _ in range(3)]  # they read nothing between two requests
    with Proxy(own_application.url, "--grace", 1) as proxy:
        for handle in handles:
            assert fetch(f"{proxy.url}/", handle=handle).status == 200
        proxy.signal(signal.SIGTERM)
        assert proxy.wait(timeout=20) == 0  # without it they would end after 30 seconds of silence


def test_sigterm_twice_ends_at_once(own_application):
    with Proxy(own_application.url, "--grace", 3600) as proxy, endless(proxy) as client:
        client.wait_for(r"\[:status: 200\]")
        proxy.signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            proxy.wait(timeout=1)
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        is_told(client)


def test_sigterm_that_comes_late_does_not_decide_on_the_status():
    """However many follow the first, until the process has ended."""
    with Nobody() as nobody, Proxy(nobody.url) as proxy:
        while proxy.popen.poll() is None:
            proxy.signal(signal.SIGTERM)
        assert proxy.popen.returncode == 0
