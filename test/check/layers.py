# SPDX-License-Identifier: MIT
"""Every #include points down: to the file's own layer, to one below it, or to a public header."""
from c_text import includes
from rules import BELOW, LIBRARIES
from tap import SOURCE, differs, run

LIB = SOURCE / "lib"


def library_of(header):
    """The library that a system header belongs to, of those with a layer of their own; else None."""
    first = header.split("/")[0].removesuffix(".h")
    return first if first in LIBRARIES else None


def quoted_fault(layer, header):
    other = header.split("/")[0] if "/" in header else None
    if other not in BELOW:
        return "is not written as layer/file.h"
    if other != layer and other not in BELOW[layer]:
        return f"reaches from {layer} into {other}"
    return None


def bracketed_fault(layer, file, header):
    library = library_of(header)
    if library and layer not in LIBRARIES[library]:
        return f"brings {library} into {layer}"
    if layer == "link" and library and not file.startswith("tls"):
        return f"brings {library} to links without TLS"
    if header == "h3edge/uv.h" and layer != "uv":
        return f"brings the libuv binding into {layer}"
    return None


def fault(layer, file, include):
    header = include[1:-1]
    return quoted_fault(layer, header) if include[0] == '"' else bracketed_fault(layer, file, header)


def complaints_about(layer, name, text):
    found = ((include, fault(layer, name.split("/")[-1], include)) for include in includes(text))
    return [f"{name}: {include} {why}" for include, why in found if why]


def the_library():
    files = sorted(path for layer in BELOW for path in (LIB / layer).glob("**/*.[ch]"))
    result = [] if files else ["lib/ is empty"]
    for path in files:
        name = path.relative_to(LIB)
        result += complaints_about(name.parts[0], f"lib/{name}", path.read_text())
    return result


def no_other_folder():
    folders = {path.name for path in LIB.iterdir() if path.is_dir()}
    return [f"lib/{name} stands in no list of layers" for name in sorted(folders - BELOW.keys())]


def public_fault(header, include):
    name = include[1:-1]
    if include[0] == '"':
        return "is not written <h3edge/…>"
    library = library_of(name)
    if header != "uv.h" and (library or name == "h3edge/uv.h"):
        return "may stand in uv.h only"
    if library not in (None, "uv"):
        return "belongs to the inside"
    return None


def public_complaints(header, text):
    found = ((include, public_fault(header, include)) for include in includes(text))
    return [f"{header}: {include} {why}" for include, why in found if why]


def the_headers():
    return [complaint for path in sorted((SOURCE / "include/h3edge").glob("*.h"))
            for complaint in public_complaints(path.name, path.read_text())]


def example_complaints(name, text, siblings):
    result = []
    for include in includes(text):
        inside = include[0] == '"' and include[1:-1] not in siblings
        if inside or library_of(include[1:-1]) not in (None, "uv"):
            result.append(f"{name}: {include} is not public")
    return result


def the_examples():
    result = []
    for path in sorted((SOURCE / "examples").glob("**/*.[ch]")):
        siblings = {other.name for other in path.parent.glob("*.h")}
        result += example_complaints(path.relative_to(SOURCE), path.read_text(), siblings)
    return result


def faults_in_the_library_are_found():
    bad = '''
#include "util/map.h"
#include "h3/session.h"
#include "map.h"
#include "../h3/session.h"
/* #include "h3/server.h" */
 # include <nghttp3/nghttp3.h>
#include <llhttp.h>
#include <ngtcp2/ngtcp2.h>
#include <h3edge/server.h>
#include <h3edge/uv.h>
#include <string.h>
'''
    found = [complaint.split()[1] for complaint in complaints_about("quic", "bad.c", bad)]
    return differs(found, ['"h3/session.h"', '"map.h"', '"../h3/session.h"', "<nghttp3/nghttp3.h>", "<llhttp.h>",
                           "<h3edge/uv.h>"])


def tls_stays_where_it_is():
    bad = "#include <gnutls/gnutls.h>\n"
    return (differs(len(complaints_about("link", "lib/link/link.c", bad)), 1) +
            differs(complaints_about("link", "lib/link/tls.c", bad), []))


def each_arrow_is_held():
    """Of each layer, exactly its own headers and those below it pass."""
    return [f"{layer} and {other}" for layer in BELOW for other in BELOW
            if (fault(layer, "x.c", f'"{other}/x.h"') is None) != (other == layer or other in BELOW[layer])]


def faults_in_headers_are_found():
    bad = """
#include "base.h"
#include <uv.h>
#include <h3edge/uv.h>
#include <gnutls/gnutls.h>
#include <stddef.h>
"""
    return (differs(len(public_complaints("base.h", bad)), 4) +
            differs(len(public_complaints("uv.h", bad)), 2))


def faults_in_examples_are_found():
    bad = '#include "options.h"\n#include "util/map.h"\n#include <ngtcp2/ngtcp2.h>\n#include <uv.h>\n'
    return differs(len(example_complaints("bad.c", bad, {"options.h"})), 2)


run([
    ("lib/ includes only downwards", the_library),
    ("a wrong include in lib/ is found", faults_in_the_library_are_found),
    ("only lib/link/tls* brings TLS to links", tls_stays_where_it_is),
    ("every arrow between layers is held", each_arrow_is_held),
    ("every folder of lib/ is a layer", no_other_folder),
    ("public headers include public headers only", the_headers),
    ("a wrong include in a public header is found", faults_in_headers_are_found),
    ("examples include public headers only", the_examples),
    ("a wrong include in an example is found", faults_in_examples_are_found),
])
