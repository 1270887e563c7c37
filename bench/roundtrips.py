#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What HTTP/3 wins back on a long way: h3edge-proxy beside nginx with HTTP/2, over a path with delay, loss and rate.

    sudo bench/roundtrips.py            all parts: about 15 minutes, after nginx and curl are installed
    sudo bench/roundtrips.py --quick    fewer visits, pages and downloads

Needs root (namespaces, TUN, chroot, debootstrap) and `sh .ci/packages.sh bench`. bench/README.md says what the figures
mean.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
from dataclasses import dataclass

from compare import figures, machine, picture, programs
from compare.load import Load
from compare.machine import say
from compare.setting import Setting, add_options, names, quick

NEAR, FAR = "10.9.0.1", "10.9.0.2"  # the ends of the path: client, server
URL = f"https://localhost:{programs.PORT}"
PROGRAMS = ["proxy", "load", "path"]
OBJECTS, BLOCK = 20, 10  # on a page; pages until the other server's turn


@dataclass
class Sample:
    """One time that somebody waited."""

    part: str
    case: str
    loss: float  # percent, each way
    number: int  # of the visit, page or download
    first_byte_ms: float
    last_byte_ms: float
    bytes: int


class Way:
    """The path between the namespaces, while `with` lasts: a device in each, with its address."""

    def __init__(self, bench, loss=0, rate=0, queue=256, seed=1, tcp="cubic"):
        """`tcp` is the congestion control of the far end's kernel: by route, since a namespace may not choose it."""
        self.bench, self.tcp = bench, tcp
        self.options = ["--delay", bench.args.rtt / 2, "--loss", loss, "--rate", rate, "--queue", queue, "--seed", seed]

    def __enter__(self):
        ends = ["/proc/self/ns/net", f"/proc/{self.bench.far}/ns/net"]
        self.path = programs.Program("path", [self.bench.built["path"], *self.options, *ends], self.bench.load_core,
                                     self.bench.root.work / "path.log", lambda: "ready" in self.path.output())
        self.path.__enter__()
        self.address(NEAR, [])
        self.address(FAR, self.bench.enter_far)
        return self

    def address(self, own, enter):
        other = FAR if own == NEAR else NEAR
        for words in (f"address add {own} dev path0", "link set path0 mtu 1500 txqueuelen 10000 up",
                      f"route add {other} dev path0 src {own} congctl {self.tcp}"):
            subprocess.run([*enter, "ip", *words.split()], check=True)

    def __exit__(self, *error):
        self.path.__exit__()
        if error[0] is None:
            carried = json.loads(self.path.output().splitlines()[-1])
            for way, counts in carried.items():
                self.bench.latest_ms = max(self.bench.latest_ms, counts["latest_ms"])
                if counts["latest_ms"] > 5:
                    say(f"  the machine was busy: a packet {way} came {counts['latest_ms']:.1f} ms late")


