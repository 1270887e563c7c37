# SPDX-License-Identifier: MIT
"""HTTP as an application's clients see it: libcurl over HTTP/3, the proxy, FastAPI."""
import json
from hashlib import sha256

import pycurl
import pytest
from app import blocks
from clients import Connection, Fetch, fetch

MIB = 1024 * 1024
SIZES = [0, 1, 64 * 1024, 10 * MIB, pytest.param(100 * MIB, marks=pytest.mark.slow)]
JSON = ("content-type", "application/json")


def sha256_of(length):
    digest = sha256()
    for block in blocks(length):
        digest.update(block)
    return digest.hexdigest()


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_get_with_checked_certificate(edge, address):
    answer = fetch(f"{edge.url}/", cert=edge.cert, address=address)
    assert answer.status == 200
    assert answer.value("content-type") == "application/json"
    assert answer.json == {"message": "Hello from FastAPI", "url": f"{edge.url}/"}
    assert dict(fetch(f"{edge.url}/fields", address=address).json)["x-forwarded-for"] == address.strip("[]")


def test_path_parameter(edge):
    assert fetch(f"{edge.url}/users/42").json == {"id": 42, "name": "User 42"}
    assert fetch(f"{edge.url}/users/forty-two").status == 422
    assert fetch(f"{edge.url}/nothing/here").status == 404


def test_path_and_query_arrive_as_they_were_sent(edge):
    """What FastAPI makes of an encoded path is its own affair; the edge must not decode or encode."""
    assert fetch(f"{edge.url}/users/%34%32?x=%2F&y=a+b").json["id"] == 42


def test_post_charges_once(edge):
    before = fetch(f"{edge.url}/charges").json
    content = json.dumps({"cents": 499}).encode()
    answer = fetch(f"{edge.url}/charge", "POST", [JSON], [content], len(content))
    assert answer.status == 201
    assert fetch(f"{edge.url}/charges").json == {"count": before["count"] + 1, "cents": before["cents"] + 499}


@pytest.mark.parametrize("length", SIZES)
def test_download(edge, length):
    answer = fetch(f"{edge.url}/download?length={length}", keep=False)
    assert answer.status == 200
    assert answer.value("content-length") == str(length)
    assert (answer.length, answer.digest.hexdigest()) == (length, sha256_of(length))


@pytest.mark.parametrize("length", SIZES)
@pytest.mark.parametrize("announced", [True, False], ids=["content-length", "chunked"])
def test_upload(edge, length, announced):
    answer = fetch(f"{edge.url}/upload", "PUT", [], blocks(length), length if announced else None)
    assert answer.status == 200
    assert answer.json == {"length": length, "sha256": sha256_of(length)}


def test_events(edge):
    """That each of them comes at once is shown in test_fastapi.py."""
    answer = fetch(f"{edge.url}/events?count=5&interval=0.1")
    assert answer.value("content-type").startswith("text/event-stream")
    assert answer.text == "".join(f"id: {number}\ndata: tick\n\n" for number in range(1, 6))


def test_parallel_transfers_on_one_connection(edge):
    fetches = [Fetch(f"{edge.url}/download?length={number * 100_000}", keep=False) for number in range(20)]
    fetches += [Fetch(f"{edge.url}/upload", "PUT", [], blocks(number * 100_000)) for number in range(20)]
    fetches += [Fetch(f"{edge.url}/users/{number}") for number in range(40)]
    with Connection() as connection:
        connection.start(*fetches)
        connection.run_until(lambda: len(connection.ended) == len(fetches))
        assert sum(one.finish().curl.getinfo(pycurl.NUM_CONNECTS) for one in fetches) == 1
    assert [one.digest.hexdigest() for one in fetches[:20]] == [sha256_of(number * 100_000) for number in range(20)]
    assert [one.json["sha256"] for one in fetches[20:40]] == [sha256_of(number * 100_000) for number in range(20)]
    assert [one.json["id"] for one in fetches[40:]] == list(range(40))


def test_paused_reader_holds_up_nobody(edge):
    """A client that stops reading one response gets the others on its connection, and in the end this one too."""
    length = 30 * MIB
    paused = Fetch(f"{edge.url}/download?length={length}", keep=False)
    waiting = True
    paused.curl.setopt(pycurl.WRITEFUNCTION, lambda data: pycurl.WRITEFUNC_PAUSE if waiting else paused.on_content(data))
    others = [Fetch(f"{edge.url}/download?length=1000000") for _ in range(10)]
    with Connection() as connection:
        connection.start(paused)
        connection.run_until(lambda: paused.status)
        connection.start(*others)
        connection.run_until(lambda: len(connection.ended) == len(others))
        assert all(one.digest.hexdigest() == sha256_of(1_000_000) for one in others)
        assert paused.length == 0
        waiting = False
        paused.curl.pause(pycurl.PAUSE_CONT)
        connection.run_until(lambda: paused.curl in connection.ended)
    assert paused.digest.hexdigest() == sha256_of(length)


def test_head_has_no_content(edge):
    handle = pycurl.Curl()
    answer = fetch(f"{edge.url}/download?length=70000", "HEAD", handle=handle)
    assert (answer.status, answer.value("content-length"), answer.length) == (200, "70000", 0)
    after = fetch(f"{edge.url}/users/1", handle=handle)
    assert after.json["id"] == 1
    assert handle.getinfo(pycurl.NUM_CONNECTS) == 0
    handle.close()


def test_redirect_points_to_the_edge(edge):
    answer = fetch(f"{edge.url}/me")
    assert (answer.status, answer.value("location")) == (307, f"{edge.url}/users/1")
    assert fetch(f"{edge.url}/me", follow=True).json["id"] == 1


def test_fields_that_the_application_sees(edge):
    sent = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Host", "elsewhere"),
            ("Cookie", "a=1; b=2"), ("X-Own", "kept")]
    seen = [tuple(pair) for pair in fetch(f"{edge.url}/fields", fields=sent).json]
    host = edge.url.removeprefix("https://")
    assert seen[0] == ("host", host)
    values = {name: [value for other, value in seen if other == name] for name, _ in seen}
    assert values["x-forwarded-for"] == ["127.0.0.1"]
    assert values["x-forwarded-proto"] == ["https"]
    assert values["x-forwarded-host"] == [host]
    assert values["via"] == ["3 h3edge"]
    assert values["cookie"] == ["a=1; b=2"]
    assert values["x-own"] == ["kept"]
    assert "transfer-encoding" not in values and "content-length" not in values


def test_hop_by_hop_fields_stay_behind(edge):
    answer = fetch(f"{edge.url}/users/1")
    assert {"connection", "keep-alive", "transfer-encoding"}.isdisjoint(name for name, _ in answer.fields)


def test_large_field_section_is_refused(edge):
    assert fetch(f"{edge.url}/users/1", fields=[("x-large", "x" * 40_000)]).status == 431
    assert fetch(f"{edge.url}/users/1", fields=[("x-fits", "x" * 10_000)]).status == 200
