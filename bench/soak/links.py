# SPDX-License-Identifier: MIT
"""A relay for TCP between the edge and an application, whose connections can be cut or come to a halt."""
import asyncio
import contextlib
import socket
import struct
import threading

PIECE = 64 << 10
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


class Links:
    """Everything that is sent to its port reaches `port`, and what is answered comes back."""

    def __init__(self, port):
        self.to = port
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.open = set()  # transports
        self.tasks = set()
        self.flows = asyncio.Event()

    def __enter__(self):
        self.thread.start()
        self.flow()
        self.server = self.call(asyncio.start_server(self.carry, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self.call(self.end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    async def end(self):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def cut(self):
        """Resets all that is open; what comes later finds its way."""
        self.loop.call_soon_threadsafe(self.reset)

    def reset(self):
        for transport in self.open:
            if transport.is_closing():
                continue  # it has no socket any more, and `carry` has not noticed yet
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            transport.abort()

    def halt(self):
        """Nothing is carried until `flow`."""
        self.loop.call_soon_threadsafe(self.flows.clear)

    def flow(self):
        self.loop.call_soon_threadsafe(self.flows.set)

    async def carry(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        transports = {writer.transport}
        self.open |= transports
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self.to)
            transports.add(other_writer.transport)
            self.open |= transports
            await asyncio.gather(self.pump(reader, other_writer), self.pump(other_reader, writer))
        except OSError:
            pass  # the other side sees it as an end of its own
        finally:
            for transport in transports:
                transport.abort()
            self.open -= transports
            self.tasks.discard(asyncio.current_task())

    async def pump(self, reader, writer):
        while piece := await reader.read(PIECE):
            await self.flows.wait()
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
