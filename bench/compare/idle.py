# SPDX-License-Identifier: MIT
"""What a core does that has nothing to do: it halts or sleeps, and is dear to wake, or it polls for a while first."""
import contextlib
import struct
import sys
from pathlib import Path

LATENCY = Path("/dev/cpu_dma_latency")  # whoever holds it open says how many microseconds a core may take to wake
DRIVER = Path("/sys/devices/system/cpu/cpuidle/current_driver")
POLL = Path("/sys/module/haltpoll/parameters/guest_halt_poll_ns")  # of virtual machines; the kernel's default is 200,000


@contextlib.contextmanager
def awake(wanted):
    """Meanwhile no core sleeps, if that is wanted."""
    with contextlib.ExitStack() as stack:
        if wanted:
            with explained("--awake", LATENCY):
                stack.enter_context(open(LATENCY, "wb", buffering=0)).write(struct.pack("=i", 0))
        yield


@contextlib.contextmanager
def polling(microseconds):
    """Meanwhile an idle core polls for up to so long before it halts; None: as long as ever."""
    if microseconds is None:
        yield
        return
    with explained("--halt-poll", POLL):
        before = POLL.read_text()
        POLL.write_text(f"{microseconds * 1000}\n")
    try:
        yield
    finally:
        POLL.write_text(before)


@contextlib.contextmanager
def explained(option, path):
    """What the system refuses is about this option."""
    try:
        yield
    except OSError as error:
        sys.exit(f"{option}: {path}: {error.strerror}")


def describe(kept_awake):
    """What holds at this moment, as a sentence."""
    if kept_awake:
        return "Cores were asked not to sleep."
    driver = DRIVER.read_text().strip() if DRIVER.exists() else "none"
    if driver != "haltpoll" or not POLL.exists():
        return f"What an idle core does was left to the system (cpuidle driver: {driver})."
    most = int(POLL.read_text()) / 1000
    return f"Idle cores polled for up to {most:g} µs before they halted." if most else "Idle cores halted at once."
