# SPDX-License-Identifier: MIT
"""The clients. Each asks for one thing after another, and judges every answer."""
import functools
import random
import threading
import time
from collections import Counter
from hashlib import sha256

import pycurl
from app import blocks
from clients import Fetch

LENGTHS = [0, 1, 1000, 16 << 10, 100_000, 1 << 20]
REFUSALS = {502, 503, 504}
PATIENCE = 30  # seconds for one request: a client that only listens is found at a new port once it says something
FAREWELL = 2  # seconds at the end
# How requests end that libcurl calls failed.
ENDS = {pycurl.E_OPERATION_TIMEDOUT: "late", pycurl.E_WRITE_ERROR: "left", pycurl.E_ABORTED_BY_CALLBACK: "left"}
REQUESTS_MAX = 60  # on one connection
THOUGHT = 0.02  # seconds between two requests, at most
COMPLAINTS_MAX = 20


@functools.cache
def digest_of(length):
    digest = sha256()
    for block in blocks(length):
        digest.update(block)
    return digest.hexdigest()


class Tally:
    """What all clients have seen. `acknowledged` is a file."""

    def __init__(self, acknowledged):
        self.lock, self.verdicts, self.complaints = threading.Lock(), Counter(), []
        self.acknowledged = open(acknowledged, "a", buffering=1)

    def add(self, verdict, complaint):
        with self.lock:
            self.verdicts[verdict] += 1
            if verdict == "wrong" and len(self.complaints) < COMPLAINTS_MAX:
                self.complaints.append(complaint)

    def acknowledge(self, name):
        with self.lock:
            self.acknowledged.write(f"{name}\n")

    def take(self):
        """What has come since the last time."""
        with self.lock:
            taken = self.verdicts, self.complaints
            self.verdicts, self.complaints = Counter(), []
            return taken


class Visitor(threading.Thread):
    """`name` is not used again, so neither are its orders'; `files` are digests by path."""

    def __init__(self, name, url, files, tally, seed):
        super().__init__(daemon=True)
        self.name, self.url, self.files, self.tally = name, url, files, tally
        self.dice, self.orders = random.Random(seed), 0
        self.stopped, self.gone = threading.Event(), threading.Event()
        self.asked = [self.user, self.download, self.file, self.upload, self.order, self.order, self.events, self.leave]

    def run(self):
        while not self.stopped.is_set():
            handle = pycurl.Curl()
            for _ in range(self.dice.randint(1, REQUESTS_MAX)):
                self.visit(handle)
                if self.stopped.wait(self.dice.uniform(0, THOUGHT)):
                    break
            handle.close()

    def visit(self, handle):
        ask = self.dice.choice(self.asked)
        self.tally.add(*verdict(lambda: ask(handle), ask.__name__))

    def fetch(self, handle, path, *args, **options):
        return self.begin(handle, path, *args, **options).run()

    def begin(self, handle, path, *args, **options):
        one = Fetch(self.url + path, *args, handle=handle, timeout=PATIENCE, **options)
        handle.setopt(pycurl.NOPROGRESS, False)
        handle.setopt(pycurl.XFERINFOFUNCTION, lambda *_: self.gone.is_set())
        return one

    # Each asks for something; the answer, and whether it is right if it is a whole one.

    def user(self, handle):
        number = self.dice.randrange(1000)
        answer = self.fetch(handle, f"/users/{number}")
        return answer, lambda: answer.json == {"id": number, "name": f"User {number}"}

    def download(self, handle):
        length = self.dice.choice(LENGTHS)
        answer = self.fetch(handle, f"/download?length={length}", keep=False)
        return answer, lambda: answer.digest.hexdigest() == digest_of(length)

    def file(self, handle):
        """Of nginx; without it another download."""
        if not self.files:
            return self.download(handle)
        path = self.dice.choice(list(self.files))
        answer = self.fetch(handle, path, keep=False)
        return answer, lambda: answer.digest.hexdigest() == self.files[path]

    def upload(self, handle):
        length = self.dice.choice(LENGTHS)
        known = length if self.dice.random() < 0.5 else None
        answer = self.fetch(handle, "/upload", "PUT", content=blocks(length), length=known)
        return answer, lambda: answer.json == {"length": length, "sha256": digest_of(length)}

    def events(self, handle):
        answer = self.fetch(handle, "/events?count=3&interval=0.05")
        return answer, lambda: answer.text == "".join(f"id: {n}\ndata: tick\n\n" for n in (1, 2, 3))

    def order(self, handle):
        self.orders += 1
        name = f"{self.name}-{self.orders}"
        answer = self.fetch(handle, f"/order/{name}", "POST", content=[b"x"], length=1)
        if answer.status == 201:
            self.tally.acknowledge(name)
        return answer, lambda: answer.json == {"order": name}

    def leave(self, handle):
        """Goes away in the middle of a long response. (It is not longer because the application makes all of it.)"""
        enough = self.dice.randrange(1 << 20)
        one = self.begin(handle, "/download?length=4000000", keep=False)
        handle.setopt(pycurl.WRITEFUNCTION, lambda data: one.on_content(data) or (-1 if one.length > enough else None))
        return one.run(), lambda: False


def end(visitors):
    """They finish what they have begun; what takes longer is left."""
    until = time.monotonic() + FAREWELL
    for visitor in visitors:
        visitor.stopped.set()
    for visitor in visitors:
        visitor.join(max(0, until - time.monotonic()))
        visitor.gone.set()
    for visitor in visitors:
        visitor.join()


def verdict(ask, what):
    """How a request ended, and what is to be said about it when that was wrong. An answer is right and whole, an honest
    refusal, visibly cut, too late, or not wanted any more; anything else is wrong."""
    begun = time.monotonic()
    try:
        answer, is_right = ask()
    except pycurl.error as error:
        return ENDS.get(error.args[0], "cut"), None
    if answer.status in REFUSALS:
        return "refused", None
    try:
        if answer.status in (200, 201) and is_right():
            return "served", None
    except ValueError:
        pass  # no JSON at all
    return "wrong", f"{what}: {answer.status}, {answer.length} bytes after {time.monotonic() - begun:.1f} s"
