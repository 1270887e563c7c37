# SPDX-License-Identifier: MIT
"""What the .md files say about the code: their C compiles, their names exist, their links lead somewhere.

A block marked c is compiled as it stands, so it is a whole file of C: a program, or declarations with their #include
lines. What is no C is marked otherwise or not at all.
"""
import re
import subprocess

from c_text import bare
from tap import SOURCE, differs, run, setting, unless

BLOCK = re.compile(r"^[ \t]*```(\w*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.M | re.S)
NAME = re.compile(r"(?<![A-Za-z0-9_/-])(?:h3edge|H3EDGE)_\w*(?!\.(?:map|pc)\b)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PLACEHOLDER = re.compile(r"[A-Z]{2,}(?!\w*\.md)")  # lib/LAYER/FILE.c
FILE = re.compile(r"`((?:lib|include|examples|test|bench|pkgconfig)/[\w./-]+)`")


def documents():
    """Those of the repository, not of a build folder."""
    found = [*SOURCE.glob("*.md")]
    for folder in ("lib", "include", "examples", "test", "bench", "pkgconfig"):
        found += (SOURCE / folder).glob("**/*.md")
    return {str(path.relative_to(SOURCE)): path.read_text() for path in sorted(found)}


def c_blocks(text):
    return [block for language, block in BLOCK.findall(text) if language == "c"]


def compiler_says(block):
    folders = [f"-I{path}" for path in setting("H3EDGE_INCLUDES").split(";")]
    command = [*setting("H3EDGE_CC").split(), "-x", "c", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
               *folders, "-fsyntax-only", "-"]
    done = subprocess.run(command, input=block, capture_output=True, text=True)
    return done.stderr.splitlines()[:4] if done.returncode else []


def needs_missing_uv(block):
    return "<h3edge/uv.h>" in block and not setting("H3EDGE_UV_LIBRARY")


def compile_complaints(texts):
    return [f"{name}: {line}" for name, text in texts.items() for block in c_blocks(text)
            if not needs_missing_uv(block) for line in compiler_says(block)]


def their_c_compiles():
    return compile_complaints(documents())


def readme_shows_c():
    """At least the first screen of the README does: else the check above would compile nothing."""
    return unless(c_blocks((SOURCE / "README.md").read_text()), "no block of C in README.md")


def known_names():
    """Words of the public headers, comments left out; of lib/, for the names with two underscores; and what the tests
    read from the environment. X-macros join names from pieces, so a joined one counts when its beginning and its end are
    there."""
    paths = [*(SOURCE / "include/h3edge").glob("*"), *(SOURCE / "lib").glob("**/*.[ch]")]
    public, inside = set(), set()
    for path in paths:
        text = bare(path.read_text())
        words = set(re.findall(r"\b(?:h3edge|H3EDGE)_\w+", text))
        if "include" in path.relative_to(SOURCE).parts:
            public |= words
            public |= {prefix + name for prefix in re.findall(r"\b((?:h3edge|H3EDGE)_\w+_)##", text)
                       for name in re.findall(r"\bX\((\w+),", text)}
        else:
            inside |= {word for word in words if re.match(r"(h3edge|H3EDGE)__", word)}
    environment = {name for path in (SOURCE / "test/integration").glob("*.py") for line in path.read_text().splitlines()
                   if "os.environ" in line for name in re.findall(r'"(H3EDGE_\w+)"', line)}
    return public | inside | environment


def name_complaints(texts, known):
    """A word that ends with an underscore stands for all that begin so."""
    return [f"{name}: {word} is not in the code" for name, text in texts.items()
            for word in sorted(set(NAME.findall(text)))
            if word not in known and not (word.endswith("_") and any(other.startswith(word) for other in known))]


def their_names_exist():
    return name_complaints(documents(), known_names())


def link_complaints(texts, exists):
    result = []
    for name, text in texts.items():
        folder = name.rpartition("/")[0]
        links = [target for target in LINK.findall(text) if "://" not in target]
        files = [target for target in FILE.findall(text) if not PLACEHOLDER.search(target)]
        result += [f"{name}: {target} is not there" for target in links if not exists(folder, target)]
        result += [f"{name}: {target} is not there" for target in files if not exists("", target)]
    return result


def exists(folder, target):
    """A file of lib/ may be named without its ending, as the map does."""
    path = SOURCE / folder / target
    return path.exists() or path.with_suffix(".c").exists() or path.with_suffix(".h").exists()


def their_links_lead_somewhere():
    return link_complaints(documents(), exists)


def bad_c_is_found():
    good = "```c\n#include <h3edge/base.h>\nh3edge_ts late = H3EDGE_NEVER;\n```\n"
    bad = {
        "warning.md": "text\n```c\nint f(void) { int unused; return 0; }\n```\n",
        "name.md": "  ```c\n  #include <h3edge/base.h>\n  h3edge_nothing late;\n  ```\n",
        "other.md": "```sh\nthis is no C\n```\n```\nnor this\n```\n",
    }
    complaining = {complaint.split(":")[0] for complaint in compile_complaints(bad)}
    return differs(complaining, {"warning.md", "name.md"}) + compile_complaints({"good.md": good})


def bad_names_are_found():
    known = {"h3edge_server_new", "h3edge_server_poll", "H3EDGE_END", "h3edge__conn"}
    text = ("`h3edge_server_new`, `h3edge_server_`…, H3EDGE_END, `h3edge__conn`, h3edge-uv, `h3edge_server_old`, "
            "H3EDGE_NOTHING, h3edge_client_*")
    return differs(name_complaints({"a.md": text}, known),
                   [f"a.md: {name} is not in the code" for name in
                    ("H3EDGE_NOTHING", "h3edge_client_", "h3edge_server_old")])


def joined_names_are_known():
    missing = {"H3EDGE_ERR_NOMEM", "H3EDGE_EXCHANGE_LINK_LOST", "h3edge_server_new", "H3EDGE_END"} - known_names()
    return [f"{name} should be known" for name in sorted(missing)]


def bad_links_are_found():
    text = ("[a](there.md) [b](gone.md#part) [c](https://example.org/x) `lib/gone.c` `lib/there.c` `not/ours.c` "
            "`lib/LAYER/x.c`")
    found = link_complaints({"lib/README.md": text},
                            lambda folder, target: (folder, target) in {("lib", "there.md"), ("", "lib/there.c")})
    return differs(found, ["lib/README.md: gone.md is not there", "lib/README.md: lib/gone.c is not there"])


run([
    ("the C in the documents compiles", their_c_compiles),
    ("there is some", readme_shows_c),
    ("C that does not compile is found", bad_c_is_found),
    ("names in the documents exist", their_names_exist),
    ("names that do not exist are found", bad_names_are_found),
    ("names that macros join are known", joined_names_are_known),
    ("links and file names in the documents lead somewhere", their_links_lead_somewhere),
    ("those that lead nowhere are found", bad_links_are_found),
])
