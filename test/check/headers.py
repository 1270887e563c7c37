# SPDX-License-Identifier: MIT
"""Each public header compiles alone, as C11 and as C++17, without a warning, with every compiler at hand."""
import shutil
import subprocess

from tap import SOURCE, run, setting, unless

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
LANGUAGES = {
    "c": ["-x", "c", "-std=c11", "-Wstrict-prototypes"],
    "c++": ["-x", "c++", "-std=c++17", "-Wold-style-cast"],
}
COMPILERS = {"c": ["gcc", "clang"], "c++": ["g++", "clang++"]}


def compiles(compiler, language, text):
    """What the compiler has to say. libuv's own header needs POSIX to be asked for."""
    folders = [f"-I{path}" for path in setting("H3EDGE_INCLUDES").split(";")]
    posix = ["-D_POSIX_C_SOURCE=200809L"] if "uv.h" in text else []
    command = [compiler, *LANGUAGES[language], *WARNINGS, *posix, *folders, "-fsyntax-only", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    return done.stderr.splitlines()[:4] if done.returncode else []


def each(text, language):
    return [f"{compiler}: {line}" for compiler in COMPILERS[language] if shutil.which(compiler)
            for line in compiles(compiler, language, text)]


def headers():
    names = {path.name for path in (SOURCE / "include/h3edge").glob("*.h")} | {"version.h"}
    return sorted(names - (set() if setting("H3EDGE_UV_LIBRARY") else {"uv.h"}))


def alone(name, language):
    """Twice, for the guard, and with something after it that needs the header to be whole."""
    line = f"#include <h3edge/{name}>\n"
    return each(f"{line}{line}int after(void);\nint after(void) {{ return 0; }}\n", language)


def compilers_are_there():
    return [f"no compiler for {language}" for language in COMPILERS if not any(map(shutil.which, COMPILERS[language]))]


def faults_are_found():
    bad = {
        "an unknown type": "h3edge_ts soon(void);\n",
        "a warning": "int soon(long late);\nint soon(long late) { return late; }\n",
        "a header that is not there": "#include <h3edge/nothing.h>\n",
        "a word of C++": "int soon(int class);\nint class;\n",
    }
    return [f"{what} passes as {language}" for what, text in bad.items() for language in COMPILERS
            if (what, language) != ("a word of C++", "c") and not each(text, language)] + unless(
                not each(bad["a word of C++"], "c"), "C is not compiled as C")


run([("there are compilers for C and C++", compilers_are_there),
     ("a header that does not compile is found", faults_are_found)] +
    [(f"{name} compiles alone as {language}", lambda name=name, language=language: alone(name, language))
     for name in headers() for language in COMPILERS])
