# SPDX-License-Identifier: MIT
"""A flood of Initials that nobody means, each from another address: honest clients are served. `H3EDGE_FLOOD=60 pytest -s
test_flood.py` lets it last so many seconds and shows the figures; H3EDGE_FLOOD_RATE is for a second (50,000)."""
import contextlib
import os

from honest import MIB, Honest, Memory, is_sanitized
from processes import BUILD, PATIENCE, Process, Proxy, count

IS_LONG = "H3EDGE_FLOOD" in os.environ
SECONDS = int(os.environ.get("H3EDGE_FLOOD", 4))
CLIENTS = 4
LONGEST = 10 if IS_LONG else 30  # wait of a client, in seconds: a short flood is there to show that all are answered


def usual_rate():
    return 50000 if IS_LONG else 1000 if is_sanitized() else 5000


def percentiles(times):
    times = sorted(times)
    return ", ".join(f"p{share} {times[(len(times) - 1) * share // 100] * 1000:.0f} ms" for share in (50, 90, 99, 100))


def test_honest_clients_are_served_in_a_flood(application):
    rate = int(os.environ.get("H3EDGE_FLOOD_RATE", usual_rate()))
    with Proxy(application.url) as proxy:
        with Process(BUILD / "test/attack/attack-flood", proxy.port, rate, SECONDS) as flood, Memory(proxy) as memory:
            flood.wait_for("flooding")
            with contextlib.ExitStack() as clients:
                honest = [clients.enter_context(Honest(proxy.url, timeout=LONGEST)) for _ in range(CLIENTS)]
                sent = int(flood.wait_for(r"(\d+) sent", timeout=SECONDS + PATIENCE)[1])
                meanwhile = sum(len(one.times) for one in honest)
        counters = proxy.counters()
    served = [took for one in honest for took in one.times]
    faults = [fault for one in honest for fault in one.faults]
    print(f"\n{sent} Initials in {SECONDS} s; {len(served)} of {len(served) + len(faults)} honest requests answered: "
          f"{percentiles(served)}\nresident {memory.first / MIB:.1f} MiB, at most {memory.most / MIB:.1f}")
    for name in ("datagrams_received", "datagrams_dropped", "retries_sent", "retries_limited", "half_open",
                 "half_open_refused", "handshakes_timed_out", "handshakes_completed"):
        print(f"{name} {count(counters, f'server {name}')}")
    assert meanwhile and 100 * len(served) >= 99 * (len(served) + len(faults)), faults[:5]
    assert count(counters, "server retries_sent") > min(sent, rate * SECONDS) / 100, "this was no flood"
    assert memory.most < memory.mark
