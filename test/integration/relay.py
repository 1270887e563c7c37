# SPDX-License-Identifier: MIT
"""A long way over loopback: a relay for UDP that holds every datagram for a while, and may be a NAT that forgets."""
import asyncio
import socket
import threading

CLIENTS_MAX = 100  # beyond them the eldest gets another port


class Relay:
    """Everything sent to its port reaches `port` after `delay` seconds, and what is answered takes as long."""

    def __init__(self, port, delay):
        self.to, self.delay = ("127.0.0.1", port), delay
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.backs = {}  # the socket that speaks for a client, by the client's address
        self.is_answered = False  # to the ports that clients come from now
        self.front = self.open(self.from_client)
        self.port = self.front.getsockname()[1]

    def open(self, on_readable, *args):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setblocking(False)
        one.bind(("127.0.0.1", 0))
        self.loop.add_reader(one, on_readable, *args)
        return one

    def from_client(self):
        data, client = self.front.recvfrom(65536)
        self.loop.call_later(self.delay, self.to_server, client, data)

    def to_server(self, client, data):
        if client not in self.backs:
            self.backs[client] = self.open(self.from_server, client)
        self.backs[client].sendto(data, self.to)
        if len(self.backs) > CLIENTS_MAX:
            self.forget(next(iter(self.backs)))

    def from_server(self, client):
        self.is_answered = True
        self.loop.call_later(self.delay, self.front.sendto, self.backs[client].recv(65536), client)

    def rebind(self):
        """From now on all clients come from other ports, and what is sent to the former ones is lost."""
        self.is_answered = False
        self.loop.call_soon_threadsafe(self.change_ports)

    def change_ports(self):
        self.is_answered = False
        for client in list(self.backs):
            self.forget(client)
            self.backs[client] = self.open(self.from_server, client)

    def forget(self, client):
        back = self.backs.pop(client)
        self.loop.remove_reader(back)
        back.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        for one in (self.front, *self.backs.values()):
            one.close()
