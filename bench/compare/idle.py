# SPDX-License-Identifier: MIT
"""What a core does that has nothing to do: it halts or sleeps, and is dear to wake, or it polls for a while first."""
import contextlib
import struct
import sys
from pathlib import Path

MODES = ["kernel", "system", "awake"]
LATENCY = Path("/dev/cpu_dma_latency")  # whoever holds it open says how many microseconds a core may take to wake
DRIVER = Path("/sys/devices/system/cpu/cpuidle/current_driver")
POLL = Path("/sys/module/haltpoll/parameters/guest_halt_poll_ns")  # of virtual machines
KERNELS_POLL = 200000  # ns, where nobody has said otherwise


@contextlib.contextmanager
def ruled(mode):
    """Meanwhile idle cores do what the kernel has them do by default, or what this system was set up for, or they stay
    awake. Afterwards all is as it was."""
    with contextlib.ExitStack() as stack:
        with explained(mode):
            if mode == "awake":
                stack.enter_context(open(LATENCY, "wb", buffering=0)).write(struct.pack("=i", 0))
            elif mode == "kernel" and driver() == "haltpoll":
                stack.callback(POLL.write_text, POLL.read_text())
                POLL.write_text(f"{KERNELS_POLL}\n")
        yield


@contextlib.contextmanager
def explained(mode):
    """What the system refuses is about this mode."""
    try:
        yield
    except OSError as error:
        sys.exit(f"--idle {mode}: {error.filename}: {error.strerror}; --idle system changes nothing")


def driver():
    return DRIVER.read_text().strip() if DRIVER.exists() else "none"


def describe(mode):
    """What holds at this moment, as a sentence."""
    if mode == "awake":
        return "Cores were asked not to sleep."
    if driver() != "haltpoll":
        return f"What an idle core does was left to the system (cpuidle driver: {driver()})."
    most = int(POLL.read_text()) / 1000
    return f"Idle cores polled for up to {most:g} µs before they halted." if most else "Idle cores halted at once."
