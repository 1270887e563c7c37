# SPDX-License-Identifier: MIT
"""Applications that are not there, go away, or listen elsewhere."""
from pathlib import Path

import mortal
import pycurl
import pytest
from clients import Fetch, fetch
from processes import Nobody, Process, Proxy, Uvicorn

ALIVE = 1_000_000  # more bytes than mortal.py's responses have


def cut(url, application, after):
    """Kills the application once `after` bytes of the response have come. Returns libcurl's error."""
    one = Fetch(url, keep=False)

    def on_content(data):
        one.on_content(data)
        if one.length >= after and application.popen.poll() is None:
            application.kill()

    one.curl.setopt(pycurl.WRITEFUNCTION, on_content)
    with pytest.raises(pycurl.error) as error:
        one.run()
    one.curl.close()
    assert one.status == 200
    return error.value.args[0]


def test_unix_socket(tmp_path):
    with Uvicorn(uds=tmp_path / "app.sock") as application, Proxy(application.url) as proxy:
        assert fetch(f"{proxy.url}/users/3").json["id"] == 3
        assert dict(fetch(f"{proxy.url}/fields").json)["x-forwarded-proto"] == "https"


def test_nobody_listens():
    with Nobody() as nobody, Proxy(nobody.url, "--min-warm", 0) as proxy:  # so that only requests find out
        answer = fetch(f"{proxy.url}/")
        assert answer.status == 502
        assert 0 < answer.length < 200
        with Uvicorn(port=nobody.port):
            assert fetch(f"{proxy.url}/").status == 200
        assert fetch(f"{proxy.url}/").status == 502


@pytest.mark.parametrize("path", ["/download?length=1000000000", "/events?count=1000&interval=0.01"],
                         ids=["content-length", "chunked"])
def test_killed_in_the_middle_of_a_response(own_application, own_edge, path):
    """A response that was cut must not look complete."""
    error = cut(own_edge.url + path, own_application, 1000)
    assert error != pycurl.E_OPERATION_TIMEDOUT
    assert fetch(f"{own_edge.url}/").status in (502, 503)  # 503 when connections that were to stand ready failed too


def test_killed_and_started_again(own_application):
    """The links that died idle are never given to a request. (None is kept warm: while nobody listens that would fail, and
    the origin would rest.)"""
    with Proxy(own_application.url, "--min-warm", 0) as proxy:
        assert fetch(f"{proxy.url}/").status == 200
        own_application.kill()
        with Uvicorn(port=own_application.port):
            for number in range(10):
                assert fetch(f"{proxy.url}/users/{number}").json["id"] == number


@pytest.fixture
def mortal_edge(tmp_path):
    """A proxy in front of an origin that dies where it is told."""
    ledger = tmp_path / "ledger"
    with Process("/usr/bin/python3", "-B", Path(mortal.__file__), ledger) as origin:
        port = origin.wait_for(r"listening on (\d+)")[1]
        with Proxy(f"http://127.0.0.1:{port}", "--min-warm", 0) as proxy:
            proxy.ledger = ledger
            yield proxy
        origin.kill()


def outcome(handle, url, *args, **options):
    """"whole" or an explicit error: what is no error is right, and none is a time that ran out."""
    try:
        answer = fetch(url, *args, handle=handle, timeout=20, **options)
    except pycurl.error as error:
        assert error.args[0] != pycurl.E_OPERATION_TIMEDOUT
        return "cut"
    assert answer.status in (200, 502, 503)
    if answer.status != 200:
        return "refused"
    assert answer.text.encode() == mortal.CONTENT
    return "whole"


def moments(framing):
    """Each byte of the head and of the end, and some of those in between."""
    length = len(mortal.response(framing))
    return [*range(100), *range(100, length - 20, 89), *range(length - 20, length + 1)]


@pytest.mark.parametrize("path, times", [
    ("/read", range(0, 200, 3)), ("/sized", moments("sized")), ("/chunked", moments("chunked"))])
def test_killed_at_every_moment(mortal_edge, path, times):
    """A whole answer or an explicit error; and whoever asks next is served, at the second try at the latest (a link may
    have been opened to the one that died)."""
    handle, ends = pycurl.Curl(), set()
    for at in times:
        ends.add(outcome(handle, f"{mortal_edge.url}{path}/{at}"))
        assert "whole" in (outcome(handle, f"{mortal_edge.url}/sized/{ALIVE}") for _ in range(2)), at
    handle.close()
    assert ends == {"/read": {"refused"}}.get(path, {"refused", "cut", "whole"})


def test_killed_with_orders(mortal_edge):
    """What must not be done twice is not, whenever the origin dies; and what was acknowledged has been done."""
    handle, acknowledged = pycurl.Curl(), set()
    for number, at in enumerate([*range(0, 120, 2), *range(120, 2500, 99), *[ALIVE] * 10]):
        url = f"{mortal_edge.url}/order/{number}/{at}"
        if outcome(handle, url, "POST", content=[b""], length=0) == "whole":
            acknowledged.add(str(number))
        outcome(handle, f"{mortal_edge.url}/sized/{ALIVE}")
    handle.close()
    done = mortal_edge.ledger.read_text().split()
    assert len(done) == len(set(done))
    assert acknowledged and acknowledged <= set(done)
