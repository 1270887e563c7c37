# SPDX-License-Identifier: MIT
"""Independent HTTP/3 clients: libcurl (ngtcp2 and nghttp3, its own use of them) and ngtcp2's gtlsclient."""
import json
import re
import subprocess
import time
from hashlib import sha256
from typing import NamedTuple

import pycurl
from processes import PATIENCE

HTTP_3_ONLY = 31  # CURL_HTTP_VERSION_3ONLY
HTTP_3 = 30


class Fetch:
    """One request over HTTP/3, and its response as it comes in. Pieces of content are kept as (time, length)."""

    def __init__(self, url, method="GET", fields=(), content=None, length=None, cert=None, address="127.0.0.1",
                 follow=False, timeout=PATIENCE, keep=True, handle=None):
        self.status, self.fields, self.pieces, self.kept, self.keep = 0, [], [], [], keep
        self.digest = sha256()
        self.curl = curl = handle or pycurl.Curl()
        curl.reset()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTP_VERSION, HTTP_3_ONLY)
        curl.setopt(pycurl.NOPROXY, "*")
        curl.setopt(pycurl.TIMEOUT, timeout)
        curl.setopt(pycurl.FOLLOWLOCATION, follow)
        curl.setopt(pycurl.RESOLVE, [f"localhost:{port_of(url)}:{address}"])
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in fields])
        if cert:
            curl.setopt(pycurl.CAINFO, str(cert))
        else:
            curl.setopt(pycurl.SSL_VERIFYPEER, 0)
        curl.setopt(pycurl.NOBODY, method == "HEAD")
        if content is not None:
            self.content = iter(content)
            self.left = b""
            curl.setopt(pycurl.UPLOAD, 1)
            curl.setopt(pycurl.READFUNCTION, self.on_read)
            if length is not None:
                curl.setopt(pycurl.INFILESIZE_LARGE, length)
        if method != "HEAD":
            curl.setopt(pycurl.CUSTOMREQUEST, method)
        curl.setopt(pycurl.HEADERFUNCTION, self.on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self.on_content)

    def on_read(self, length):
        while not self.left:
            piece = next(self.content, None)
            if piece is None:
                return b""
            self.left = piece
        piece, self.left = self.left[:length], self.left[length:]
        return piece

    def on_header(self, line):
        line = line.decode("latin-1").rstrip("\r\n")
        if line.startswith("HTTP/"):
            self.status, self.fields = int(line.split()[1]), []
        elif line:
            name, _, value = line.partition(":")
            self.fields.append((name, value.strip()))

    def on_content(self, data):
        self.pieces.append((time.monotonic(), len(data)))
        self.digest.update(data)
        if self.keep:
            self.kept.append(data)

    def run(self):
        """Waits for the end of the response. Raises pycurl.error when it does not come to a clean one."""
        self.curl.perform()
        return self.finish()

    def finish(self):
        assert self.curl.getinfo(pycurl.INFO_HTTP_VERSION) == HTTP_3
        return self

    @property
    def length(self):
        return sum(length for _, length in self.pieces)

    @property
    def text(self):
        return b"".join(self.kept).decode()

    @property
    def json(self):
        return json.loads(self.text)

    def value(self, name):
        values = [value for other, value in self.fields if other == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


def fetch(url, *args, handle=None, **kwargs):
    """One request from beginning to end, on a connection of its own unless there is a handle with one."""
    one = Fetch(url, *args, handle=handle, **kwargs)
    try:
        return one.run()
    finally:
        if not handle:
            one.curl.close()


class Connection:
    """Requests at the same time on one connection: a libcurl multi handle. `with` closes it."""

    def __init__(self):
        self.multi, self.started, self.ended, self.end = pycurl.CurlMulti(), [], [], time.monotonic() + PATIENCE

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for curl in self.started:
            self.multi.remove_handle(curl)
            curl.close()
        self.multi.close()

    def start(self, *fetches):
        for one in fetches:
            one.curl.setopt(pycurl.PIPEWAIT, 1)
            self.multi.add_handle(one.curl)
            self.started.append(one.curl)

    def run_until(self, condition):
        """A request that fails ends the test."""
        while not condition():
            assert time.monotonic() < self.end
            self.multi.perform()
            _, ended, failed = self.multi.info_read()
            assert not failed, failed
            self.ended += ended
            self.multi.select(0.05)


def port_of(url):
    return int(re.search(r":(\d+)", url.partition("//")[2])[1])


class GtlsResult(NamedTuple):
    log: str
    statuses: list  # of all responses, in the order of their coming


GTLSCLIENT = ("gtlsclient", "--exit-on-all-streams-close", "--handshake-timeout=60s", "--timeout=60s")


def gtlsclient(port, *paths, options=(), host="127.0.0.1"):
    """Runs gtlsclient. Its exit status says nothing, so its log is read."""
    uris = [f"https://localhost:{port}{path}" for path in paths]
    done = subprocess.run(
        [*GTLSCLIENT, *map(str, options), host, str(port), *uris], timeout=2 * PATIENCE, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    statuses = [int(status) for status in re.findall(r"stream \w+ \[:status: (\d+)\]", done.stdout)]
    closed = re.findall(r"^HTTP stream (\d+) closed with error code (\d+)", done.stdout, re.M)
    assert closed and all(int(code) == 0x100 for _, code in closed), f"not a clean end:\n{done.stdout[-4000:]}"
    return GtlsResult(done.stdout, statuses)


class Visitor:
    """gtlsclient, which keeps ticket, transport parameters and token from one visit to the next. It has made as many
    `visits` as it took to have them: one, unless the token came too late, some milliseconds after the ticket."""

    def __init__(self, port, folder):
        self.port, self.folder, self.token, self.visits = port, folder, folder / "token", 0
        while not self.token.exists():
            self.visits += 1
            assert self.visits < 20
            self.visit("/events?count=2&interval=0.1")

    def visit(self, *paths, options=(), host="localhost"):
        """Comes back, with a request in its first packets."""
        known = [f"--session-file={self.folder}/session", f"--tp-file={self.folder}/parameters",
                 f"--token-file={self.token}", f"--download={self.folder}"]
        return gtlsclient(self.port, *paths, options=[*known, *options])

    def get(self, path):
        assert self.visit(path).statuses == [200]
        return json.loads((self.folder / path[1:]).read_text())

    def post(self, path, content):
        (self.folder / "content").write_text(content)
        return self.visit(path, options=["-m", "POST", "-d", self.folder / "content"]).statuses
