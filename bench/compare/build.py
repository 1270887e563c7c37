# SPDX-License-Identifier: MIT
"""A release build of this tree in a folder of its own."""
import os
import re
import subprocess
import sys
from pathlib import Path

from .machine import say

SOURCE = Path(__file__).resolve().parents[2]
PROGRAMS = {"proxy": "examples/proxy/h3edge-proxy", "load": "bench/h3load", "path": "bench/h3path"}


def default_work():
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "h3edge-bench"


def release(folder, wanted):
    """Builds `wanted`, names of PROGRAMS, in the folder."""
    if not wanted:
        return
    if not (folder / "build.ninja").exists():
        say(f"setting up a release build in {folder}")
        run(["meson", "setup", str(folder), str(SOURCE), "-Db_lto=true"])  # with -O2: -O3 takes more instructions
    say("building", ", ".join(wanted))
    run(["ninja", "-C", str(folder), *(PROGRAMS[name] for name in wanted)])


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}")


def versions(proxy):
    """Of our own program and what it is built on."""
    def output(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True).stdout.strip()
        except OSError:
            return ""

    safe = ["git", "-c", f"safe.directory={SOURCE}", "-C", str(SOURCE)]
    own = re.search(r"\d+(\.\d+)+", output(str(proxy), "--version"))
    commit = output(*safe, "rev-parse", "--short", "HEAD")
    changed = "+changes" if output(*safe, "status", "--porcelain", "--", "lib", "include", "examples") else ""
    found = {"h3edge": f"{own[0] if own else 'unknown'} ({commit}{changed})"}
    for name, package in (("ngtcp2", "libngtcp2"), ("nghttp3", "libnghttp3"), ("GnuTLS", "gnutls")):
        found[name] = output("pkg-config", "--modversion", package) or "unknown"
    return found
