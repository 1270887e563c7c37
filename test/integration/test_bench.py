# SPDX-License-Identifier: MIT
"""The comparisons in bench/: what they make of measurements, and the path that they lay between two namespaces."""
import ctypes
import glob
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from processes import BUILD, PATIENCE, ROOT, wait_until

sys.path.insert(0, str(ROOT / "bench"))
from compare import figures, idle, machine  # noqa: E402
from compare.figures import Measurement  # noqa: E402
from compare.rows import ROWS, chosen  # noqa: E402

H3PATH = BUILD / "bench/h3path"
SO_RCVBUFFORCE = 33  # of Linux: beyond what others may have, so that no queue of the kernel's drops any


def run(program, *options):
    return subprocess.run(["/usr/bin/python3", "-B", ROOT / "bench" / program, *options], capture_output=True,
                          text=True)


@pytest.mark.parametrize("program, option", [("compare.py", "--rounds"), ("roundtrips.py", "--losses")])
def test_help(program, option):
    done = run(program, "--help")
    assert done.returncode == 0, done.stderr
    assert option in done.stdout


@pytest.mark.parametrize("program, option, complaint", [
    ("compare.py", "--only=nothing", "unknown: nothing"),
    ("compare.py", "--idle=never", "--idle: invalid choice: 'never' (choose from 'kernel', 'system', 'awake')"),
    ("roundtrips.py", "--only=nothing", "--only knows visits, objects, download")])
def test_what_it_does_not_know(program, option, complaint):
    done = run(program, option)
    assert done.returncode == 2
    assert complaint in done.stderr


# Figures

def measured(peer, number, value, disturbance=0.0, errors=0):
    return Measurement("row", peer, number, 1, value, 100, errors, 1.0, 1000, 0.5, 0.5, 1.0, 2.0, disturbance)


def summary_of(peer, values, reference, disturbances=None):
    """Of a peer and a reference that measured these, round by round; None where one did not take part."""
    disturbances = disturbances or [0.0] * len(values)
    all_of_them = [measured(peer, number, value, disturbed)
                   for number, (value, disturbed) in enumerate(zip(values, disturbances)) if value is not None]
    all_of_them += [measured("nginx", number, value) for number, value in enumerate(reference) if value is not None]
    return figures.summarise(all_of_them, ("row", peer), ("row", "nginx"), 0.05)


def test_ratio_is_taken_within_a_round():
    """All values doubled in the second round, as on a machine that became slow: the ratio does not notice."""
    summary = summary_of("h3edge", [5, 10, 6], [10, 20, 10])
    assert (summary.value, summary.least) == (6, 5)
    assert (summary.ratio, summary.ratio_least, summary.ratio_most) == (0.5, 0.5, 0.6)
    assert (summary.rounds, summary.left_out, summary.forced) == (3, 0, False)


def test_disturbed_rounds_are_left_out():
    summary = summary_of("h3edge", [5, 500, 6], [10, 10, 10], [0, 0.5, 0])
    assert (summary.value, summary.ratio_most) == (5.5, 0.6)
    assert (summary.rounds, summary.left_out, summary.forced) == (2, 1, False)


def test_a_disturbed_reference_counts_too():
    """Its round says nothing about the ratio, though nobody disturbed the peer."""
    both = [measured("h3edge", number, 5) for number in range(3)]
    both += [measured("nginx", number, 10, 0.2 if number == 1 else 0) for number in range(3)]
    assert figures.summarise(both, ("row", "h3edge"), ("row", "nginx"), 0.05).left_out == 1


def test_all_rounds_count_when_too_few_are_undisturbed():
    summary = summary_of("h3edge", [5, 6, 7], [10, 10, 10], [0, 0.5, 0.5])
    assert (summary.rounds, summary.left_out, summary.forced) == (3, 2, True)
    assert summary.value == 6
    assert figures.cell(summary).endswith("*")


def test_a_row_may_be_a_ratio_to_another_row():
    both = [measured("h3edge", 0, 10), replace(measured("h3edge", 0, 12), row="more")]
    summary = figures.summarise(both, ("more", "h3edge"), ("row", "h3edge"), 0.05)
    assert (summary.value, summary.ratio) == (12, 1.2)


def test_a_row_brings_the_one_that_it_is_a_ratio_to():
    assert [row.name for row in chosen(["1k-10000"], heavy=False)] == ["1k-100x1", "1k-10000"]
    assert [row.name for row in chosen(["10m", "64k"], heavy=False)] == ["64k", "10m"]
    assert not any(row.heavy for row in chosen(None, heavy=False))
    assert chosen(None, heavy=True) == ROWS


