# SPDX-License-Identifier: MIT
"""One application and one edge for all tests that only send requests; tests that break something start their own."""
import pytest
from processes import PROXY, Process, Proxy, Uvicorn, make_certificate


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: left out under sanitizers")
    if not PROXY.exists():
        raise pytest.UsageError(f"{PROXY} is not there: build first, and name the folder in H3EDGE_BUILD")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows what the programs printed."""
    report = (yield).get_result()
    if report.failed:
        for process in Process.shown:
            report.sections.append((f"output of {process.name}", process.output[-6000:]))
    if call.when == "teardown":
        Process.shown[:] = [process for process in Process.shown if process.popen.poll() is None]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """For localhost."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), "localhost", "IP:127.0.0.1", "IP:::1")


@pytest.fixture(scope="session")
def application():
    with Uvicorn() as uvicorn:
        yield uvicorn


@pytest.fixture(scope="session")
def edge(application, certificate):
    """h3edge-proxy with the certificate above, in front of the application."""
    cert, key = certificate
    with Proxy(application.url, "--cert", cert, "--key", key) as proxy:
        proxy.cert = cert
        yield proxy


@pytest.fixture
def own_application():
    with Uvicorn() as uvicorn:
        yield uvicorn


@pytest.fixture
def own_edge(own_application):
    with Proxy(own_application.url) as proxy:
        yield proxy
