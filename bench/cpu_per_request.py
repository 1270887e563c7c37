#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""CPU time of h3edge-proxy per proxied request, over loopback.

A first, rough figure: the proxy between an HTTP/1.1 origin that does nothing but answer (asyncio, in a process of its
own) and libcurl over HTTP/3 (pycurl, many transfers at a time on one connection). Wall time says nothing here, since
origin and client are Python; the proxy's own CPU time, read from the scheduler's nanosecond counts, is the figure.

    python3 bench/cpu_per_request.py build/examples/proxy/h3edge-proxy [--requests N] [--parallel N] [--size BYTES]
"""

import argparse
import asyncio
import glob
import multiprocessing
import socket
import statistics
import subprocess
import sys

import pycurl


async def answer(response, ready):
    class Origin(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport, self.pending = transport, b""

        def data_received(self, data):
            *whole, self.pending = (self.pending + data).split(b"\r\n\r\n")
            self.transport.write(response * len(whole))

    server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def origin(size, ready):
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {size}\r\n\r\n"
    asyncio.run(answer(head.encode() + b"x" * size, ready))


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_us(pid):
    """User and system time of all threads, microseconds."""
    return sum(int(open(task).read().split()[0]) for task in glob.glob(f"/proc/{pid}/task/*/schedstat")) / 1e3


def transfer(multi, url):
    easy = pycurl.Curl()
    easy.setopt(pycurl.URL, url)
    easy.setopt(pycurl.HTTP_VERSION, 31)  # CURL_HTTP_VERSION_3ONLY
    easy.setopt(pycurl.SSL_VERIFYPEER, 0)
    easy.setopt(pycurl.SSL_VERIFYHOST, 0)
    easy.setopt(pycurl.PIPEWAIT, 1)
    easy.received = 0

    def count(data):
        easy.received += len(data)

    easy.setopt(pycurl.WRITEFUNCTION, count)
    multi.add_handle(easy)
    return easy


def load(multi, url, requests, parallel, size):
    """Runs the transfers; the number of those that did not bring a whole 200."""
    started = min(parallel, requests)
    easies = [transfer(multi, url) for _ in range(started)]
    done = failed = 0
    while done < requests:
        multi.perform()
        _, good, bad = multi.info_read()
        for easy in good + [entry[0] for entry in bad]:
            done += 1
            failed += easy.getinfo(pycurl.RESPONSE_CODE) != 200 or easy.received != size
            multi.remove_handle(easy)
            if started < requests:
                easy.received = 0
                multi.add_handle(easy)
                started += 1
        multi.select(0.1)
    del easies
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("proxy", help="the h3edge-proxy binary")
    parser.add_argument("--requests", type=int, default=5000, help="in each round (5000)")
    parser.add_argument("--parallel", type=int, default=10, help="at one time, on one connection (10)")
    parser.add_argument("--size", type=int, default=1024, help="bytes of content (1024)")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds, after one to warm up (5)")
    args = parser.parse_args()

    ready, child = multiprocessing.Pipe()
    process = multiprocessing.Process(target=origin, args=(args.size, child), daemon=True)
    process.start()
    port = free_udp_port()
    proxy = subprocess.Popen([args.proxy, "--listen", f"127.0.0.1:{port}", "--origin",
                              f"http://127.0.0.1:{ready.recv()}"], stdout=subprocess.PIPE)
    try:
        for line in proxy.stdout:
            if b"listening" in line:
                break
        multi, figures, url = pycurl.CurlMulti(), [], f"https://127.0.0.1:{port}/"
        multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, 1)
        for number in range(args.rounds + 1):
            before = cpu_us(proxy.pid)
            failed = load(multi, url, args.requests, args.parallel, args.size)
            figure = (cpu_us(proxy.pid) - before) / args.requests
            if number:
                figures.append(figure)
            print(f"round {number}{'' if number else ' (warm-up)'}: {figure:.1f} us per request, {failed} failed",
                  flush=True)
            if failed:
                return 1
        print(f"CPU per request: median {statistics.median(figures):.1f} us, min {min(figures):.1f}, "
              f"max {max(figures):.1f} ({args.requests} requests of {args.size} bytes, {args.parallel} at a time)")
        return 0
    finally:
        proxy.terminate()
        proxy.wait(10)
        process.terminate()


if __name__ == "__main__":
    sys.exit(main())
