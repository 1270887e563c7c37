# SPDX-License-Identifier: MIT
"""The exported names three times over: as the headers declare them, as the export lists name them (the record of the
ABI), as the built libraries have them."""
import re
import subprocess

from c_text import bare
from tap import SOURCE, differs, run, setting

DECLARED = re.compile(r"\bH3EDGE_API\b[^;(]*?\b(\w+)\s*\(")


def declared(text):
    """Preprocessor lines go first: they define the mark."""
    return set(DECLARED.findall(re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", bare(text), flags=re.M)))


def listed(text):
    body = text[text.index("global:") + len("global:"):text.index("local:")]
    return {name.strip() for name in body.split(";") if name.strip()}


def built(path):
    """Functions and data; the version itself (A) is no symbol that anybody calls."""
    done = subprocess.run(["nm", "-P", "-D", "--defined-only", path], check=True, capture_output=True, text=True)
    return {line.split()[0].split("@")[0] for line in done.stdout.splitlines() if line.split()[1] != "A"}


def compare(one, other, what, where):
    return [f"{name} is {what} but not {where}" for name in sorted(one - other)]


def complaints(in_headers, in_list, in_library):
    return (compare(in_headers, in_list, "declared", "listed") + compare(in_list, in_headers, "listed", "declared") +
            compare(in_list, in_library, "listed", "built") + compare(in_library, in_list, "built", "listed"))


def agree(headers, export_list, library):
    names = set().union(*(declared(path.read_text()) for path in headers))
    return complaints(names, listed((SOURCE / "lib" / export_list).read_text()), built(library))


def h3edge():
    headers = [path for path in (SOURCE / "include/h3edge").glob("*.h") if path.name != "uv.h"]
    return agree(headers, "h3edge.map", setting("H3EDGE_LIBRARY"))


def h3edge_uv():
    return agree([SOURCE / "include/h3edge/uv.h"], "h3edge-uv.map", setting("H3EDGE_UV_LIBRARY"))


def sorted_lists():
    result = []
    for path in (SOURCE / "lib").glob("*.map"):
        names = re.findall(r"^\s+(\w+);$", path.read_text(), re.M)
        result += [] if names == sorted(names) else [f"{path.name} is not in order"]
    return result


def faults_are_found():
    header = '''
#define H3EDGE_API __attribute__((visibility("default")))
/* H3EDGE_API int h3edge_comment(void); */
H3EDGE_API int h3edge_one(int (*call)(void), int two);
H3EDGE_API const char *h3edge_two(
    void);
static inline int h3edge_three(void) { return 3; }
'''
    export_list = "V {\n  global:\n    h3edge_two;\n    h3edge_four;\n  local:\n    *;\n};\n"
    return (differs(declared(header), {"h3edge_one", "h3edge_two"}) +
            differs(complaints(declared(header), listed(export_list), {"h3edge_two", "h3edge_five"}),
                    ["h3edge_one is declared but not listed", "h3edge_four is listed but not declared",
                     "h3edge_four is listed but not built", "h3edge_five is built but not listed"]))


run([
    ("libh3edge exports what its headers declare and its list names", h3edge),
    *([("libh3edge-uv exports what its header declares and its list names", h3edge_uv)]
      if setting("H3EDGE_UV_LIBRARY") else []),
    ("the export lists are in order", sorted_lists),
    ("each kind of difference is found", faults_are_found),
])
