# SPDX-License-Identifier: MIT
"""What an application on FastAPI and Uvicorn makes of a request that came through the proxy, both with their defaults."""
import pycurl
import pytest
from app import blocks
from clients import Connection, Fetch, fetch
from processes import Proxy
from test_libcurl import MIB, sha256_of


def test_redirects_and_links_name_the_public_host(edge):
    """FastAPI redirects from a slash too many, and url_for makes links, both to the URL that the client asked for."""
    slash = fetch(f"{edge.url}/users/7/")
    assert (slash.status, slash.value("location")) == (307, f"{edge.url}/users/7")
    assert fetch(f"{edge.url}/users/7/", follow=True).json["id"] == 7
    for host in "shop.example:8443", "shop.example":
        asked = [("Host", host)]
        assert fetch(f"{edge.url}/users/7/", fields=asked).value("location") == f"https://{host}/users/7"
        assert fetch(f"{edge.url}/me", fields=asked).value("location") == f"https://{host}/users/1"


def test_form_with_a_file(edge, tmp_path):
    length = 50 * MIB
    file = tmp_path / "noise.bin"
    with file.open("wb") as out:
        out.writelines(blocks(length))
    one = Fetch(f"{edge.url}/form", "POST")
    one.curl.setopt(pycurl.HTTPPOST, [("title", "Noise; white"), ("file", (pycurl.FORM_FILE, str(file)))])
    answer = one.run().json
    one.curl.close()
    assert answer == {"title": "Noise; white", "name": "noise.bin", "length": length, "sha256": sha256_of(length)}


def test_each_event_arrives_before_the_next_is_made(edge):
    """Each message is posted only when the one before has arrived: whatever holds one back runs into the time limit."""
    stream = Fetch(f"{edge.url}/messages?count=10")
    with Connection() as connection:
        connection.start(stream)
        connection.run_until(lambda: "listening" in stream.text)
        for number in range(10):
            assert fetch(f"{edge.url}/messages/{number}", "POST").json == {"listeners": 1}
            connection.run_until(lambda number=number: f"data: {number}\n\n" in stream.text)
        connection.run_until(lambda: stream.curl in connection.ended)
    assert stream.text.count("data: ") == 10


def told_about_client(proxy, *fields):
    """The fields from which the application knows who asks for what."""
    names = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
    seen = [tuple(pair) for pair in fetch(f"{proxy.url}/fields", fields=fields).json if pair[0] in names]
    assert len(seen) == len(dict(seen)), f"a field came twice: {seen}"
    return dict(seen)


PROXY_IN_FRONT = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shop.example")]


@pytest.mark.parametrize("trusted, is_believed", [
    ("127.0.0.1", True), ("127.0.0.0/8", True), ("0.0.0.0/0", True), ("127.0.0.2", False), ("10.0.0.0/8", False),
    ("::1", False), ("::/0", False)])
def test_trust(application, trusted, is_believed):
    with Proxy(application.url, "--trust", "192.0.2.0/24", "--trust", trusted) as proxy:
        seen = told_about_client(proxy, *PROXY_IN_FRONT)
    assert seen["x-forwarded-for"] == ("6.6.6.6, 127.0.0.1" if is_believed else "127.0.0.1")
    assert seen["x-forwarded-host"] == ("shop.example" if is_believed else proxy.url.removeprefix("https://"))


@pytest.mark.parametrize("is_believed", [False, True])
def test_forwarded(application, is_believed):
    with Proxy(application.url, "--forwarded", *["--trust", "127.0.0.0/8"] * is_believed) as proxy:
        seen = told_about_client(proxy, ("Forwarded", "for=6.6.6.6"), *PROXY_IN_FRONT)
        host = proxy.url.removeprefix("https://")
    own = f'for=127.0.0.1;host="{host}";proto=https'
    assert seen.pop("forwarded") == (f"for=6.6.6.6, {own}" if is_believed else own)
    assert seen == ({name.lower(): value for name, value in PROXY_IN_FRONT} if is_believed else {})
