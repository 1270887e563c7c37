# SPDX-License-Identifier: MIT
"""Applications behind TLS: Uvicorn with a certificate, and OpenSSL by hand where an application is to misbehave."""
import re
import socket
import ssl
import threading

import pycurl
import pytest
from app import blocks
from clients import fetch
from processes import PATIENCE, Proxy, Uvicorn, make_certificate
from test_libcurl import JSON, MIB, sha256_of

# Links for requests only: one kept warm would fail first, and the origin might rest (503) when the request comes.
ON_REQUEST = ["--min-warm", "0", "--verbose"]


@pytest.fixture(scope="module")
def secure(certificate):
    with Uvicorn(tls=certificate) as uvicorn:
        yield uvicorn


@pytest.fixture
def edge(secure, certificate):
    with Proxy(secure.url, "--origin-ca", certificate[0]) as proxy:
        yield proxy


def test_requests(edge, secure):
    assert secure.url.startswith("https://")
    assert fetch(f"{edge.url}/users/42").json == {"id": 42, "name": "User 42"}
    assert fetch(f"{edge.url}/nothing/here").status == 404
    assert fetch(f"{edge.url}/charge", "POST", [JSON], [b'{"cents": 499}'], 14).status == 201
    assert fetch(f"{edge.url}/download?length=5", "HEAD").status == 200
    assert fetch(f"{edge.url}/events?count=3&interval=0.1").text.count("tick") == 3


@pytest.mark.parametrize("length", [0, 1, 64 * 1024, 10 * MIB])
def test_transfers(edge, length):
    answer = fetch(f"{edge.url}/download?length={length}", keep=False)
    assert (answer.length, answer.digest.hexdigest()) == (length, sha256_of(length))
    for announced in (length, None):
        answer = fetch(f"{edge.url}/upload", "PUT", [], blocks(length), announced)
        assert answer.json == {"length": length, "sha256": sha256_of(length)}


def test_links_are_used_again(edge):
    for number in range(20):
        assert fetch(f"{edge.url}/users/{number}").json["id"] == number
    opened = re.search(r"upstream +links_opened +(\d+)", edge.counters())
    assert int(opened[1]) <= 3


def test_environment_gets_no_keys(secure, certificate, tmp_path, monkeypatch):
    keys = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    with Proxy(secure.url, "--origin-ca", certificate[0]) as proxy:
        monkeypatch.delenv("SSLKEYLOGFILE")  # our own client would write there too
        assert fetch(f"{proxy.url}/").status == 200
    assert not keys.exists(), keys.read_text()


def test_nobody_vouches_for_it(secure, tmp_path):
    other = make_certificate(tmp_path, "somebody.else")[0]
    with Proxy(secure.url, "--origin-ca", other, *ON_REQUEST) as proxy:
        assert fetch(f"{proxy.url}/").status == 502
        proxy.wait_for("cannot connect: its certificate is signed by nobody we trust")


def test_another_name(tmp_path):
    certificate = make_certificate(tmp_path, "somebody.else")
    with Uvicorn(tls=certificate) as uvicorn, \
            Proxy(uvicorn.url, "--origin-ca", certificate[0], *ON_REQUEST) as proxy:
        assert fetch(f"{proxy.url}/").status == 502
        proxy.wait_for("cannot connect: its certificate is for another name")


def test_no_tls_there(application, certificate):
    with Proxy(application.url.replace("http:", "https:"), "--origin-ca", certificate[0], *ON_REQUEST) as proxy:
        assert fetch(f"{proxy.url}/").status == 502


class Server(threading.Thread):
    """Answers one request after the other with a response that ends with its link."""

    def __init__(self, certificate, says_goodbye):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.says_goodbye = says_goodbye
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        self.start()

    def run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            with plain:
                self.answer(plain)

    def answer(self, plain):
        plain.settimeout(PATIENCE)
        with self.context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True) as link:
            if not link.recv(65536):
                return  # a link kept warm, that nobody wanted
            link.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall or part of it")
            if self.says_goodbye:
                link.unwrap()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(PATIENCE)


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_a_cut_response_never_looks_complete(certificate, says_goodbye):
    server = Server(certificate, says_goodbye)
    try:
        with Proxy(server.url, "--origin-ca", certificate[0], "--verbose", "--min-warm", "0") as proxy:
            if says_goodbye:
                assert fetch(f"{proxy.url}/").text == "all or part of it"
            else:
                with pytest.raises(pycurl.error):
                    fetch(f"{proxy.url}/")
                proxy.wait_for("cut without close_notify")
    finally:
        server.close()
