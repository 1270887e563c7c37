# SPDX-License-Identifier: MIT
"""What ngtcp2's own client can do on a connection, through the proxy to the application."""
import json
import signal
from hashlib import sha256

import pytest
from app import blocks
from clients import GTLSCLIENT, Visitor, gtlsclient
from processes import Process, count


def test_get(edge, tmp_path):
    result = gtlsclient(edge.port, "/users/7", options=["--download", tmp_path])
    assert result.statuses == [200]
    assert "Negotiated ALPN is h3" in result.log
    assert json.loads((tmp_path / "7").read_text()) == {"id": 7, "name": "User 7"}


def test_get_over_ipv6(edge):
    assert gtlsclient(edge.port, "/", host="::1").statuses == [200]


def test_upload(edge, tmp_path):
    content = b"".join(blocks(300_000))
    (tmp_path / "content").write_bytes(content)
    gtlsclient(edge.port, "/upload", options=["-m", "PUT", "-d", tmp_path / "content", "--download", tmp_path])
    assert json.loads((tmp_path / "upload").read_text()) == {
        "length": len(content), "sha256": sha256(content).hexdigest()}


def test_hundred_requests_on_one_connection(edge):
    result = gtlsclient(edge.port, "/users/1", "/users/none", "/users/2", options=["-n", 99])
    assert sorted(result.statuses) == [200] * 66 + [422] * 33
    assert result.log.count("QUIC handshake has completed") == 1


@pytest.mark.parametrize("option, seen", [
    ("--key-update=300ms", r"pkt rx .*type=1RTT k=1"),
    ("--change-local-addr=300ms", r"Path validation against path .* succeeded")])
def test_a_response_goes_on_after(edge, option, seen):
    """What happens in the middle of it: packets come with the new key, or the client moves to another address."""
    url = f"https://localhost:{edge.port}/events?count=100000&interval=0.1"
    with Process(*GTLSCLIENT, option, "127.0.0.1", edge.port, url) as client:
        there = client.wait_for(seen).end()
        client.wait_for("tick", start=there)
        client.signal(signal.SIGINT)
        client.wait_for(r"tx .* CONNECTION_CLOSE")
        client.killed = True


def test_address_token(own_edge, tmp_path):
    """A token from one connection proves the client's address on the next."""
    token = Visitor(own_edge.port, tmp_path).token
    gtlsclient(own_edge.port, "/", options=[f"--token-file={token}"])
    assert count(own_edge.counters(), "server tokens_accepted") == 1


@pytest.mark.parametrize("cipher", ["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"])
def test_cipher(edge, cipher):
    ciphers = f"--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+{cipher}"
    result = gtlsclient(edge.port, "/", options=[ciphers])
    assert result.statuses == [200]
    assert f"Negotiated cipher suite is {cipher}" in result.log


def test_lossy_path(edge, tmp_path):
    path = "/download?length=1000000"
    gtlsclient(edge.port, path, options=["--tx-loss=0.05", "--rx-loss=0.05", "--download", tmp_path])
    assert sha256((tmp_path / path[1:]).read_bytes()).digest() == sha256(b"".join(blocks(1_000_000))).digest()
