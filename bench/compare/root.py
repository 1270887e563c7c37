# SPDX-License-Identifier: MIT
"""A Debian in a folder, with what is compared in it: nginx, HAProxy and Caddy, a curl with HTTP/3, and gnuplot (four
small packages; matplotlib would be ten times as many)."""
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .machine import say

PACKAGES = ["nginx", "haproxy", "caddy", "curl", "gnuplot-nox"]
SUITES = ["sid", "trixie"]  # the newest that peers have; else Debian 13
INSIDE = "/mnt"  # where the work folder appears


def mirror():
    """The one that this machine's apt uses."""
    name = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
         f"Codename: {name[1] if name else 'stable'}"], capture_output=True, text=True).stdout.split()
    if not found:
        sys.exit("apt knows no mirror of Debian here: name one with --mirror")
    return found[0]


def debootstrap(suite, folder, uri):
    """Tells a line now and then; returns whether it went well."""
    told, last = 0.0, ""
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(folder), uri]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            last = line.strip().replace(uri.rstrip("/"), "the mirror")
            if time.monotonic() - told > 5:
                told = time.monotonic()
                say(f"  {suite}: {last}")
    if process.returncode:
        say(f"  {suite} failed: {last}")
    return process.returncode == 0


def install(folder, uri=None):
    """Makes it unless it is there. It takes the name only when it is whole."""
    if (folder / "usr/sbin/nginx").exists():
        return
    if not shutil.which("debootstrap"):
        sys.exit("debootstrap is missing: sh .ci/packages.sh bench")
    if os.geteuid() != 0:
        sys.exit("installing the peers needs root")
    say(f"installing {', '.join(PACKAGES)} in {folder} (two minutes or so; the next time they are there)")
    begun = folder.with_name(folder.name + ".new")
    for suite in SUITES:
        shutil.rmtree(begun, ignore_errors=True)
        begun.parent.mkdir(parents=True, exist_ok=True)
        if debootstrap(suite, begun, uri or mirror()):
            begun.rename(folder)
            return
    sys.exit("the peers could not be installed")


class Root:
    """The folder as programs inside see it. Mounts belong to our own mount namespace and go with it."""

    def __init__(self, folder, work):
        self.folder, self.work = folder, work
        for source, target, kind in (("proc", "proc", ["-t", "proc"]), ("/dev", "dev", ["--rbind"]),
                                     (str(work), INSIDE[1:], ["--bind"])):
            subprocess.run(["mount", *kind, source, str(folder / target)], check=True)

    def command(self, *words):
        return ["chroot", str(self.folder), *map(str, words)]

    def output(self, *words, **options):
        done = subprocess.run(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              **options)
        return done.stdout

    def version(self, *words):
        """The first number with dots in what it says."""
        match = re.search(r"\d+(\.\d+)+", self.output(*words))
        return match[0] if match else "unknown"

    def versions(self):
        release = (self.folder / "etc/debian_version").read_text().strip()
        return {"nginx": self.version("nginx", "-v"), "haproxy": self.version("haproxy", "-v"),
                "caddy": self.version("caddy", "version"), "curl": self.version("curl", "--version"),
                "their Debian": release}
