# SPDX-License-Identifier: MIT
"""HTTP as an application's clients see it: libcurl over HTTP/3, the proxy, FastAPI."""
import itertools
import json
from hashlib import sha256

import pycurl
import pytest
from app import blocks
from clients import Fetch, fetch, fetch_together

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
    assert answer.json == {"message": "Hello from FastAPI", "client": address.strip("[]"), "url": f"{edge.url}/"}


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


def test_events_arrive_when_they_are_sent(edge):
    answer = fetch(f"{edge.url}/events?count=5&interval=0.3")
    assert answer.value("content-type").startswith("text/event-stream")
    assert answer.text == "".join(f"id: {number}\ndata: tick\n\n" for number in range(1, 6))
    times = [time for time, _ in answer.pieces]
    assert len(times) == 5
    assert all(later - earlier > 0.15 for earlier, later in itertools.pairwise(times))


def test_parallel_transfers_on_one_connection(edge):
    fetches = [Fetch(f"{edge.url}/download?length={number * 100_000}", keep=False) for number in range(20)]
    fetches += [Fetch(f"{edge.url}/upload", "PUT", [], blocks(number * 100_000)) for number in range(20)]
    fetches += [Fetch(f"{edge.url}/users/{number}") for number in range(40)]
    done = fetch_together(fetches)
    assert [one.digest.hexdigest() for one in done[:20]] == [sha256_of(number * 100_000) for number in range(20)]
    assert [one.json["sha256"] for one in done[20:40]] == [sha256_of(number * 100_000) for number in range(20)]
    assert [one.json["id"] for one in done[40:]] == list(range(40))
    assert sum(one.curl.getinfo(pycurl.NUM_CONNECTS) for one in done) == 1


def test_slow_reader_holds_up_nobody(edge):
    """One client that stops reading gets no more than its windows; others on its connection go on."""
    slow = Fetch(f"{edge.url}/download?length={100 * MIB}", keep=False)
    slow.curl.setopt(pycurl.MAX_RECV_SPEED_LARGE, 1000)
    quick = [Fetch(f"{edge.url}/users/{number}") for number in range(10)]
    multi = pycurl.CurlMulti()
    multi.add_handle(slow.curl)
    while not slow.length:
        multi.perform()
        multi.select(0.1)
    for one in quick:
        one.curl.setopt(pycurl.PIPEWAIT, 1)
        multi.add_handle(one.curl)
    ended = []
    while len(ended) < len(quick):
        multi.perform()
        _, good, bad = multi.info_read()
        assert not bad
        ended += good
        multi.select(0.1)
    assert [one.json["id"] for one in quick] == list(range(10))
    assert slow.length < 50 * MIB


def test_head_has_no_content(edge):
    handle = pycurl.Curl()
    answer = fetch(f"{edge.url}/download?length=70000", "HEAD", handle=handle)
    assert (answer.status, answer.value("content-length"), answer.length) == (200, "70000", 0)
    after = fetch(f"{edge.url}/users/1", handle=handle)
    assert after.json["id"] == 1
    assert handle.getinfo(pycurl.NUM_CONNECTS) == 0


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
