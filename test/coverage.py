# SPDX-License-Identifier: MIT
"""The table at the end of test/coverage.sh, from what gcov counted: coverage.py BUILD [FILE...]

For each file, layer and all of lib/: lines with code, how many of them ran, and the part. For each FILE the lines that
did not run."""
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent


def counted(build):
    """{file: {line: how often it ran}}: a line of a header counts in each object that it is part of."""
    counts = defaultdict(lambda: defaultdict(int))
    notes = sorted((build / "lib").rglob("*.gcno"))
    told = subprocess.run(["gcov", "--json-format", "--stdout", *notes], cwd=build, capture_output=True, check=True).stdout
    for report in map(json.loads, told.splitlines()):
        for file in report["files"]:
            path = (build / file["file"]).resolve()
            if not path.is_relative_to(SOURCE / "lib"):
                continue
            for line in file["lines"]:
                counts[str(path.relative_to(SOURCE))][line["line_number"]] += line["count"]
    return counts


def row(name, lines):
    ran = sum(1 for count in lines if count)
    print(f"{name:36}{len(lines):8}{ran:8}{100 * ran / len(lines):8.1f} %")


def table(counts):
    layers = defaultdict(list)
    print(f"{'':36}{'lines':>8}{'ran':>8}{'part':>8}")
    for path, lines in sorted(counts.items()):
        layers[path.split("/")[1]] += lines.values()
        row(path, lines.values())
    print()
    for layer, lines in layers.items():
        row(f"lib/{layer}", lines)
    row("lib", [count for lines in layers.values() for count in lines])


def missed(path, lines):
    text = (SOURCE / path).read_text().splitlines()
    for number, count in sorted(lines.items()):
        if not count:
            print(f"{path}:{number}: {text[number - 1]}")


def main():
    counts = counted(Path(sys.argv[1]).resolve())
    table(counts)
    for path in sys.argv[2:]:
        if path not in counts:
            sys.exit(f"{path} is no file of lib/ with code")
        missed(path, counts[path])


if __name__ == "__main__":
    main()
