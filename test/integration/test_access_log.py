# SPDX-License-Identifier: MIT
"""The access log of h3edge-proxy: one line for each request, whatever stands in it."""
import datetime
import json
import re
import resource
import select
import signal
import socket
import time

import pycurl
import pytest
from access_log import LoggingProxy
from clients import Connection, Fetch, fetch
from processes import Nobody, Proxy, wait_until

LINE = re.compile(
    r'(?P<peer>\S+) - - \[(?P<time>[^]]+)\] "(?P<method>[A-Z]+) (?P<path>[^" ]*) HTTP/3" (?P<status>\d{3}) (?P<sent>\d+) '
    r'"(?P<referer>[^"]*)" "(?P<agent>[^"]*)" host="(?P<host>[^"]*)" received=(?P<received>\d+) '
    r'duration=(?P<duration>\d+\.\d{6}) first_byte=(?P<first_byte>\d+\.\d{6}) waited=(?P<waited>\d+\.\d{6}) '
    r'server=(?P<server>\S+) reused=(?P<reused>[01]) tries=(?P<tries>\d+) early=(?P<early>\w+) end="(?P<end>[^"]+)" '
    r'why="(?P<why>[^"]*)"')

ENDS = ("done", "connection ended")  # of a whole response: libcurl leaves without acknowledging the last packets


def lines_of(file, count):
    """The lines in `file`, as soon as there are as many."""
    wait_until(lambda: file.read_bytes().count(b"\n") >= count)
    text = file.read_bytes().decode("ascii")
    assert text.endswith("\n") and text.count("\n") == count, text
    return text.split("\n")[:-1]


def parsed(line):
    assert (match := LINE.fullmatch(line)), line
    return match.groupdict()


