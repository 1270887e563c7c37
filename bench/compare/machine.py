# SPDX-License-Identifier: MIT
"""The machine: its cores, what runs on them, and network namespaces of our own."""
import glob
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

INSIDE = "H3EDGE_BENCH_INSIDE"  # set in the environment once namespaces are our own
TICKS = os.sysconf("SC_CLK_TCK")
BUFFER = 4 << 20  # bytes that a UDP socket should be able to hold


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def is_inside():
    """Whether the namespaces are our own already."""
    return INSIDE in os.environ


def enter_namespaces():
    """Starts this program again in network and mount namespaces of its own, with a loopback of ordinary packets. Path
    MTU discovery would find 64 KiB on the system's. When it returns, that is so."""
    if is_inside():
        subprocess.run(["ip", "link", "set", "lo", "mtu", "1500", "up"], check=True)
        return
    if os.geteuid() != 0:
        sys.exit("this makes network namespaces and runs programs by chroot: it needs root")
    os.environ[INSIDE] = "1"
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])


def siblings(core):
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    return path.read_text().strip() if path.exists() else str(core)


def choose_cores(available, sibling_of=siblings):
    """Those of edge, load generator and origin: on physical cores of their own as far as there are enough. With two,
    the origin shares the load generator's."""
    first, rest, seen = [], [], set()
    for core in sorted(available, reverse=True):  # the first core takes most interrupts: last
        name = sibling_of(core)
        (rest if name in seen else first).append(core)
        seen.add(name)
    cores = first + rest
    if len(cores) < 2:
        sys.exit("two cores are needed: one for the edge, one for load generator and origin")
    return cores[0], cores[1], cores[2] if len(first) > 2 else cores[1]


def buffers():
    """What the system makes of the wish for large receive buffers."""
    path = Path("/proc/sys/net/core/rmem_max")
    most = int(path.read_text()) if path.exists() else BUFFER
    if most < BUFFER:
        return f"This system lets a socket hold {most >> 10} KiB; {BUFFER >> 20} MiB were wanted (net.core.rmem_max)."
    return f"Sockets may hold {BUFFER >> 20} MiB."


def parents():
    """The parent of each process."""
    found = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = Path(path).read_text()
        except OSError:
            continue  # it has ended
        pid, rest = text.split(" ", 1)[0], text.rpartition(")")[2].split()
        found[int(pid)] = int(rest[1])
    return found


def tree(pid, parent_of=None):
    """A process and all that it started."""
    parent_of = parents() if parent_of is None else parent_of
    members = [pid]
    for member in members:
        members += [child for child, parent in parent_of.items() if parent == member]
    return members


def cpu_seconds(pids):
    """User and system time of all their threads, from the scheduler's nanosecond counts."""
    total = 0
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            try:
                total += int(Path(path).read_text().split()[0])
            except (OSError, IndexError):
                pass  # it has ended
    return total / 1e9


def resident_bytes(pids):
    total = 0
    for pid in pids:
        match = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
        total += int(match[1]) * 1024 if match else 0
    return total


def softirq_threads(cores):
    """The kernel's own threads that carry packets on these cores: ours as far as we make the packets."""
    names = {f"ksoftirqd/{core}" for core in cores}
    return [int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/comm") if read_or_empty(path) in names]


def read_or_empty(path):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def parse_stat(text, cores):
    """Seconds that these cores were busy, and that the hypervisor gave to somebody else, since the start."""
    busy = stolen = 0
    for core in cores:
        numbers = [int(word) for word in re.search(rf"^cpu{core} (.*)$", text, re.M)[1].split()]
        user, nice, system, _idle, _iowait, irq, softirq, steal = numbers[:8]
        busy += user + nice + system + irq + softirq
        stolen += steal
    return busy / TICKS, stolen / TICKS


class Watch:
    """What happens on some cores from now on, and how much of it is ours."""

    def __init__(self, cores, pids):
        self.cores, self.pids = cores, [*pids, os.getpid(), *softirq_threads(cores)]
        self.before = self.read()

    def read(self):
        return *parse_stat(Path("/proc/stat").read_text(), self.cores), cpu_seconds(self.pids)

    def disturbance(self, after, seconds, more_of_ours):
        """The share of these cores' time that was not ours until `after` was read: other programs' and stolen.
        `more_of_ours` are CPU seconds of a program that is not among the process ids."""
        busy, stolen, ours = (then - before for then, before in zip(after, self.before))
        others = max(0.0, busy - ours - more_of_ours)
        return (others + stolen) / (seconds * len(self.cores))


def prepare_process(core):
    """After the namespaces: signals that end it unwind it, and it has as many files as it may."""
    def stop(_number, _frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, [core])


def describe():
    """What this machine is, in a line."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    system = read_or_empty("/etc/os-release")
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', system, re.M)
    virtual = ", virtual" if re.search(r"\bhypervisor\b", Path("/proc/cpuinfo").read_text()) else ""
    return (f"{cpu[1] if cpu else 'unknown processor'}, {os.cpu_count()} cores{virtual}; "
            f"{os.uname().sysname} {os.uname().release}; {name[1] if name else 'unknown system'}")
