# SPDX-License-Identifier: MIT
"""bench/soak.py: what it makes of what happened, and that it runs, is interrupted and goes on."""
import asyncio
import json
import random
import re
import signal
import socket
import subprocess
import sys

import pycurl
import pytest
from processes import BUILD, PATIENCE, PROXY, ROOT

sys.path.insert(0, str(ROOT / "bench"))
from soak import figures, load, troubles  # noqa: E402
from soak.figures import Slope  # noqa: E402
from soak.links import Links  # noqa: E402
from soak.state import Folder  # noqa: E402
from soak.world import World  # noqa: E402

HOUR = 3600


def line(rise, seconds=range(0, 600, 30), height=20.0, noise=0.0):
    dice = random.Random(1)
    return [(x, height + rise * x / HOUR + dice.uniform(-noise, noise)) for x in seconds]


# Slopes

def test_slope_of_a_line():
    found = figures.slope([line(12)])
    assert (found.per_hour, found.noise) == (pytest.approx(12), pytest.approx(0, abs=1e-6))
    assert (found.points, found.seconds) == (20, 570)


def test_each_leg_has_a_height_of_its_own():
    """Another process begins lower or higher: that is no slope."""
    found = figures.slope([line(0), line(0, range(600, 900, 30), height=5)])
    assert (found.per_hour, found.points, found.seconds) == (pytest.approx(0), 30, 840)
    assert figures.slope([line(6), [], [(700, 1.0)], line(6, range(900, 1200, 30), height=90)]).per_hour == pytest.approx(6)


def test_noise_covers_the_truth():
    found = figures.slope([line(5, noise=0.2)])
    assert 0.2 < found.noise < 2
    assert abs(found.per_hour - 5) < found.noise


@pytest.mark.parametrize("legs", [[], [[]], [[(1, 2)]], [[(1, 2), (2, 3)]], [[(1, 2), (1, 3), (1, 4)]]])
def test_no_line_through_these(legs):
    assert figures.slope(legs) is None
    assert figures.flat("memory", figures.slope(legs), "MiB", 1).is_met is None


@pytest.mark.parametrize("slope, expected", [
    (Slope(0.9, 0.0, 20, 600), True), (Slope(1.1, 0.0, 20, 600), False), (Slope(5, 4.5, 20, 600), True),
    (Slope(-9, 0.1, 20, 600), True), (Slope(100, 1, 20, 299), None), (Slope(100, 1, 5, 600), None)])
def test_verdict_about_a_slope(slope, expected):
    goal = figures.flat("memory", slope, "MiB", 1)
    assert goal.is_met is expected
    assert f"{slope.per_hour:+,.1f} ± {slope.noise:,.1f} MiB/h" in goal.line()


# Orders

def test_orders():
    found = figures.compare(["a", "b", "c"], ["b", "x", "a", "x", "b"])
    assert (found.acknowledged, found.done, found.lost, found.twice) == (3, 3, ["c"], ["b", "x"])
    assert "NOT AS WANTED" in figures.none_of("lost", found.lost, 3).line()
    assert "1 of 3: c" in figures.none_of("lost", found.lost, 3).line()
    assert figures.none_of("lost", [], 3).is_met


def test_half_a_line_is_none():
    assert figures.whole_lines("a\nb\nhal") == ["a", "b"]
    assert figures.whole_lines("") == []


# Verdicts about single requests

class Answer:
    length = 7

    def __init__(self, status):
        self.status = status


def failing(number):
    def ask():
        raise pycurl.error(number, "text")
    return ask


def no_json():
    raise json.JSONDecodeError("no", "", 0)


@pytest.mark.parametrize("ask, expected", [
    (lambda: (Answer(200), lambda: True), "served"), (lambda: (Answer(201), lambda: True), "served"),
    (lambda: (Answer(200), lambda: False), "wrong"), (lambda: (Answer(200), no_json), "wrong"),
    (lambda: (Answer(502), lambda: False), "refused"), (lambda: (Answer(503), no_json), "refused"),
    (lambda: (Answer(404), lambda: True), "wrong"), (lambda: (Answer(500), lambda: True), "wrong"),
    (failing(pycurl.E_OPERATION_TIMEDOUT), "late"), (failing(pycurl.E_PARTIAL_FILE), "cut"),
    (failing(pycurl.E_WRITE_ERROR), "left"), (failing(pycurl.E_ABORTED_BY_CALLBACK), "left")])
def test_verdicts(ask, expected):
    verdict, complaint = load.verdict(ask, "asked")
    assert verdict == expected
    assert (complaint is not None) == (expected == "wrong")


def test_all_troubles_in_turn():
    """In each cycle, in an order that changes; the seed decides."""
    def cycle(seed, number):
        first = number * len(troubles.ALL)
        return [troubles.of_period(seed, first + place) for place in range(len(troubles.ALL))]

    assert set(cycle(1, 0)) == set(cycle(1, 1)) == set(troubles.ALL)
    assert cycle(1, 0) != cycle(1, 1)
    assert cycle(1, 0) == cycle(1, 0)
    assert cycle(2, 0) != cycle(1, 0)


