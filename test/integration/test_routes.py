# SPDX-License-Identifier: MIT
"""Several origins, and several servers of one."""
import ctypes
import itertools
import re
import threading

import pycurl
import pytest
from access_log import LoggingProxy
from clients import HTTP_3_ONLY, fetch
from processes import Uvicorn, wait_until

REQUEST_TARGET = 10266  # of libcurl

numbers = itertools.count()


@pytest.fixture(scope="module")
def three():
    with Uvicorn() as first, Uvicorn() as second, Uvicorn() as third:
        yield [one.url for one in (first, second, third)]


def ask(proxy, path, host=None):
    """What the access log says about a request."""
    path += f"{'&' if '?' in path else '?'}number={next(numbers)}"
    answer = fetch(f"{proxy.url}{path}", fields=[("Host", host)] if host else [], keep=False)
    record = proxy.record(path)
    assert record["status"] == answer.status
    return record


@pytest.fixture(scope="module")
def routes(three):
    first, second, third = three
    with LoggingProxy(first, "--route", f"/users={second}", "--route", f"/users/7/={third}",
                      "--route", f"api.example/={third}", "--route", f"API.example:8443/users={first}") as proxy:
        yield proxy


@pytest.mark.parametrize("path, host, number", [
    ("/", None, 0), ("/usersx", None, 0), ("/Users", None, 0), ("/x/users", None, 0), ("/users", None, 1),
    ("/users/8", None, 1), ("/users/7", None, 1), ("/users/7/", None, 2), ("/users/7/x", None, 2),
    ("/users", "other.example", 1), ("/", "api.example", 2), ("/", "Api.Example:443", 2), ("/users/8", "api.example", 2),
    ("/users/8", "api.example:8443", 0), ("/x", "api.example:8443", 0)])
def test_closest_route_wins(three, routes, path, host, number):
    assert ask(routes, path, host)["server"] == three[number]


def test_nothing_else_without_origin(three):
    with LoggingProxy(None, "--route", f"/users={three[0]}") as proxy:
        assert ask(proxy, "/users/1")["status"] == 200
        record = ask(proxy, "/elsewhere")
        assert (record["status"], record["server"], record["tries"]) == (404, None, 0)
        assert record["why"]


def test_asterisk_goes_where_the_rest_goes(three):
    """OPTIONS * is about the server as a whole (RFC 9110 9.3.7)."""
    with LoggingProxy(three[0], "--route", f"/users={three[1]}") as proxy:
        curl = ctypes.CDLL("libcurl-gnutls.so.4")  # pycurl does not know CURLOPT_REQUEST_TARGET
        curl.curl_easy_init.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(curl.curl_easy_init())
        for option, value in [(pycurl.URL, ctypes.c_char_p(proxy.url.encode())),
                              (pycurl.CUSTOMREQUEST, ctypes.c_char_p(b"OPTIONS")),
                              (REQUEST_TARGET, ctypes.c_char_p(b"*")),
                              (pycurl.NOBODY, ctypes.c_long(1)), (pycurl.SSL_VERIFYPEER, ctypes.c_long(0)),
                              (pycurl.HTTP_VERSION, ctypes.c_long(HTTP_3_ONLY))]:
            assert curl.curl_easy_setopt(handle, option, value) == 0
        assert curl.curl_easy_perform(handle) == 0
        curl.curl_easy_cleanup(handle)
        record = proxy.record("*")
        assert (record["method"], record["server"]) == ("OPTIONS", three[0])


def test_requests_spread_over_servers(three):
    options = [word for url in three[1:] for word in ("--origin", url)]
    with LoggingProxy(three[0], *options) as proxy:
        for _ in range(60):
            assert ask(proxy, "/users/1")["status"] == 200
        assert {record["server"] for record in proxy.records()} == set(three)


class Load:
    """Clients that ask again and again, each on a connection of its own, until `with` is over; `faults` are the requests
    that failed."""

    def __init__(self, url, clients):
        self.url, self.faults, self.stopped = url, [], threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(clients)]

    def ask(self):
        handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        while not self.stopped.is_set():
            try:
                answer = fetch(self.url, handle=handle)
                if answer.status != 200:
                    self.faults.append(f"{answer.status} {answer.text}")
            except pycurl.error as error:
                self.faults.append(str(error))
        handle.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def __exit__(self, *_):
        self.stop()


def test_counters_of_each_origin(three):
    """Routes to the same servers are one origin."""
    first, second, third = three
    with LoggingProxy(first, "--origin", second, "--route", f"/users={third}", "--route", f"/me={third}") as proxy:
        for path in "/", "/users/1", "/users/2", "/me":
            ask(proxy, path)
        proxy.counters()
        proxy.wait_for(rf"(?m)^origin +exchanges +3 +{third}$")
        proxy.wait_for(rf"(?m)^origin +exchanges +1 +{first}$")
        assert len(re.findall("(?m)^origin +exchanges ", proxy.output)) == 2


def test_killed_server_is_missed_by_nobody():
    """Requests that it had are sent to another one; it gets none while it is gone, and some when it is back. Those on
    links that were opened for them are not: what an origin does with a request may well be what ends it."""
    with Uvicorn() as first, Uvicorn() as second, Uvicorn() as third, \
            LoggingProxy(first.url, "--origin", second.url, "--origin", third.url) as proxy, \
            Load(f"{proxy.url}/slow?seconds=0.2", clients=12) as load:
        def used(since):
            return {record["server"] for record in proxy.records()[since:]}

        wait_until(lambda: len(proxy.records()) > 100)
        assert used(0) == {first.url, second.url, third.url}
        second.kill()
        wait_until(lambda: any(record["tries"] > 1 for record in proxy.records()))
        before = len(proxy.records()) + 12
        wait_until(lambda: len(proxy.records()) > before + 50)
        assert used(before) == {first.url, third.url}
        with Uvicorn(port=second.port):
            before = len(proxy.records())
            wait_until(lambda: second.url in used(before))
            load.stop()  # while it is there
        on_new_links = [record for record in proxy.records() if record["status"] == 502 and not record["reused"]]
        assert {record["server"] for record in on_new_links} <= {second.url}
        assert len(load.faults) == len(on_new_links), load.faults