def test_rounds_of_one_side_do_not_count():
    summary = summary_of("h3edge", [5, None, 7], [10, 10, None])
    assert (summary.value, summary.rounds) == (5, 1)
    assert summary_of("h3edge", [None], [10]) is None


def test_errors_of_all_rounds_are_told():
    both = [measured("h3edge", 0, 5, 0.9, errors=3), measured("h3edge", 1, 5, errors=1), measured("h3edge", 2, 5)]
    both += [measured("nginx", number, 10) for number in range(3)]
    summary = figures.summarise(both, ("row", "h3edge"), ("row", "nginx"), 0.05)
    assert (summary.errors, summary.left_out) == (4, 1)
    assert "4 errors" in figures.cell(summary)


def test_table():
    both = [measured("h3edge", 0, 5.04), measured("nginx", 0, 1234.5)]
    peers = ["h3edge", "nginx", "caddy"]
    summaries = {("row", peer): figures.summarise(both, ("row", peer), ("row", "nginx"), 0.05) for peer in peers}
    text = figures.table({"row": "a row"}, peers, summaries)
    head, _, line = text.splitlines()
    assert [cell.strip() for cell in head.split("|")[1:-1]] == ["", "h3edge", "nginx", "caddy"]
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells == ["a row", "5.04 (5.04) **0.00** [0.00–0.00]", "1,234 (1,234) **1.00** [1.00–1.00]", "—"]


def test_comma_separated():
    lines = figures.comma_separated([measured("h3edge", 2, 1 / 3)], Measurement).splitlines()
    assert lines[0].startswith("row,peer,round,place,value,")
    assert lines[1].startswith("row,h3edge,2,1,0.333333,100,")


