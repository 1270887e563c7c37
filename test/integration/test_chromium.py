# SPDX-License-Identifier: MIT
"""HTTP as a browser sees it: Chromium over HTTP/3, the proxy, FastAPI."""
from hashlib import sha256

import pytest
from app import blocks
from browser import chromium
from processes import Proxy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(application, tmp_path_factory):
    """The application's first page, open in a browser. Resources that it fetches are awaited by run()."""
    with Proxy(application.url) as proxy, chromium(proxy, tmp_path_factory.mktemp("chromium")) as driver:
        driver.get(f"{proxy.url}/")
        yield driver


def run(page, script):
    """The value of an async JavaScript function's body."""
    value = page.execute_async_script(
        "const done = arguments[0]; (async () => {" + script + "})().then(done, error => done({error: String(error)}))")
    assert not (isinstance(value, dict) and "error" in value), value["error"]
    return value


def test_page_came_over_http3(page):
    assert "Hello from FastAPI" in page.page_source
    assert run(page, "return performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h3"


def test_fetch(page):
    answer = run(page, """
        const response = await fetch('/users/7');
        const json = await response.json();
        const [entry] = performance.getEntriesByName(response.url);
        return [response.status, json, entry.nextHopProtocol];""")
    assert answer == [200, {"id": 7, "name": "User 7"}, "h3"]


def test_download(page):
    length = 5_000_000
    hexadecimal = run(page, f"""
        const content = await (await fetch('/download?length={length}')).arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
        return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('');""")
    assert hexadecimal == sha256(b"".join(blocks(length))).hexdigest()


def test_upload(page):
    answer = run(page, """
        const content = Uint8Array.from({length: 3000000}, (_, at) => at % 251);
        return await (await fetch('/upload', {method: 'PUT', body: content})).json();""")
    assert answer == {"length": 3_000_000, "sha256": sha256(bytes(at % 251 for at in range(3_000_000))).hexdigest()}


def test_many_requests_at_once(page):
    numbers = run(page, """
        const users = Array.from({length: 150}, (_, id) => fetch(`/users/${id}`).then(response => response.json()));
        return (await Promise.all(users)).map(user => user.id);""")
    assert numbers == list(range(150))


def test_event_source(page):
    """Each message is posted only when the one before has arrived."""
    texts = run(page, """
        const source = new EventSource('/messages?count=4');
        const texts = [];
        const post = async () => {  // until somebody listens
          const response = await fetch('/messages/' + texts.length, {method: 'POST'});
          if (!(await response.json()).listeners) await post();
        };
        return await new Promise((resolve, reject) => {
          source.onopen = post;
          source.onmessage = message => texts.push(message.data) == 4 ? (source.close(), resolve(texts)) : post();
          source.onerror = () => reject('closed after ' + texts.length);
        });""")
    assert texts == ["0", "1", "2", "3"]


def test_head(page):
    answer = run(page, """
        const response = await fetch('/download?length=70000', {method: 'HEAD'});
        return [response.status, response.headers.get('content-length'), (await response.text()).length];""")
    assert answer == [200, "70000", 0]
