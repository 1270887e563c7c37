# SPDX-License-Identifier: MIT
"""Applications that are not there, go away, or listen elsewhere."""
import pycurl
import pytest
from clients import Fetch, fetch
from processes import Nobody, Proxy, Uvicorn


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