def test_everybody_is_first_in_turn():
    assert [figures.rotated(["a", "b", "c"], number) for number in range(4)] == [
        ["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


@pytest.mark.parametrize("share, value", [(0, 1), (0.5, 5), (0.51, 6), (0.9, 9), (0.99, 10), (1, 10)])
def test_percentile(share, value):
    assert figures.percentile(range(10, 0, -1), share) == value


# The machine

STAT = """cpu  1000 0 1000 5000 0 0 100 50 0 0
cpu0 100 10 200 5000 7 1 20 40 0 0
cpu1 900 0 800 0 0 0 80 10 0 0
cpu10 1 1 1 1 1 1 1 1 1 1
intr 1 2 3
"""


def test_parse_stat():
    busy, stolen = machine.parse_stat(STAT, [0])
    assert (busy * machine.TICKS, stolen * machine.TICKS) == (331, 40)
    busy, stolen = machine.parse_stat(STAT, [0, 1])
    assert (busy * machine.TICKS, stolen * machine.TICKS) == (331 + 1780, 50)


def test_a_tree_is_a_process_and_all_below_it():
    assert sorted(machine.tree(5, {5: 1, 6: 5, 7: 6, 8: 5, 9: 1, 1: 0})) == [5, 6, 7, 8]


def test_cpu_of_a_tree():
    """A child that burns time counts, and one that sleeps hardly."""
    burn = "import time\nwhile time.process_time() < 0.3: pass\ninput()"
    command = ["sh", "-c", '"$@"; true', "sh", "/usr/bin/python3", "-c", burn]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as sh:
        end = time.monotonic() + 30
        while (used := machine.cpu_seconds(machine.tree(sh.pid))) < 0.3 and time.monotonic() < end:
            time.sleep(0.05)
        alone = machine.cpu_seconds([sh.pid])
        assert machine.resident_bytes(machine.tree(sh.pid)) > machine.resident_bytes([sh.pid]) > 100_000
        sh.communicate(b"\n")
    assert used >= 0.3
    assert alone < used - 0.2


def test_others_are_noticed():
    """Time of a process that is not ours is a disturbance; when it is ours it is none."""
    core = min(os.sched_getaffinity(0))
    burn = f"import os\nos.sched_setaffinity(0, [{core}])\nwhile True: pass"
    with subprocess.Popen(["/usr/bin/python3", "-c", burn]) as other:
        try:
            wait_until(lambda: machine.cpu_seconds([other.pid]) > 0.2)
            blind, knowing = machine.Watch([core], []), machine.Watch([core], [other.pid])
            _, _, before = knowing.before
            wait_until(lambda: knowing.read()[2] - before > 1.5)  # it shares the core with whatever runs beside this test
            blind, knowing = (watch.disturbance(watch.read(), 1, 0) for watch in (blind, knowing))
        finally:
            other.kill()
    assert blind > 0.7
    assert knowing < blind - 0.7


@pytest.mark.parametrize("available, names, expected", [
    ({0, 1}, {0: "a", 1: "b"}, (1, 0, 0)),
    ({0, 1, 2, 3}, {0: "a", 1: "b", 2: "c", 3: "d"}, (3, 2, 1)),
    ({0, 1, 2, 3}, {0: "a", 1: "a", 2: "b", 3: "b"}, (3, 1, 1)),
    ({0, 1}, {0: "a", 1: "a"}, (1, 0, 0)),
])
def test_cores(available, names, expected):
    assert machine.choose_cores(available, names.get) == expected


def test_cores_are_kept_awake(tmp_path, monkeypatch):
    monkeypatch.setattr(idle, "LATENCY", tmp_path / "latency")
    with idle.ruled("system"):
        assert not idle.LATENCY.exists()
    with idle.ruled("awake"):
        assert idle.LATENCY.read_bytes() == bytes(4)
        assert str(idle.LATENCY) in map(os.readlink, open_files())
        assert idle.describe("awake") == "Cores were asked not to sleep."
    assert str(idle.LATENCY) not in map(os.readlink, open_files())


def open_files():
    return [entry for entry in glob.glob("/proc/self/fd/*") if os.path.lexists(entry)]


@pytest.fixture
def halting(tmp_path, monkeypatch):
    """A virtual machine whose host has told it to halt at once: the file that says so."""
    monkeypatch.setattr(idle, "POLL", tmp_path / "guest_halt_poll_ns")
    monkeypatch.setattr(idle, "DRIVER", tmp_path / "current_driver")
    idle.DRIVER.write_text("haltpoll\n")
    idle.POLL.write_text("0\n")
    return idle.POLL


def test_cores_poll_before_they_halt(halting):
    """And afterwards as before, whatever happened meanwhile."""
    with idle.ruled("system"):
        assert idle.describe("system") == "Idle cores halted at once."
    with pytest.raises(KeyboardInterrupt):
        with idle.ruled("kernel"):
            assert halting.read_text() == "200000\n"
            assert idle.describe("kernel") == "Idle cores polled for up to 200 µs before they halted."
            raise KeyboardInterrupt
    assert halting.read_text() == "0\n"


TERMINATED = """
import os
import sys
from pathlib import Path
from compare import idle, machine
idle.DRIVER, idle.POLL = map(Path, sys.argv[1:])
machine.prepare_process(min(os.sched_getaffinity(0)))
with idle.ruled("kernel"):
    print(idle.POLL.read_text(), flush=True)
    sys.stdin.read()
"""


def test_cores_are_as_before_when_somebody_ends_it(halting):
    with subprocess.Popen(["/usr/bin/python3", "-B", "-c", TERMINATED, idle.DRIVER, halting], cwd=ROOT / "bench",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "200000\n"
        program.terminate()
        _, errors = program.communicate(timeout=PATIENCE)
    assert "KeyboardInterrupt" in errors
    assert halting.read_text() == "0\n"


def test_cores_that_idle_in_another_way(halting):
    idle.DRIVER.write_text("acpi_idle\n")
    with idle.ruled("kernel"):
        assert halting.read_text() == "0\n"
        assert idle.describe("kernel").endswith("(cpuidle driver: acpi_idle).")
    idle.DRIVER.unlink()
    assert idle.describe("kernel").endswith("(cpuidle driver: none).")


@pytest.mark.parametrize("of_the_system, mode", [("LATENCY", "awake"), ("POLL", "kernel")])
def test_cores_that_nobody_can_change(tmp_path, monkeypatch, halting, of_the_system, mode):
    monkeypatch.setattr(idle, of_the_system, tmp_path / "none" / "file")
    with pytest.raises(SystemExit, match=f"--idle {mode}: .*file: No such file or directory; --idle system changes"):
        with idle.ruled(mode):
            pass


def test_what_fails_meanwhile_is_not_about_idle_cores(halting):
    with pytest.raises(FileNotFoundError):
        with idle.ruled("kernel"):
            open("/none/file", encoding="ascii")


# The path

class Way:
    """Two namespaces joined by h3path; UDP sockets at both ends. `sent` counts what they have sent."""

    def __init__(self, *options):
        self.options, self.sent = options, {"there": 0, "back": 0}

    def __enter__(self):
        self.processes = []
        self.pids = [self.start("unshare", "--net", "sleep", "inf").pid for _ in range(2)]
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: all(os.readlink(f"/proc/{pid}/ns/net") != own for pid in self.pids))
        self.path = self.start(H3PATH, *self.options, *(f"/proc/{pid}/ns/net" for pid in self.pids),
                               stdout=subprocess.PIPE, text=True)
        assert self.path.stdout.readline() == "ready\n"
        self.sockets = [self.end(pid, f"10.9.0.{number}") for number, pid in enumerate(self.pids, 1)]
        return self

    def start(self, *command, **options):
        self.processes.append(subprocess.Popen([str(word) for word in command], **options))
        return self.processes[-1]

    def end(self, pid, address):
        enter = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        subprocess.run([*enter, "ip", "address", "add", f"{address}/24", "dev", "path0"], check=True)
        subprocess.run([*enter, "sh", "-c", "echo 1 2>/dev/null >/proc/sys/net/ipv6/conf/path0/disable_ipv6"])
        # Without IPv6 the kernel sends nothing by itself: all packets are ours.
        subprocess.run([*enter, "ip", "link", "set", "path0", "mtu", "1500", "txqueuelen", "10000", "up"],
                       check=True)
        one = socket_inside(pid)
        one.bind((address, 4433))
        one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        return one

    def cross(self, name, count, size=100):
        """Sends numbered datagrams that carry their time `there` or `back`. Returns those that arrived, as (number, sent,
        arrived): all that came before a mark, which is sent behind them, again and again, until the last one comes."""
        sender, receiver = self.sockets if name == "there" else reversed(self.sockets)
        to, arrived, last = receiver.getsockname(), [], count - 1
        receiver.settimeout(0.5)
        for number in range(count):
            sender.sendto(struct.pack("!Id", number, time.monotonic()).ljust(size), to)
        while not arrived or arrived[-1][0] < max(last, count):
            try:
                number, sent = struct.unpack("!Id", receiver.recv(2000)[:12])
                arrived.append((number, sent, time.monotonic()))
            except TimeoutError:
                last += 1
                assert last < count + 2 * PATIENCE
                sender.sendto(struct.pack("!Id", last, time.monotonic()), to)
        self.sent[name] += last + 1
        return arrived

    def counts(self):
        """Ends it."""
        self.path.terminate()
        return json.loads(self.path.communicate(timeout=PATIENCE)[0])

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.communicate()
        for one in self.sockets:
            one.close()


def socket_inside(pid):
    """A socket belongs to the namespace that it was made in."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as home, open(f"/proc/{pid}/ns/net") as away:
        assert libc.setns(away.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
        try:
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        finally:
            assert libc.setns(home.fileno(), 0) == 0


def why_no_path():
    if os.geteuid() != 0:
        return "needs root: network namespaces and TUN devices"
    if not shutil.which("ip"):
        return "needs ip, of iproute2"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        return "needs network namespaces, which this place does not allow"
    return None


needs_path = pytest.mark.skipif(bool(why_no_path()), reason=str(why_no_path()))


@needs_path
def test_path_delivers_in_order_and_never_early():
    with Way("--delay", 60) as way:
        both = [(name, way.cross(name, 200)) for name in ("there", "back")]
        counts = way.counts()
    for name, arrived in both:
        assert [number for number, *_ in arrived] == list(range(way.sent[name]))
        assert min(came - sent for _, sent, came in arrived) >= 0.06
        assert [counts[name][what] for what in ("came", "lost", "dropped")] == [way.sent[name], 0, 0]


@needs_path
def test_path_loses_its_share_and_the_same_again():
    def numbers(seed):
        with Way("--loss", 10, "--seed", seed) as way:
            arrived = [number for number, *_ in way.cross("there", 2000)]
            counts, sent = way.counts()["there"], way.sent["there"]
        assert arrived == sorted(arrived)
        assert (counts["came"], counts["lost"], counts["dropped"]) == (sent, sent - len(arrived), 0)
        assert 150 <= counts["lost"] <= 250
        return [number for number in arrived if number < 2000]

    first = numbers(7)
    assert numbers(7) == first
    assert numbers(8) != first


@needs_path
def test_path_keeps_its_rate_and_drops_what_does_not_fit():
    """1 Mbit/s carries a datagram of 1,250 bytes in 10 ms, and its heads make that 10.2. All of them would take 20 s."""
    with Way("--rate", 1, "--queue", 64) as way:
        arrived = way.cross("there", 2000, size=1250)
        counts = way.counts()["there"]
    assert counts["dropped"] == way.sent["there"] - len(arrived)
    large = [one for one in arrived if one[0] < 2000]
    assert 40 <= len(large) < 2000
    assert large[-1][2] - large[0][1] >= 0.0102 * len(large)


@pytest.mark.parametrize("options", [["--loss", "101", "a", "b"], ["--delay", "x", "a", "b"], ["a"], ["a", "b", "c"]])
def test_path_mistakes(options):
    done = subprocess.run([H3PATH, *options], capture_output=True, text=True)
    assert done.returncode > 0
    assert "h3path" in done.stderr


def test_path_says_what_it_cannot_open():
    done = subprocess.run([H3PATH, "/nowhere/a", "/nowhere/b"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "/nowhere/a" in done.stderr