# Troubles

def is_reset(client):
    try:
        client.recv(1)
    except ConnectionResetError:
        return True
    return False


def test_links_are_cut_beside_one_that_has_just_ended():
    with socket.create_server(("127.0.0.1", 0)) as application, Links(application.getsockname()[1]) as links:
        clients = [socket.create_connection(("127.0.0.1", links.port), PATIENCE) for _ in range(8)]
        applications_side = [application.accept()[0] for _ in clients]

        async def cut():
            while len(links.open) < 2 * len(clients):
                await asyncio.sleep(0.01)
            next(iter(links.open)).abort()
            await asyncio.sleep(0)  # its socket is closed, and nobody has taken it out of `open`
            links.reset()

        links.call(cut())
        assert [is_reset(client) for client in clients].count(True) >= len(clients) - 1
        for end in clients + applications_side:
            end.close()


# State

def test_state_is_what_was_saved(tmp_path):
    folder = Folder(tmp_path / "new")
    folder.take()
    state = folder.begin(7)
    state.verdicts["served"] += 3
    state.memory.append([(1.5, 2)])
    folder.save(state)
    known = folder.resume()
    known.verdicts["wrong"] += 1
    assert (known.seed, known.verdicts, known.memory) == (7, {"served": 3, "wrong": 1}, [[[1.5, 2]]])


@pytest.mark.parametrize("text", [None, "no JSON", "{}", "[]", '{"seed": 1, "unknown": 2}'])
def test_no_state(tmp_path, text):
    folder = Folder(tmp_path)
    if text:
        folder.state.write_text(text)
    with pytest.raises(ValueError):
        folder.resume()


# The program

def command(*options):
    return ["/usr/bin/python3", "-B", str(ROOT / "bench/soak.py"), *map(str, options)]


def run(*options):
    return subprocess.run(command(*options), capture_output=True, text=True, timeout=4 * PATIENCE)


@pytest.mark.parametrize("options, complaint", [
    ([], "--minutes"), (["--minutes", 0], "--minutes"), (["--seconds", 5, "--clients", 0], "--clients"),
    (["--seconds", 5, "--load", "/nowhere"], "no program: /nowhere")])
def test_mistakes(options, complaint):
    done = run(*options)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_nothing_to_resume(tmp_path):
    done = run("--seconds", 5, "--resume", "--state", tmp_path)
    assert done.returncode == 2
    assert "nothing to resume" in done.stderr


def test_one_run_at_a_time(tmp_path):
    first = Folder(tmp_path)
    first.take()
    done = run("--seconds", 5, "--state", tmp_path)
    assert done.returncode == 2
    assert "another run has" in done.stderr


def test_help():
    done = run("--help")
    assert done.returncode == 0
    assert "--resume" in done.stdout


def short(folder, *options):
    return ["--periods", len(troubles.ALL), "--every", 1.2, "--clients", 8, "--state", folder, "--proxy", PROXY,
            "--load", BUILD / "bench/h3load", *options]


def judged(report):
    """The verdicts of its last lines."""
    return re.findall(r"(as wanted|NOT AS WANTED|not judged)", report)


def test_signal_is_heeded_at_a_pause_alone(tmp_path):
    world = World(tmp_path, {}, 1)
    before = signal.signal(signal.SIGUSR2, world.stop)
    try:
        world.pause(0.001)
        signal.raise_signal(signal.SIGUSR2)
        with pytest.raises(KeyboardInterrupt):
            world.pause(PATIENCE)
    finally:
        signal.signal(signal.SIGUSR2, before)


@pytest.mark.slow
def test_short_soak_that_is_interrupted_and_goes_on(tmp_path):
    """Two runs that share an account, until everything has gone wrong once: by the clock a slow machine gets less far."""
    with subprocess.Popen(command(*short(tmp_path)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as first:
        for text in first.stderr:
            if "requests" in text:
                first.send_signal(signal.SIGTERM)
                break
        report, rest = first.communicate(timeout=PATIENCE)
    assert first.returncode == 128 + signal.SIGINT, report + rest
    assert "--resume" in rest
    before = json.loads((tmp_path / "state.json").read_text())
    assert 0 < before["periods"] < len(troubles.ALL)

    done = run(*short(tmp_path, "--resume"))
    after = json.loads((tmp_path / "state.json").read_text())
    assert done.returncode == 0, done.stdout + done.stderr
    assert judged(done.stdout)[:3] == ["as wanted"] * 3
    assert after["seconds"] > before["seconds"] and after["verdicts"]["served"] > before["verdicts"]["served"]
    assert len(after["memory"]) == 2
    assert after["troubles"].keys() == set(map(troubles.name, troubles.ALL))
    assert re.search(r"acknowledged orders lost +0 of [1-9]", done.stdout)
