# SPDX-License-Identifier: MIT
"""Independent HTTP/3 clients: libcurl (ngtcp2 and nghttp3, its own use of them) and ngtcp2's gtlsclient."""
import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from hashlib import sha256

import pycurl

HTTP_3_ONLY = 31  # CURL_HTTP_VERSION_3ONLY
HTTP_3 = 30


class Fetch:
    """One request over HTTP/3, and its response as it comes in. Pieces of content are kept as (time, length)."""

    def __init__(self, url, method="GET", fields=(), content=None, length=None, cert=None, address="127.0.0.1",
                 follow=False, timeout=60, keep=True, handle=None):
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


def fetch(url, *args, **kwargs):
    return Fetch(url, *args, **kwargs).run()


def fetch_together(fetches):
    """Runs them at the same time on one libcurl multi handle, which shares connections."""
    multi = pycurl.CurlMulti()
    for one in fetches:
        one.curl.setopt(pycurl.PIPEWAIT, 1)
        multi.add_handle(one.curl)
    failed = []
    running = len(fetches)
    while running:
        _, running = multi.perform()
        failed += multi.info_read()[2]
        multi.select(0.1)
    assert not failed, failed
    return [one.finish() for one in fetches]


def port_of(url):
    return int(re.search(r":(\d+)", url.partition("//")[2])[1])


@dataclass
class GtlsResult:
    log: str
    statuses: list = field(default_factory=list)  # of all responses, in the order of their coming
    bodies: list = field(default_factory=list)    # of the streams, by their order


def gtlsclient(port, *paths, options=(), host="127.0.0.1", timeout=30):
    """Runs gtlsclient. Its exit status says nothing, so its log is read."""
    uris = [f"https://localhost:{port}{path}" for path in paths]
    done = subprocess.run(
        ["gtlsclient", "--exit-on-all-streams-close", "--handshake-timeout=10s", "--timeout=15s",
         *map(str, options), host, str(port), *uris],
        timeout=timeout, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL)
    result = GtlsResult(done.stdout)
    result.statuses = [int(status) for status in re.findall(r"stream \w+ \[:status: (\d+)\]", done.stdout)]
    closed = re.findall(r"^HTTP stream (\d+) closed with error code (\d+)", done.stdout, re.M)
    assert closed and all(int(code) == 0x100 for _, code in closed), f"not a clean end:\n{done.stdout[-4000:]}"
    return result
