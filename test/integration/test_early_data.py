# SPDX-License-Identifier: MIT
"""Early data: the options of h3edge-proxy for it, what the application makes of the field Early-Data, and clients that
come back with requests in their first packets."""
import json
import re
import signal
import subprocess
import urllib.error
import urllib.request

import pycurl
import pytest
from clients import Fetch, Visitor
from processes import BUILD, PATIENCE, PROXY, Process, Proxy, count, free_udp_port
from relay import Relay

START = ("--listen", "127.0.0.1:0", "--origin", "http://127.0.0.1:9")


def refused(*options, status):
    """Claims that it refuses to start with this status, says why in a few lines, and returns them."""
    done = subprocess.run([PROXY, *START, *map(str, options)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == status, f"status {done.returncode}\n{done.stderr}"
    assert "listening on" not in done.stdout
    assert 1 <= len(done.stderr.splitlines()) <= 3, done.stderr
    return done.stderr


def rules(*texts):
    return [word for text in texts for word in ("--early-rule", text)]


@pytest.mark.parametrize("options, phrase", [
    (["--early-data", "on"], "none of off, hold, strict, safe and idempotent: 'on'"),
    (["--early-data", ""], "none of off"),
    (rules("GET /a"), "'GET /a': the verdict is none of allow, hold and reject"),
    (rules("get /a allow"), "'get /a allow': methods are written in capitals"),
    (rules("GET a allow"), "'GET a allow': there is no path"),
    (rules("GET /*.css allow"), "there are no wildcards"),
    (rules("GET /a?b allow"), "rules do not look at queries"),
    (rules("GET user@host/a allow"), "neither a host nor host:port"),
    (rules("GET /a allow now"), "something follows the verdict"),
    (rules("GET /a hold", "GET /a allow"), "'GET /a allow' never decides"),
    (rules("* / hold", "GET api.example/report allow"), "'GET api.example/report allow' never decides"),
    (rules("GET /a hold", "GET example.org/a/b allow"), "'GET example.org/a/b allow' never decides"),
    (rules("GET Example.org:443/a hold", "GET example.org/a/b allow"), "'GET example.org/a/b allow' never decides"),
    (rules(*(f"GET /{number} allow" for number in range(257))), "more than 256 rules"),
    (["--early-data", "off", *rules("GET /a allow")], "--early-rule means nothing"),
    (["--early-any-address", "--early-data", "off"], "--early-any-address means nothing"),
])
def test_mistakes(options, phrase):
    assert phrase in refused(*options, status=2)


def test_rules_that_decide_after_others(application):
    """None of these is decided by those in front of it."""
    texts = ("GET /a hold", "GET /ab allow", "HEAD /a allow", "* /a reject", "GET example.org/b hold", "GET /b allow")
    with Proxy(application.url, *rules(*texts)):
        pass


@pytest.mark.parametrize("content, phrase", [
    (None, "cannot read the secret"), (b"x" * 31, "has only 31 bytes"), (bytes(32), "nothing but zeros")])
def test_secrets_that_are_none(tmp_path, content, phrase):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    error = refused("--secret-file", path, status=1)
    assert phrase in error and str(path) in error


def test_secret_that_is_a_folder(tmp_path):
    tmp_path.chmod(0o700)
    assert "Is a directory" in refused("--secret-file", tmp_path, status=1)


@pytest.mark.parametrize("mode, warned", [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_secret_that_others_may_read(application, tmp_path, mode, warned):
    path = tmp_path / "secret"
    path.write_bytes(b"\1" * 40)
    path.chmod(mode)
    with Proxy(application.url, "--secret-file", path) as proxy:
        assert (f"others than its owner may use the secret {path}" in proxy.output) == warned


def test_help_tells_what_is_vouched_for():
    out = subprocess.run([PROXY, "--help"], capture_output=True, text=True, timeout=PATIENCE).stdout
    for word in ("--early-data", "--early-rule", "--early-any-address", "--secret-file", "strict", "safe", "idempotent"):
        assert word in out
    assert "is your word" in re.sub(r"\s+", " ", out)


@pytest.mark.parametrize("method, path, content, now, early", [
    ("GET", "/users/7", None, 200, 200),
    ("HEAD", "/download?length=1", None, 200, 200),
    ("GET", "/number", None, 200, 425),
    ("POST", "/charge", b'{"cents": 5}', 201, 425),
    ("POST", "/charge", b"no JSON at all", 422, 425),
    ("PUT", "/upload", b"x", 200, 425),
    ("GET", "/nowhere", None, 404, 404),
])
def test_application(application, method, path, content, now, early):
    """Straight to the application, with and without the field."""
    for fields, status in (({}, now), ({"Early-Data": "1"}, early)):
        request = urllib.request.Request(application.url + path, content, {"Content-Type": "application/json", **fields},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                assert answer.status == status
        except urllib.error.HTTPError as error:
            assert error.code == status


def test_refused_requests_do_nothing(own_application):
    def number(**fields):
        request = urllib.request.Request(own_application.url + "/number", headers=fields)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    assert number() == b'{"number":1}'
    with pytest.raises(urllib.error.HTTPError):
        number(**{"Early-Data": "1"})
    assert number() == b'{"number":2}'


EARLY = ["early-data", "1"]


def test_get_is_early_and_post_waits(application, tmp_path):
    with Proxy(application.url, "--early-data", "safe", "--verbose") as proxy:
        visitor = Visitor(proxy.port, tmp_path)
        assert EARLY in visitor.get("/fields")
        assert visitor.post("/charge", '{"cents": 5}') == [201]
        proxy.wait_for(r'"GET /fields" early: .* allow .* fresh')
        proxy.wait_for(r'"POST /charge" early: .* abstain .* waited')
        counters = proxy.counters()
    assert [count(counters, f"server {name}") for name in ("early_delivered", "early_waited")] == [1, 1]
    assert [count(counters, f"gateway {name}") for name in ("early_sent", "early_retried")] == [1, 0]


@pytest.mark.parametrize("first, proves", [(b"\1", True), (b"\2", False)])
def test_secret_outlives_the_proxy(application, certificate, tmp_path, first, proves):
    """After a restart a token proves the client's address when the file begins with the same 32 bytes, whatever follows
    them. The ticket takes nothing early, because the new process does not know what the other has seen."""
    secret = tmp_path / "secret"
    options = ("--early-data", "safe", "--cert", certificate[0], "--key", certificate[1], "--secret-file", secret)
    secret.write_bytes(b"\1" * 32 + b"one")
    with Proxy(application.url, *options) as proxy:
        visitor = Visitor(proxy.port, tmp_path)
        assert EARLY in visitor.get("/fields")
    secret.write_bytes(first * 32 + b"another")
    with Proxy(application.url, *options) as proxy:
        visitor.port = proxy.port
        assert EARLY not in visitor.get("/fields")
        counters = proxy.counters()
    assert [count(counters, f"server tokens_{name}") for name in ("accepted", "refused")] == [proves, not proves]
    assert count(counters, "server early_delivered") == 0


@pytest.mark.parametrize("mode, method, path, early", [
    ("strict", "GET", "/fields", True),
    ("strict", "GET", "/fields?query", False),
    ("strict", "PUT", "/upload", False),
    ("safe", "GET", "/fields?query", True),
    ("safe", "PUT", "/upload", False),
    ("idempotent", "GET", "/fields?query", True),
    ("idempotent", "PUT", "/upload", True),
    ("idempotent", "POST", "/charge", False),
])
def test_what_tells_the_modes_apart(application, tmp_path, mode, method, path, early):
    with Proxy(application.url, "--early-data", mode, "--verbose") as proxy:
        visitor = Visitor(proxy.port, tmp_path)
        visitor.visit(path, options=["-m", method])
        told = proxy.wait_for(rf'"{method} {re.escape(path)}" early: verdict (.*)')[1]
        assert told.startswith(f"{'allow' if early else 'abstain'} ({mode})"), told
        counters = proxy.counters()
    assert [count(counters, f"server early_{name}") for name in ("delivered", "waited")] == [early, not early]
    assert count(counters, "gateway early_sent") == early


@pytest.mark.parametrize("mode, options, early", [
    ("off", [], False),
    ("hold", [], False),
    ("strict", [], True),
    ("strict", rules("GET /users hold"), True),
    ("strict", rules("GET /fields hold"), False),
    ("idempotent", [], True),
    ("hold", rules("GET localhost:{port}/fields allow"), True),
    ("hold", rules("GET elsewhere/fields allow"), False),
])
def test_modes_and_rules(application, tmp_path, mode, options, early):
    with Proxy(application.url, "--early-data", mode, *options) as proxy:
        visitor = Visitor(proxy.port, tmp_path)
        assert (EARLY in visitor.get("/fields")) == early
        counters = proxy.counters()
    assert count(counters, "server early_delivered") == early
    assert count(counters, "server early_waited") == (not early and mode != "off")


def test_rule_that_rejects(application, tmp_path):
    with Proxy(application.url, *rules("GET /fields reject")) as proxy:
        visitor = Visitor(proxy.port, tmp_path)
        assert visitor.visit("/fields").statuses == [425]
        assert visitor.visit("/users/1").statuses == [200]


def test_425_of_the_application_is_not_seen(application, tmp_path):
    """It is asked once more, after the handshake."""
    with Proxy(application.url, "--early-data", "safe") as proxy:
        visitor = Visitor(proxy.port, tmp_path)
        first = visitor.get("/number")["number"]
        assert visitor.get("/number")["number"] == first + 1
        counters = proxy.counters()
    assert [count(counters, f"gateway {name}") for name in ("early_sent", "early_retried", "early_refused")] == [2, 2, 0]


@pytest.mark.parametrize("options, early", [([], False), (["--early-any-address"], True)])
def test_address_that_is_not_proved(application, tmp_path, options, early):
    with Proxy(application.url, "--early-data", "safe", *options) as proxy:
        visitor = Visitor(proxy.port, tmp_path)
        visitor.token.unlink()
        assert (EARLY in visitor.get("/fields")) == early
        counters = proxy.counters()
    assert count(counters, "server early_not_validated") == (not early)


class Curl:
    """libcurl on one handle, which keeps tickets and no tokens. Its request leaves after its first packets: the way is
    long enough for it to leave before the answer comes, or else it is tried again."""

    def __init__(self, proxy):
        self.proxy, self.relay, self.handle = proxy, Relay(proxy.port, 0.05), pycurl.Curl()

    def __enter__(self):
        self.relay.__enter__()
        return self

    def __exit__(self, *why):
        self.relay.__exit__(*why)
        self.handle.close()

    def visit(self, path, method="GET", **options):
        one = Fetch(f"https://localhost:{self.relay.port}{path}", method, handle=self.handle, **options)
        self.handle.setopt(pycurl.SSL_OPTIONS, 1 << 6)  # CURLSSLOPT_EARLYDATA
        self.handle.setopt(pycurl.FORBID_REUSE, 1)
        return one.run()

    def visit_early(self, path, *args, **options):
        for _ in range(20):
            answer = self.visit(path, *args, **options)
            if f'{path}" early: ' in self.proxy.output:
                return answer
        raise AssertionError(f"{path} never came early")


@pytest.mark.parametrize("options, early", [(["--early-any-address"], True), ([], False)])
def test_libcurl(application, options, early):
    """It sends POST early too."""
    with Proxy(application.url, "--early-data", "safe", "--verbose", *options) as proxy, Curl(proxy) as client:
        assert EARLY not in client.visit("/fields").json
        assert (EARLY in client.visit_early("/fields").json) == early
        content = b'{"cents": 7}'
        assert client.visit_early("/charge", "POST", content=[content], length=len(content)).status == 201
        counters = proxy.counters()
    outcomes = ("early_delivered", "early_not_validated")
    assert [count(counters, f"server {name}") for name in outcomes] == [early, not early]
    assert count(counters, "server early_waited") == 1
    assert [count(counters, f"gateway {name}") for name in ("early_sent", "early_retried")] == [early, 0]


@pytest.mark.parametrize("mode, name, early", [
    ("strict", "accept", True),
    ("strict", "cookie", False),
    ("strict", "authorization", False),
    ("safe", "cookie", True),
    ("safe", "authorization", True),
])
def test_fields_that_name_a_user(application, mode, name, early):
    options = ("--early-data", mode, "--early-any-address", "--verbose")
    with Proxy(application.url, *options) as proxy, Curl(proxy) as client:
        client.visit("/")
        answer = client.visit_early("/fields", fields=[(name, "anybody")]).json
    assert [name, "anybody"] in answer
    assert (EARLY in answer) == early


@pytest.mark.parametrize("tenant, path, status, text", [
    ("docs", "/page?version=2", 200, "early\n"),
    ("shop", "/page", 200, "early\n"),
    ("shop", "/page?basket=7", 200, "after the handshake\n"),
    ("bank", "/page", 200, "after the handshake\n"),
    ("elsewhere", "/page", 425, None),
])
def test_tenant_policy(tmp_path, tenant, path, status, text):
    port = free_udp_port()
    files = [f"--session-file={tmp_path}/session", f"--tp-file={tmp_path}/parameters", f"--token-file={tmp_path}/token"]

    def visit(path, *options):
        done = subprocess.run(
            ["gtlsclient", "--exit-on-all-streams-close", "--handshake-timeout=60s", *files, *options,
             f"--download={tmp_path}", "127.0.0.1", str(port), f"https://{tenant}.localhost:{port}{path}"],
            timeout=PATIENCE, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL)
        assert (found := re.search(r"\[:status: (\d+)\]", done.stdout)), done.stdout[-4000:]
        return int(found[1]), (tmp_path / path[1:]).read_text()

    with Process(BUILD / "examples/tenant_policy", f"127.0.0.1:{port}") as server:
        server.wait_for("until Ctrl-C")
        while not (tmp_path / "token").exists():  # it comes some milliseconds after the ticket
            assert visit("/first", "--delay-stream=100ms") == (200, "after the handshake\n")
        answer = visit(path)
        assert answer[0] == status and text in (None, answer[1]), answer
        server.signal(signal.SIGINT)
        assert server.wait() == 0
