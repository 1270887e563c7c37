# SPDX-License-Identifier: MIT
"""What the system gives runs out. The proxy answers as well as it can, and recovers."""
import resource
from pathlib import Path

import pytest
from clients import fetch
from processes import Proxy


def descriptors(process):
    return [int(entry.name) for entry in Path(f"/proc/{process.popen.pid}/fd").iterdir()]


@pytest.fixture
def starved(application):
    """A proxy without links to its application, that may open no descriptor more."""
    with Proxy(application.url, "--min-warm", 0) as proxy:
        before = resource.prlimit(proxy.popen.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(proxy.popen.pid, resource.RLIMIT_NOFILE, (max(descriptors(proxy)) + 1, before[1]))
        yield proxy, before


def test_no_descriptor_is_left(starved):
    """Each fetch is a new connection: what needs no descriptor goes on."""
    proxy, before = starved
    for _ in range(2):  # after more of them the origin rests, and requests wait
        answer = fetch(f"{proxy.url}/")
        assert answer.status == 502
        assert 0 < answer.length < 200
    assert "too many open files" in proxy.output
    resource.prlimit(proxy.popen.pid, resource.RLIMIT_NOFILE, before)
    assert fetch(f"{proxy.url}/").status == 200
