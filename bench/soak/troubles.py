# SPDX-License-Identifier: MIT
"""What goes wrong. Each trouble is over after `span` seconds, but for what the application needs to start."""
import random
import signal
import socket
import subprocess
import time

from test_hostile import long_header

DATAGRAMS_MAX = 20_000
CROWD, VANISHING = 32, 100  # connections


def origin_killed(world, dice, span):
    world.application.kill()
    world.pause(dice.uniform(0, span))
    world.restart_application()


def origin_halted(world, dice, span):
    """It neither answers nor ends."""
    world.application.signal(signal.SIGSTOP)
    world.pause(dice.uniform(span / 2, span))
    world.application.signal(signal.SIGCONT)


def nginx_worker_killed(world, dice, span):
    for _ in range(3 if world.nginx else 0):
        world.nginx.kill_worker()
        world.pause(span / 4)


def links_cut(world, dice, span):
    for _ in range(5):
        world.links.cut()
        world.pause(span / 5)


def links_halted(world, dice, span):
    world.links.halt()
    world.pause(span)
    world.links.flow()


def clients_change_their_ports(world, dice, span):
    """No more often than a connection may (max_path_changes)."""
    for _ in range(2):
        world.relay.rebind()
        world.pause(span / 2)


def garbage(world, dice, span):
    """Random bytes, unknown versions, and Initials that decrypt to nothing."""
    end = time.monotonic() + span
    kinds = [lambda: dice.randbytes(dice.randint(0, 1500)), lambda: long_header(0x1A2A3A4A, 1200, dice.randbytes(8)),
             lambda: long_header(1, 18, dice.randbytes(8)) + b"\x00\x44\x96" + dice.randbytes(1182)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(DATAGRAMS_MAX):
            sender.sendto(dice.choice(kinds)(), ("127.0.0.1", world.edge.port))
            if time.monotonic() > end or world.is_to_stop:
                break


def crowd(world, dice, span):
    """Connections that make one request each, as fast as they can."""
    load(world, span + 30, "--connect-each", "--connections", CROWD, "--duration", span)


def clients_vanish(world, dice, span):
    """They are killed with their connections open; the edge finds out when these were idle for long enough."""
    load(world, span, "--connections", VANISHING, "--idle", 600)


def load(world, timeout, *options):
    """Killed after so many seconds. Its own verdict is of no interest: the visitors judge."""
    command = (world.built["load"], f"https://localhost:{world.edge.port}/users/1", "--connect",
               f"127.0.0.1:{world.edge.port}", *options)
    end = time.monotonic() + timeout
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as one:
        try:
            while one.poll() is None and time.monotonic() < end:
                world.pause(0.05)
        finally:
            one.kill()


ALL = [origin_killed, origin_halted, nginx_worker_killed, links_cut, links_halted, clients_change_their_ports, garbage,
       crowd, clients_vanish]


def name(trouble):
    return trouble.__name__.replace("_", " ")


def of_period(seed, number):
    """All in turn, each time in another order."""
    cycle, place = divmod(number, len(ALL))
    return random.Random(seed + cycle).sample(ALL, len(ALL))[place]
