# SPDX-License-Identifier: MIT
"""The end of test/run.sh: what failed, what was skipped and why, and as the last line "N passed, N failed".

Reads a file with a line for each step: its exit status, the log with its tests or "-", its name. Logs are meson's
testlog.json, where each subtest of a TAP program counts by itself, and pytest's JUnit XML. A step that failed without a
failed test (a crash, a build) counts as one failure; so does a test that was skipped without a reason.
"""
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

SUBTEST = re.compile(r"(?P<no>not )?ok\s+\d+[\s-]*(?P<name>[^#]*)(#\s*(?P<skip>SKIP)\S*\s*(?P<reason>.*))?")


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def skip(self, name, reason):
        if reason:
            self.skipped.append(f"{name}: {reason}")
        else:
            self.failed.append(f"{name}: skipped without a reason")


def subtests(tally, name, output):
    """Counts the lines of a TAP program. A reason to skip stands behind SKIP, or in the comment above (cmocka)."""
    comment = ""
    for line in output.splitlines():
        match = SUBTEST.match(line)
        if match is None:
            comment = line[1:].strip() if line.startswith("#") else ""
            continue
        title = f"{name}: {match['name'].strip() or match['reason']}"
        if match["skip"]:
            tally.skip(title, comment or match["reason"])
        elif match["no"]:
            tally.failed.append(title)
        else:
            tally.passed += 1
        comment = ""


def meson(tally, path):
    for record in map(json.loads, path.read_text().splitlines()):
        name, result, output = record["name"], record["result"], record["stdout"] or ""
        before = tally.passed, len(tally.failed), len(tally.skipped)
        subtests(tally, name, output)
        counted = before != (tally.passed, len(tally.failed), len(tally.skipped))
        if result == "SKIP" and not counted:
            tally.skip(name, output.replace("1..0 # SKIP", "").strip())
        elif result not in ("OK", "EXPECTEDFAIL", "SKIP"):
            if len(tally.failed) == before[1]:
                tally.failed.append(f"{name}: {result}, status {record['returncode']}")
        elif not counted:
            tally.passed += 1


def pytest(tally, path):
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}: {case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed.append(name)
        elif skipped is not None:
            tally.skip(name, skipped.get("message"))
        else:
            tally.passed += 1


def step(tally, status, log, name):
    failures = len(tally.failed)
    if log != "-":
        path = Path(log)
        if not path.exists():
            tally.failed.append(f"{name}: left no results")
        elif path.suffix == ".xml":
            pytest(tally, path)
        else:
            meson(tally, path)
    if status != "0" and len(tally.failed) == failures:
        tally.failed.append(f"{name}: ended with status {status}")


def main():
    tally = Tally()
    for line in Path(sys.argv[1]).read_text().splitlines():
        step(tally, *line.split("\t"))
    for text in tally.skipped:
        print(f"skipped  {text}")
    for text in tally.failed:
        print(f"FAILED   {text}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
