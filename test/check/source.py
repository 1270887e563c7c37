# SPDX-License-Identifier: MIT
"""House rules that can be seen in the text of lib/: what is not called, how long a function is, that each file has its
test."""
import re

from c_text import bare, comments, functions
from tap import SOURCE, differs, run

LONGEST_FUNCTION = 70
BANNED = re.compile(r"\b(v?sprintf|strcpy|stpcpy|strcat|strncpy|strncat|gets|alloca|strtok|atoi|atol|atoll|scanf|"
                    r"sscanf|rand|setjmp|longjmp)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

# Files without a unit test of their name, and why. A reason that no longer holds is found too.
WITHOUT_UNIT_TEST = {
    "quic/commons.c": "makes and unmakes what connections share: every connection of quic/conn.c runs all of it",
}


def files(*folders, endings="ch"):
    paths = [path for folder in folders for path in (SOURCE / folder).glob(f"**/*.[{endings}]")]
    return {str(path.relative_to(SOURCE)): path.read_text() for path in sorted(paths)}


def banned(texts):
    return [f"{name} calls {call}" for name, text in texts.items() for call in BANNED.findall(bare(text))]


def too_long(texts):
    return [f"{name}: {function} has {lines} lines" for name, text in texts.items()
            for function, lines in functions(text) if lines > LONGEST_FUNCTION]


def unfinished(texts):
    return [f"{name}: {comment[:60]}" for name, text in texts.items() for comment in comments(text)
            if UNFINISHED.search(comment)]


def unlicensed(texts):
    return [name for name, text in texts.items() if not text.startswith("/* SPDX-License-Identifier: MIT */\n")]


def untested(sources, tests, reasons):
    wanted = {name.removeprefix("lib/") for name in sources}
    tested = {name.removeprefix("test/unit/") for name in tests}
    return ([f"lib/{name} has no test/unit/{name}" for name in sorted(wanted - tested - reasons.keys())] +
            [f"{name} has a test, or is gone: its reason is too"
             for name in sorted(reasons.keys() - (wanted - tested))])


def nothing_banned():
    return banned(files("lib", "examples"))


def no_function_too_long():
    return too_long(files("lib", "examples", "test"))


def nothing_unfinished():
    return unfinished(files("lib", "include", "examples", "test", "bench", "pkgconfig"))


def every_file_has_its_licence():
    return unlicensed(files("lib", "include", "examples", "test", "bench", "pkgconfig"))


def every_file_has_its_test():
    return untested(files("lib", endings="c"), files("test/unit", endings="c"), WITHOUT_UNIT_TEST)


def functions_are_seen():
    """Otherwise nothing would ever be too long."""
    return [f"{name} seems to have none" for name, text in files("lib", endings="c").items() if not functions(text)]


def banned_calls_are_found():
    bad = """
int f(char *a) {
  /* strcpy( */
  puts("gets(");
  my_strcpy(a);
  strcpy (a, "b");
  return atoi(a);
}
"""
    return differs(banned({"bad.c": bad}), ["bad.c calls strcpy", "bad.c calls atoi"])


def long_functions_are_found():
    def function(head, lines):
        return f"{head} {{\n" + "  x(\"}\\n\");\n" * (lines - 2) + "}\n"

    bad = "".join((
        function("static const char *name_of(int a,\n                           int b)", LONGEST_FUNCTION),
        "static const struct table things[] = {\n" + "    {1},\n" * 100 + "};\n",
        function("void fits(void)", LONGEST_FUNCTION),
        function("void too_long(int (*call)(void *ctx))", LONGEST_FUNCTION + 1),
    ))
    return (differs([name for name, _ in functions(bad)], ["name_of", "fits", "too_long"]) +
            differs(too_long({"bad.c": bad}), [f"bad.c: name_of has {LONGEST_FUNCTION + 1} lines",
                                               f"bad.c: too_long has {LONGEST_FUNCTION + 1} lines"]))


def unfinished_work_is_found():
    bad = '/* TODO: more */\nint a; // FIXME\nconst char *b = "TODO";\nint TODO_LIST;\n/* a todo is no promise */\n'
    return differs(len(unfinished({"bad.c": bad})), 2)


def missing_licences_are_found():
    good = "/* SPDX-License-Identifier: MIT */\nint a;\n"
    return differs(unlicensed({"good.c": good, "bad.c": "int a;\n"}), ["bad.c"])


def missing_tests_are_found():
    found = untested({"lib/a/one.c", "lib/a/two.c", "lib/a/three.c", "lib/a/four.c"},
                     {"test/unit/a/one.c", "test/unit/a/four.c"},
                     {"a/three.c": "because", "a/four.c": "because", "a/five.c": "because"})
    return differs(found, ["lib/a/two.c has no test/unit/a/two.c", "a/five.c has a test, or is gone: its reason is too",
                           "a/four.c has a test, or is gone: its reason is too"])


run([
    ("no banned function is called", nothing_banned),
    ("a banned call is found", banned_calls_are_found),
    (f"no function has more than {LONGEST_FUNCTION} lines", no_function_too_long),
    ("a long function is found", long_functions_are_found),
    ("functions are seen in every file", functions_are_seen),
    ("nothing is left for later", nothing_unfinished),
    ("what is left for later is found", unfinished_work_is_found),
    ("every file names its licence", every_file_has_its_licence),
    ("a file without licence is found", missing_licences_are_found),
    ("every file of lib/ has a unit test of its name, or a reason", every_file_has_its_test),
    ("a file without test, and a reason without file, are found", missing_tests_are_found),
])
