# SPDX-License-Identifier: MIT
"""An HTTP/1.1 origin that kills itself (SIGKILL) where the request says, and is born again at once:

    GET  /read/N       after N bytes of the request were read
    GET  /sized/N      after N bytes of the response were sent, or not at all when it is shorter
    GET  /chunked/N    the same, with chunks
    POST /order/X/N    the same; X is written to the ledger before

    mortal.py LEDGER
"""
import ctypes
import os
import signal
import socket
import sys
import threading

CONTENT = b"".join(b"%d " % number for number in range(600))
PR_SET_PDEATHSIG = 1


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def response(framing):
    """Whole, as it is sent."""
    if framing != "chunked":
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(CONTENT), CONTENT)
    pieces = [CONTENT[at:at + 500] for at in range(0, len(CONTENT), 500)] + [b""]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks


def answer(link, ledger):
    """One request, whose head comes in one piece. Returns whether the link goes on."""
    head = link.recv(65536, socket.MSG_PEEK)
    if not head:
        return False
    _, kind, *name, at = head.split(b" ")[1].decode().split("/")
    if kind == "read":
        link.recv(int(at))
        die()
    link.recv(len(head))
    if name:
        os.write(ledger, name[0].encode() + b"\n")
    whole = response(kind)
    link.sendall(whole[:int(at)])
    if int(at) <= len(whole):
        die()
    return True


def serve(link, ledger):
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while answer(link, ledger):
        pass
    link.close()


def live(listener, ledger):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    while True:
        link, _ = listener.accept()
        threading.Thread(target=serve, args=(link, ledger), daemon=True).start()


def main():
    ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    while True:
        child = os.fork()
        if not child:
            live(listener, ledger)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
