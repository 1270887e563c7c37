# SPDX-License-Identifier: MIT
"""test/THREATS.md: each row of its tables names the tests that provoke it, and those are there.

A test is named as `FILE: NAME`, the file below test/; several of one file are divided by semicolons. Rows below the
heading "Not yet provoked" say what is missing, and may name tests that show a part.
"""
import re

from c_text import COMMENT
from tap import SOURCE, differs, run, unless

PENDING = "Not yet provoked"
HEADING = re.compile(r"^#+ (.*)$")
ROW = re.compile(r"^\|(.*)\|$")
NAMED = re.compile(r"`([\w/]+\.\w+): ([^`]+)`")
# How the tests of a file are found: in C what a program lists, in Python functions, in a table of cases their headings.
TESTS = {
    ".c": re.compile(r"\b(?:STORY|SEEDS|UNIT|cmocka_unit_test)\((\w+)\)"),
    ".py": re.compile(r"^def (test_\w+)\(|^CLAIM = \"(.*)\"$", re.M),
    ".txt": re.compile(r"^(?:==|:) (.*)$", re.M),
}


def rows(text):
    """Heading and cells of each row; the first two lines of a table are none."""
    heading, before = "", []
    for line in text.splitlines():
        match = HEADING.match(line)
        heading = match[1] if match else heading
        match = ROW.match(line)
        before = [*before, line] if match else []
        if len(before) > 2:
            yield heading, [cell.strip() for cell in match[1].split("|")]


def named(cell):
    return [(file, name.strip()) for file, names in NAMED.findall(cell) for name in names.split(";")]


def tests_in(path):
    if not path.is_file() or path.suffix not in TESTS:
        return set()
    text = path.read_text()
    found = TESTS[path.suffix].findall(COMMENT.sub("", text) if path.suffix == ".c" else text)
    return {"".join(name) for name in found}


def complaints(text, tests):
    """`tests` gives the names in a file below test/."""
    result = []
    for heading, cells in rows(text):
        if len(cells) != 3 or not all(cells):
            result.append(f"{cells[0]}: three cells are wanted, and something in each")
            continue
        threat, _, shown = cells
        if heading != PENDING and not named(shown):
            result.append(f"{threat}: no test is named")
        result += [f"{threat}: {quoted} is no FILE: NAME" for quoted in re.findall(r"`[^`]*`", shown)
                   if not NAMED.fullmatch(quoted)]
        result += [f"{threat}: {file} has no test {name}" for file, name in named(shown) if name not in tests(file)]
    return result


def document():
    return (SOURCE / "test/THREATS.md").read_text()


def every_threat_is_provoked():
    return complaints(document(), lambda file: tests_in(SOURCE / "test" / file))


def threats_are_seen():
    """All lines of tables but the first two of each are rows, and not all of them wait."""
    tables = len(re.findall(r"^\| *(?:---|:--)", document(), re.M))
    lines = len(re.findall(r"^\|", document(), re.M))
    found = list(rows(document()))
    return (unless(tables, "there is no table") + differs(len(found), lines - 2 * tables) +
            unless(any(heading != PENDING for heading, _ in found), "all of them wait"))


def tests_are_seen():
    """In each kind of file that the table names."""
    files = {file for _, cells in rows(document()) for file, _ in named(cells[-1])}
    return [f"{file} is not there, or seems to have no tests" for file in sorted(files)
            if not tests_in(SOURCE / "test" / file)]


def gaps_are_found():
    text = f"""
# Threats
| attack | right | test |
| --- | --- | --- |
| good | refused | `sim/a.c: one; two`, also `cases/b.txt: a, b` |
| nameless | refused | by nobody |
| gone | refused | `sim/a.c: one; three` |
| no such file | refused | `sim/z.c: one` |
| vague | refused | `sim/a.c`, `cases/b.txt: a, b` |
| short | `sim/a.c: one` |
| empty | | `sim/a.c: one` |

## {PENDING}
| attack | right | missing |
| --- | --- | --- |
| later | refused | a limit |
| partly | refused | a limit; `sim/a.c: four` |
"""
    tests = {"sim/a.c": {"one", "two"}, "cases/b.txt": {"a, b"}}
    return differs(complaints(text, lambda file: tests.get(file, set())),
                   ["nameless: no test is named", "gone: sim/a.c has no test three",
                    "no such file: sim/z.c has no test one", "vague: `sim/a.c` is no FILE: NAME",
                    "short: three cells are wanted, and something in each",
                    "empty: three cells are wanted, and something in each", "partly: sim/a.c has no test four"])


def what_looks_like_a_test_is_none():
    """A function that no program lists, a comment, a line of a table."""
    sample = {
        ".c": ("static void one(void) {}\n/* UNIT(two) */\nUNIT_MAIN(\"a\", UNIT(three), SEEDS(four))\n"
               "cmocka_unit_test(five),", ["three", "four", "five"]),
        ".py": ("def helper(test_a):\n    def test_b(): pass\ndef test_c(x):\nCLAIM = \"d\"\n", ["test_c", "d"]),
        ".txt": ("# a\n== b, c\nGET : d\n: e\n", ["b, c", "e"]),
    }
    return [complaint for ending, (text, wanted) in sample.items()
            for complaint in differs(["".join(name) for name in TESTS[ending].findall(COMMENT.sub("", text))], wanted)]


run([
    ("every threat names tests that are there", every_threat_is_provoked),
    ("a threat without one, and a test that is not there, are found", gaps_are_found),
    ("every line of the tables is a threat", threats_are_seen),
    ("tests are seen in every file that is named", tests_are_seen),
    ("what only looks like a test is none", what_looks_like_a_test_is_none),
])