def test_text(application, tmp_path):
    file = tmp_path / "access.log"
    before = time.time()
    with Proxy(application.url, "--access-log", file) as proxy:
        fields = [("Referer", "https://elsewhere.example/?a=b"), ("User-Agent", "test/1 (it, too)")]
        fetch(f"{proxy.url}/users/7?q=1", fields=fields)
        fetch(f"{proxy.url}/upload", "PUT", content=[b"x" * 1000])
        one, two = map(parsed, lines_of(file, 2))
        after = time.time()
    host = proxy.url.removeprefix("https://")
    when = datetime.datetime.strptime(one["time"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
    assert int(before) <= when <= after
    expected = {"peer": "127.0.0.1", "method": "GET", "path": "/users/7?q=1", "status": "200", "referer": fields[0][1],
                "agent": fields[1][1], "host": host, "received": "0", "server": application.url, "tries": "1",
                "early": "none", "why": "-", "sent": str(len('{"id":7,"name":"User 7"}'))}
    assert {name: one[name] for name in expected} == expected
    assert one["end"] in ENDS
    assert 0 < float(one["first_byte"]) <= float(one["duration"]) <= after - before
    assert (two["method"], two["received"], two["referer"]) == ("PUT", "1000", "-")


def test_json(application):
    before = time.time()
    with LoggingProxy(application.url) as proxy:
        fetch(f"{proxy.url}/users/7?q=1", fields=[("Referer", "https://elsewhere.example/"), ("User-Agent", "test/1")])
        record = proxy.record("/users/7?q=1")
        after = time.time()
    when = datetime.datetime.fromisoformat(record.pop("time").replace("Z", "+00:00")).timestamp()
    assert int(before) <= when <= after
    duration, first_byte, waited = (record.pop(name) for name in ("duration", "first_byte", "waited"))
    assert 0 <= waited < first_byte <= duration <= after - before
    assert record.pop("end") in ENDS
    assert isinstance(record.pop("reused"), bool)
    assert record == {
        "peer": "127.0.0.1", "method": "GET", "host": proxy.url.removeprefix("https://"), "path": "/users/7?q=1",
        "referer": "https://elsewhere.example/", "user_agent": "test/1", "status": 200, "why": None, "received": 0,
        "sent": len('{"id":7,"name":"User 7"}'), "server": application.url, "tries": 1, "early": "none"}


def test_request_without_an_answer(application, tmp_path):
    with Nobody() as nobody, socket.create_server(("127.0.0.1", 0)) as mute, \
            LoggingProxy(application.url, "--min-warm", 0, "--route", f"/nobody={nobody.url}",
                         "--route", f"/mute=http://127.0.0.1:{mute.getsockname()[1]}") as proxy:
        assert fetch(f"{proxy.url}/nobody").status == 502
        refused = proxy.record("/nobody")
        assert (refused["status"], refused["why"]) == (502, "connection refused")
        with Connection() as client:
            client.start(Fetch(f"{proxy.url}/mute"))
            client.run_until(lambda: select.select([mute], [], [], 0)[0])  # its request is there; now it leaves
        gone = proxy.record("/mute")
        assert (gone["status"], gone["first_byte"], gone["sent"]) == (None, None, 0)
        assert gone["end"] != "done"


# What no URL may have, quotes and line ends before all, is refused before it comes to the log.
PATHS = ["/%0d%0a127.0.0.1%20-%20-", "/%22%20200%200%20%22-%22", "/?back\\slash", "/?\\x0a", "/?\\", "/%00", "/'|%s%n",
         "/?{\\u000a}", "/~" + "x" * 8000]
AGENTS = [b'"', b'" host="forged" received=1', b"\\", b'\\"', b"a\tb", b"caf\xc3\xa9", b"\xff\xfe", b"\xe2\x80\xa8\xc2\x85",
          b"\xed\xa0\x80", b'"}{"status":200', b"%s%n%d", b"x" * 8000]


@pytest.fixture(params=["text", "json"])
def format_and_lines(request, application, tmp_path):
    """What the log says of requests for all of PATHS, then by all of AGENTS, one at a time on one connection."""
    file, handle = tmp_path / "access.log", pycurl.Curl()
    with Proxy(application.url, "--access-log", file, "--access-log-format", request.param) as proxy:
        for path, agent in [(path, b"-") for path in PATHS] + [("/", agent) for agent in AGENTS]:
            one = Fetch(proxy.url + path, handle=handle)
            one.curl.setopt(pycurl.PATH_AS_IS, 1)
            one.curl.setopt(pycurl.HTTPHEADER, [b"User-Agent: " + agent])
            one.run()
        handle.close()
        yield request.param, lines_of(file, len(PATHS) + len(AGENTS))


def unescaped(text):
    return re.sub(rb"\\x([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())


def test_nothing_forges_a_line(format_and_lines, application):
    name, lines = format_and_lines
    records = [parsed(line) if name == "text" else json.loads(line) for line in lines]
    agent_of = "agent" if name == "text" else "user_agent"
    read = unescaped if name == "text" else str.encode
    assert [read(record["path"]).decode() for record in records[:len(PATHS)]] == PATHS
    seen = [read(record[agent_of]) for record in records[len(PATHS):]]
    if name == "json":  # what is not UTF-8 is escaped
        seen = [unescaped(agent.decode()) if number in (6, 8) else agent for number, agent in enumerate(seen)]
    assert seen == AGENTS
    assert {record["server"] for record in records} == {application.url}


def test_sighup_goes_on_in_a_new_file(application, tmp_path):
    file, moved = tmp_path / "access.log", tmp_path / "access.log.1"
    with Proxy(application.url, "--access-log", file) as proxy:
        fetch(f"{proxy.url}/users/1")
        lines_of(file, 1)
        file.rename(moved)
        fetch(f"{proxy.url}/users/2")
        assert parsed(lines_of(moved, 2)[1])["path"] == "/users/2"
        proxy.signal(signal.SIGHUP)
        wait_until(file.exists)
        fetch(f"{proxy.url}/users/3")
        assert parsed(lines_of(file, 1)[0])["path"] == "/users/3"
    assert len(lines_of(moved, 2)) == 2


def test_sighup_without_a_log_stops(application):
    with Proxy(application.url) as proxy:
        proxy.signal(signal.SIGHUP)
        assert proxy.wait() == 0


def test_full_disk_costs_lines_and_nothing_else(application, tmp_path):
    """A limit on the size of files is as good as a full disk: the line that goes over it is cut."""
    file = tmp_path / "access.log"
    with Proxy(application.url, "--access-log", file) as proxy:
        fetch(f"{proxy.url}/users/1")
        [first] = lines_of(file, 1)
        resource.prlimit(proxy.popen.pid, resource.RLIMIT_FSIZE, (len(first) + 1 + 9, resource.RLIM_INFINITY))
        for _ in range(3):
            assert fetch(f"{proxy.url}/users/2").status == 200
            proxy.wait_for(re.escape(f"lines are missing in the access log {file}: File too large"))
        resource.prlimit(proxy.popen.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        fetch(f"{proxy.url}/users/3")
    written, cut, *later = file.read_text().splitlines()
    assert (written, cut) == (first, "127.0.0.1")
    assert parsed(later[-1])["path"] == "/users/3"
    assert proxy.output.count("lines are missing") == 1


def test_lines_are_there_at_the_end(application, tmp_path):
    """Also those of requests that the end of the proxy ends."""
    file = tmp_path / "access.log"
    with Proxy(application.url, "--access-log", file) as proxy:
        one = Fetch(f"{proxy.url}/events?count=100")
        stopped = []

        def on_content(data):
            if not stopped:
                stopped.extend([proxy.signal(signal.SIGTERM), proxy.signal(signal.SIGINT)])
            return one.on_content(data)

        one.curl.setopt(pycurl.WRITEFUNCTION, on_content)
        with pytest.raises(pycurl.error):
            one.run()
        one.curl.close()
        assert proxy.wait() == 0
    [line] = lines_of(file, 1)
    assert parsed(line)["path"] == "/events?count=100"
    assert parsed(line)["end"] != "done"
