# SPDX-License-Identifier: MIT
"""What the compiled layers ask the linker for: each only what its place allows, and the whole of libh3edge nothing that
reads, writes, waits or tells the time."""
import re
import subprocess
import tempfile
from pathlib import Path

from rules import BELOW, LIBRARIES
from tap import differs, run, setting

# The C library's functions that only compute, or that manage memory. Everything else has to be asked for here, with
# good reason: no sockets, files, resolvers or clocks. The memory register has a lock, and a key that nobody knows.
PURE = {
    "malloc", "calloc", "realloc", "free", "explicit_bzero", "bcmp", "memchr", "memcmp", "memcpy", "memmove", "memrchr",
    "memset", "strchr", "strcmp", "strcspn", "strlen", "strncmp", "strrchr", "strspn", "snprintf",
    "vsnprintf", "inet_ntop", "inet_pton", "getrandom", "pthread_mutex_init",
    "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_mutex_destroy",
}
# What a compiler adds: assert, stack protection, start and end of a library, coverage and sanitizers.
COMPILER = re.compile(r"__assert_fail|__stack_chk_fail|__(mem\w+|v?snprintf|explicit_bzero)_chk|__cxa_finalize|"
                      r"__gmon_start__|__tls_get_addr|_ITM_\w+|_GLOBAL_OFFSET_TABLE_|"
                      r"__(asan|ubsan|tsan|sanitizer|gcov)_\w+")
OURS = re.compile(r"h3edge__?\w+")
# Data that a program could change: everything but constants that hold addresses.
WRITABLE = re.compile(r"\.(t?data|t?bss)(?!\.rel\.ro)(\..*)?$")
SYMBOL = re.compile(r"^[0-9a-f]+ .{7} (?P<section>\S+)\t[0-9a-f]+ +(?:\.hidden )?(?P<name>\S+)$", re.M)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def names(path, *options):
    """Symbols without their versions."""
    lines = output("nm", "-P", *options, str(path)).splitlines()
    return {line.split()[0].split("@")[0] for line in lines if len(line.split()) > 1}


def layers():
    return dict(pair.split("=", 1) for pair in setting("H3EDGE_LAYERS").split(";"))


def library_of(name):
    return next((library for library in LIBRARIES if name.startswith(library + "_")), None)


def foreign(layer, undefined):
    """Symbols of a library that has another place."""
    return [f"{layer} uses {name}" for name in sorted(undefined)
            if library_of(name) and layer not in LIBRARIES[library_of(name)]]


def upward(layer, undefined, owners):
    """Functions of ours that stand neither in the layer nor below it. The gateway uses the others by their public
    names, which is what it is there to show."""
    allowed = BELOW[layer] | {layer}
    public = layer == "gateway"
    return [f"{layer} uses {name} of {owners.get(name, 'nobody')}" for name in sorted(undefined)
            if OURS.fullmatch(name) and owners.get(name) not in allowed
            and not (public and not name.startswith("h3edge__"))]


def layer_symbols(check):
    archives = layers()
    owners = {name: layer for layer, path in archives.items() for name in names(path, "--defined-only", "-g")}
    return [complaint for layer, path in archives.items()
            for complaint in check(layer, names(path, "--undefined-only"), owners)]


def libraries_in_their_place():
    return layer_symbols(lambda layer, undefined, owners: foreign(layer, undefined))


def arrows_down():
    return layer_symbols(upward)


def impure(undefined):
    return sorted(name for name in undefined
                  if name not in PURE and not COMPILER.fullmatch(name) and library_of(name) in (None, "uv"))


def no_input_output_or_clock():
    return [f"libh3edge imports {name}" for name in impure(names(setting("H3EDGE_LIBRARY"), "-D", "--undefined-only"))]


def writable(objects):
    """Variables in the text that objdump -t prints. The names of a sanitizer's own begin with dots and underscores."""
    return [match["name"] for match in SYMBOL.finditer(objects)
            if WRITABLE.match(match["section"]) and re.match(r"[A-Za-z]", match["name"])]


def no_variables():
    return [f"{layer} keeps a variable: {name}" for layer, path in layers().items()
            for name in writable(output("objdump", "-t", path))]


def compiled(text):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "bad.c"
        source.write_text(text)
        output(*setting("H3EDGE_CC").split(), "-fPIC", "-c", str(source), "-o", f"{folder}/bad.o")
        return names(f"{folder}/bad.o", "--undefined-only"), output("objdump", "-t", f"{folder}/bad.o")


def foreign_symbols_are_found():
    return differs(foreign("upstream", {"llhttp_init", "nghttp3_conn_del", "gnutls_init", "uv_now", "memcpy"}),
                   ["upstream uses gnutls_init", "upstream uses nghttp3_conn_del", "upstream uses uv_now"])


def arrows_up_are_found():
    owners = {"h3edge__conn_wake": "quic", "h3edge__map_get": "util", "h3edge_request_write": "request"}
    return (differs(upward("upstream", {"h3edge__conn_wake", "h3edge__map_get", "h3edge_request_write"}, owners),
                    ["upstream uses h3edge__conn_wake of quic", "upstream uses h3edge_request_write of request"]) +
            differs(upward("gateway", {"h3edge__conn_wake", "h3edge__map_get", "h3edge_request_write"}, owners),
                    ["gateway uses h3edge__conn_wake of quic"]))


def input_and_clocks_are_found():
    undefined, _ = compiled('''
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
int bad(char *text, size_t len);
int bad(char *text, size_t len) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (fopen(text, "r") || gethostbyname(text)) puts(text);
  return socket(AF_INET, SOCK_DGRAM, 0) + (int)time(NULL) + (memchr(text, 0, len) != NULL);
}
''')
    return differs(impure(undefined), ["clock_gettime", "fopen", "gethostbyname", "puts", "socket", "time"])


def variables_are_found():
    _, objects = compiled('''
static int counter;
static int seed = 7;
static _Thread_local int here;
static const char *const names[] = {"a", "b"};
static const int table[] = {1, 2};
const char *bad(int i);
const char *bad(int i) {
  static int calls;
  counter += ++calls + here++ + seed++;
  return names[table[i] + counter];
}
''')
    found = sorted(re.sub(r"^bad\.|\.\d+$", "", name) for name in writable(objects))  # clang's calls, gcc's
    return differs(found, ["calls", "counter", "here", "seed"])


run([
    ("each library is used in its own layer only", libraries_in_their_place),
    ("a library in a foreign layer is found", foreign_symbols_are_found),
    ("functions are called downwards only", arrows_down),
    ("a call upwards is found", arrows_up_are_found),
    ("libh3edge imports no socket, file, resolver or clock", no_input_output_or_clock),
    ("an import of each kind is found", input_and_clocks_are_found),
    ("libh3edge keeps no variables", no_variables),
    ("a variable of each kind is found", variables_are_found),
])
