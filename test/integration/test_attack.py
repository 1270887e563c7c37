# SPDX-License-Identifier: MIT
"""An attack client against the real proxy before the real application, while an honest client asks for pages beside it.
That one is served, the proxy lives and stays small, and its counters tell what happened. H3EDGE_ATTACK=SECONDS (1) lets
each attack last; `pytest -s` shows the figures."""
import contextlib
import os
import signal
import subprocess

import pytest
from honest import MIB, Honest, Memory
from processes import BUILD, PATIENCE, Process, Proxy, count

SECONDS = int(os.environ.get("H3EDGE_ATTACK", 1))
CLIENT = BUILD / "test/attack/attack-client"


def each(**attacks):
    """What an attack leaves in the counters of the server, at least, after its first round."""
    return pytest.mark.parametrize("attack, least", attacks.items(), ids=attacks)


def begin_to_stop(proxy):
    """The signal that follows when it is left ends what is half-open still."""
    proxy.signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        proxy.popen.wait(0.5)


def serves_others(application, attack, least):
    with Proxy(application.url) as proxy:
        with Memory(proxy) as memory, Honest(proxy.url) as honest, \
                Process(CLIENT, proxy.port, attack, SECONDS) as attacker:
            assert attacker.wait(timeout=SECONDS + PATIENCE) == 0, attacker.output
        counters = proxy.counters()
        begin_to_stop(proxy)
    found = {name: count(counters, f"server {name}") for name in least}
    print(f"\n{attack}: {attacker.output.strip()}, {len(honest.times)} honest requests, the slowest took "
          f"{max(honest.times, default=0) * 1000:.0f} ms, resident {memory.most / MIB:.1f} MiB, {found}")
    assert honest.times and honest.faults == []
    assert memory.most < memory.mark
    assert {name: number for name, number in found.items() if number < least[name]} == {}


@each(resets_of_requests={"requests_reset_by_peer": 5}, resets_of_responses={"requests_reset_by_peer": 10},
      resets_at_once={"requests_reset_by_peer": 100}, resets_provoked={"requests_malformed": 100})
def test_resets(attack, least, application):
    serves_others(application, attack, least)


@each(tables_of_big_entries={"requests_refused": 10}, tables_waited_for={"connections_closed_by_us": 1},
      tables_rewritten={"useless_limited": 1}, tables_of_instructions={"useless_limited": 2})
def test_tables(attack, least, application):
    serves_others(application, attack, least)


@each(control_breaches={"connections_closed_by_us": 16}, control_floods={"connections_closed_by_us": 2},
      control_strange_streams={"connections_accepted": 1})
def test_control_streams(attack, least, application):
    serves_others(application, attack, least)


@each(slow_heads={"connections_accepted": 4}, slow_content={"requests": 40}, slow_readers={"requests": 40})
def test_slowness(attack, least, application):
    serves_others(application, attack, least)


@each(packets_forged={"connections_closed_by_us": 6}, packets_of_noise={"connections_closed_by_us": 10},
      packets_from_everywhere={"paths_migrated": 5, "path_changes_limited": 1})
def test_packets(attack, least, application):
    serves_others(application, attack, least)


@each(hellos_with_bad_parameters={"connections_closed_by_us": 12}, hellos_damaged={"connections_closed_by_us": 5},
      hellos_left_alone={"half_open": 30})
def test_hellos(attack, least, application):
    serves_others(application, attack, least)


@each(garbage_of_all_kinds={"datagrams_dropped": 1000, "stateless_resets_sent": 1, "version_negotiations_sent": 1},
      garbage_of_damaged_initials={"datagrams_dropped": 1000})
def test_garbage(attack, least, application):
    serves_others(application, attack, least)