class Bench:
    """The far namespace with the servers in it, and what was measured."""

    def __init__(self, args, setting):
        self.args, self.setting, self.root, self.built = args, setting, setting.root, setting.built
        self.edge_core, self.load_core, self.origin_core = setting.cores
        self.load = Load(self.built["load"], self.load_core)
        self.samples, self.latest_ms = [], 0.0

    def __enter__(self):
        self.holder = programs.Program("namespace", ["unshare", "--net", "sh", "-c",
                                                     "ip link set lo up; exec sleep inf"], self.origin_core,
                                        self.root.work / "namespace.log")
        self.holder.ready = lambda: "sleep" in machine.read_or_empty(f"/proc/{self.holder.pid}/comm")
        self.holder.__enter__()
        self.far = self.holder.pid
        self.enter_far = ["nsenter", f"--net=/proc/{self.far}/ns/net"]
        return self

    def __exit__(self, *_):
        self.holder.__exit__()

    def origin(self):
        return programs.origin(self.root, self.origin_core, inside=self.far)

    def edge(self, name, *options, **more):
        return programs.edge(name, self.root, self.edge_core, self.built["proxy"], inside=self.far, address="0.0.0.0",
                             options=options, **more)

    def curl(self, *urls, options=(), timeout=60):
        """A fresh curl; for each URL the time of first and last byte, ms, and the bytes. Of the last one it keeps what
        the server says of the session."""
        each = [word for url in urls for word in ("-o", "/dev/null", f"{URL}{url}")]
        command = self.root.command(
            "curl", "-sk", "--connect-to", f"::{FAR}:", "--max-time", timeout, *options,
            "-w", "%{http_code} %{time_starttransfer} %{time_total} %{size_download} %header{x-session}\\n", *each)
        done = subprocess.run(command, capture_output=True, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, [self.load_core]))
        lines = [line.split() for line in done.stdout.splitlines()]
        if done.returncode not in (0, 28) or any(line[0] != "200" for line in lines) or len(lines) != len(urls):
            raise RuntimeError(f"curl: status {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
        self.session = lines[-1][4:]
        return [(float(first) * 1000, float(last) * 1000, int(size)) for _, first, last, size, *_ in lines]

    def add(self, part, case, loss, number, times):
        self.samples += [Sample(part, case, loss, number, *one) for one in times]

    def of(self, part, case, loss=None):
        return [s for s in self.samples if s.part == part and s.case == case and loss in (None, s.loss)]


# One visit each, on a path without loss

VISITS = ["HTTP/3, first", "HTTP/3, resumed", "HTTP/3, 0-RTT", "TCP + TLS 1.3, first", "TCP + TLS 1.3, resumed"]


def visits(bench):
    args = bench.args
    with Way(bench), bench.origin():
        for path in ("/1k", "/12k"):
            with bench.edge("h3edge", "--early-data", "safe"):
                # The visit before lasts ten round trips longer than its answer, so that the path's MTU is found.
                back = ["--resume", "--stay", args.rtt / 100]
                for case, options in zip(VISITS, ([], back, [*back, "--early"])):
                    say(f"visits {path}: {case}")
                    for number in range(args.visits):
                        visit_h3(bench, case, path, number, options)
            # It closes after each response: the next one resumes.
            with bench.edge("nginx", REQUESTS=1, MORE="add_header x-session $ssl_session_reused;"):
                say(f"visits {path}: TCP + TLS 1.3")
                for number in range(args.visits):
                    visit_tcp(bench, path, number)


def visit_h3(bench, case, path, number, options):
    """One connection with one request, times from its first packet."""
    result = bench.load.run(f"{URL}{path}", "--connect", f"{FAR}:{programs.PORT}", "--connect-each", "--requests", 1,
                            *options)
    if result.errors or ("--resume" in options) > result.resumed or ("--early" in options) > result.early_accepted:
        raise RuntimeError(f"{case} is not what happened: {result.figures}")
    bench.add(f"visits{path}", case, 0, number, [(result.first_byte_ms, result.p50_ms, result.bytes)])


def visit_tcp(bench, path, number):
    """Two connections of one curl."""
    first, resumed = bench.curl(path, path, options=["--http2"])
    if bench.session != ["r"]:
        raise RuntimeError("the second connection did not resume the first one's session")
    bench.add(f"visits{path}", VISITS[3], 0, number, [first])
    bench.add(f"visits{path}", VISITS[4], 0, number, [resumed])


def visits_table(bench):
    lines = []
    for case in VISITS:
        first = [s.first_byte_ms for s in bench.of("visits/1k", case)]
        last = [s.last_byte_ms for s in bench.of("visits/12k", case)]
        lines.append([case, *(text for values in (first, last) for text in visit_cells(values, bench.args.rtt))])
    return figures.markdown(["visit", "first byte, 1 KiB: ms, p50 (p90)", "round trips",
                             "last byte, 12 kB: ms, p50 (p90)", "round trips"], lines)


def visit_cells(values, rtt):
    median = statistics.median(values)
    return f"{median:.1f} ({figures.percentile(values, 0.9):.1f})", f"{median / rtt:.2f}"


# What is compared under loss: the edge, its options, curl's, and the congestion control of the kernel's TCP

CASES = {"HTTP/3 cubic": ("h3edge", ["--congestion", "cubic"], "--http3-only", "cubic"),
         "HTTP/3 bbr": ("h3edge", ["--congestion", "bbr"], "--http3-only", "cubic"),
         "TCP cubic": ("nginx", [], "--http2", "cubic"),
         "TCP bbr": ("nginx", [], "--http2", "bbr")}
RATIOS = {"cubic": ("HTTP/3 cubic", "TCP cubic"), "bbr": ("HTTP/3 bbr", "TCP bbr")}


# Pages of 20 objects

def objects(bench):
    for loss in bench.args.losses:
        for first in range(0, bench.args.pages, BLOCK):
            pages = range(first, min(first + BLOCK, bench.args.pages))
            for case, (name, options, version, tcp) in CASES.items():
                say(f"objects: {case} at {loss:g} % loss, page {first + 1} and on")
                with Way(bench, loss, bench.args.rate, seed=1 + first + int(loss * 10000), tcp=tcp), \
                        bench.origin(), bench.edge(name, *options):
                    for number in pages:
                        bench.add("objects", case, loss, number, page(bench, version))


def page(bench, version):
    return bench.curl(*["/20k"] * OBJECTS, options=[version, "--parallel", "--parallel-max", str(OBJECTS)])


def object_figures(bench, case, loss):
    times = [s.last_byte_ms for s in bench.of("objects", case, loss)]
    return [figures.percentile(times, share) for share in (0.5, 0.9, 0.99)]


def objects_table(bench):
    lines = []
    for loss in bench.args.losses:
        of = {case: object_figures(bench, case, loss) for case in CASES}
        lines.append([f"{loss:g} %", *(" / ".join(f"{value:.0f}" for value in of[case]) for case in CASES),
                      *(" / ".join(f"{mine / theirs:.2f}" for mine, theirs in zip(of[h3], of[tcp]))
                        for h3, tcp in RATIOS.values())])
    return figures.markdown(["loss", *(f"{case}: ms, p50 / p90 / p99" for case in CASES),
                             *(f"ratio, {name}" for name in RATIOS)], lines)


# A long download

def download(bench):
    args = bench.args
    for loss in args.download_losses:
        for number in range(args.downloads):
            for case, (name, options, version, tcp) in CASES.items():
                with Way(bench, loss, args.rate, args.queue, 1 + number, tcp), bench.origin(), \
                        bench.edge(name, *options):
                    times = bench.curl("/20m", options=[version], timeout=args.patience)
                bench.add("download", case, loss, number, times)
                say(f"download: {case} at {loss:g} % loss: {speed(bench.samples[-1]):.1f} Mbit/s")


def speed(sample):
    """Of a download that was whole or cut off, Mbit/s."""
    return sample.bytes * 8 / sample.last_byte_ms / 1000


def downloads_table(bench):
    def cell(case, loss):
        speeds = [speed(s) for s in bench.of("download", case, loss)]
        return f"{statistics.median(speeds):.1f} ({min(speeds):.1f}–{max(speeds):.1f})"

    lines = [[f"{loss:g} %", *(cell(case, loss) for case in CASES)] for loss in bench.args.download_losses]
    return figures.markdown(["loss", *(f"{case}: Mbit/s, median (range)" for case in CASES)], lines)


# The report

def visits_text(args):
    return (f"## One visit\n\n{args.rtt:g} ms round trip, no loss, no bottleneck, {args.visits} visits each. Times are "
            "from the first packet. HTTP/3 is h3load with h3edge-proxy, TCP is curl with nginx and HTTP/2. Who comes back "
            "over HTTP/3 has stayed for ten round trips before.\n\n")


def objects_text(args):
    return (f"## {OBJECTS} objects of 20 kB\n\n{args.pages} pages each, on one new connection, by the same curl; time "
            f"from the page's start to each object's last byte. {args.rtt:g} ms, {args.rate:g} Mbit/s, loss each "
            "way. HTTP/3 is h3edge-proxy, TCP is nginx with HTTP/2 and this kernel's.\n\n")


def downloads_text(args):
    return (f"## A download of 20 MiB\n\nBy the same curl, {args.downloads} each, cut off after {args.patience:g} s. "
            f"{args.rtt:g} ms, {args.rate:g} Mbit/s, queue of {args.queue:g} KiB, loss each way. TCP is this kernel's, "
            "with nginx.\n\n")


def report(bench):
    text = f"""# Round trips and loss

{bench.setting.heading()}The path delivered no packet later than {bench.latest_ms:.1f} ms after its time.
"""
    for part in bench.args.only:
        introduce, table = PARTS[part][1:3]
        text += "\n" + introduce(bench.args) + table(bench)
    return text


def panels(bench):
    """What to draw of each part, and its data."""
    scripts, blocks = [], []
    for part in bench.args.only:
        script, lines = PARTS[part][3](bench)
        scripts.append(script.replace("DATA", f"DATA{len(blocks)}"))
        blocks.append(lines)
    height = 420 * len(scripts)
    return (picture.HEAD.format(width=1000, height=height) + f"set multiplot layout {len(scripts)},1\n" +
            "set style fill solid 0.85 noborder\nset bmargin 4\nset key outside right top\n" + "\n".join(scripts) +
            "unset multiplot\n"), blocks


def visits_panel(bench):
    def trips(part, case, time):
        return statistics.median([getattr(s, time) for s in bench.of(part, case)]) / bench.args.rtt

    lines = [[picture.wrapped(case), trips("visits/1k", case, "first_byte_ms"),
              trips("visits/12k", case, "last_byte_ms")] for case in VISITS]
    return f"""set title "One visit at {bench.args.rtt:g} ms: round trips. Lower is better."
set ylabel "round trips"
set yrange [0:*]
set style data histograms
set style histogram clustered gap 1.5
plot DATA using 2:xtic(1) title "first byte, 1 KiB" lc rgb "{picture.COLOURS[0]}", \\
     DATA using 3 title "last byte, 12 kB" lc rgb "{picture.COLOURS[1]}"
""", lines


def objects_panel(bench):
    lines = [[f"{loss:g} %", *(value for case in CASES for value in object_figures(bench, case, loss)[:2])]
             for loss in bench.args.losses]
    plots = [f'DATA using 0:{2 + 2 * number + place}:xtic(1) title "{case} {name}" with linespoints pt 7 lw 2 '
             f'dt {2 - place} lc rgb "{picture.COLOURS[number]}"'
             for number, case in enumerate(CASES) for place, name in enumerate(("p50", "p90"))]
    return f"""set title "{OBJECTS} objects of 20 kB: time until an object is there. Lower is better."
set ylabel "ms"
set xlabel "loss each way"
set yrange [0:*]
plot {", ".join(plots)}
""", lines


def downloads_panel(bench):
    lines = [[f"{loss:g} %", *(statistics.median([speed(s) for s in bench.of("download", case, loss)])
                               for case in CASES)] for loss in bench.args.download_losses]
    plots = [f'DATA using {2 + i}{":xtic(1)" if i == 0 else ""} title "{case}" lc rgb "{picture.COLOURS[i]}"'
             for i, case in enumerate(CASES)]
    return f"""set title "A download of 20 MiB at {bench.args.rate:g} Mbit/s. Higher is better."
set ylabel "Mbit/s"
set xlabel "loss each way"
set yrange [0:*]
set style data histograms
set style histogram clustered gap 1.5
plot {", ".join(plots)}
""", lines


PARTS = {"visits": (visits, visits_text, visits_table, visits_panel),
         "objects": (objects, objects_text, objects_table, objects_panel),
         "download": (download, downloads_text, downloads_table, downloads_panel)}


def write_results(bench):
    text, setting = report(bench), bench.setting
    print(text)
    setting.write("roundtrips.csv", figures.comma_separated(bench.samples, Sample))
    setting.write("roundtrips.md", text)
    setting.write("roundtrips.svg", picture.draw(bench.root, "roundtrips", *panels(bench)))


def numbers(text):
    return [float(number) for number in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", type=names, default=list(PARTS), metavar="PART,PART",
                        help=f"{', '.join(PARTS)} (all)")
    parser.add_argument("--rtt", type=float, default=50, metavar="MS", help="round trip (50)")
    parser.add_argument("--rate", type=float, default=50, metavar="MBIT", help="for objects and download (50)")
    parser.add_argument("--queue", type=float, default=312, metavar="KIB",
                        help="for the download (312: one round trip)")
    parser.add_argument("--visits", type=int, default=25, metavar="N", help="of each kind (25)")
    parser.add_argument("--pages", type=int, default=50, metavar="N", help="of each kind (50)")
    parser.add_argument("--downloads", type=int, default=3, metavar="N", help="of each kind (3)")
    parser.add_argument("--patience", type=float, default=30, metavar="S", help="for one download (30)")
    quick(parser, visits=5, pages=10, downloads=1, patience=10)
    parser.add_argument("--losses", type=numbers, default=[0, 1, 2, 5], metavar="PERCENT,…",
                        help="for objects (0,1,2,5)")
    parser.add_argument("--download-losses", type=numbers, default=[0, 1, 2], metavar="PERCENT,…",
                        help="for the download (0,1,2)")
    add_options(parser, PROGRAMS)
    args = parser.parse_args()
    if set(args.only) - set(PARTS):
        parser.error(f"--only knows {', '.join(PARTS)}")
    return args


def main():
    args = arguments()
    with Bench(args, Setting(args, PROGRAMS, "scratch-roundtrips")) as bench:
        for part in args.only:
            PARTS[part][0](bench)
        write_results(bench)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
