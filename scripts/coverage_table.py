#!/usr/bin/env python3
"""One row of scripts/coverage: percentages of a room out of gcovr's JSON, and the branches that no test takes.

Usage: coverage_table.py ROOM SUMMARY.json FULL.json GOAL; exit 1 when the room's branches are below GOAL percent.
"""
import collections
import json
import pathlib
import sys


def untaken(full):
    """For each file the lines that hold a branch that no test took."""
    lines = collections.defaultdict(set)
    for file in full["files"]:
        for line in file["lines"]:
            if line.get("gcovr/noncode"):
                continue
            if any(branch["count"] == 0 and not branch.get("throw") for branch in line["branches"]):
                lines[file["file"]].add(line["line_number"])
    return lines


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def main():
    room, summary, full, goal = sys.argv[1], *(pathlib.Path(name) for name in sys.argv[2:4]), float(sys.argv[4])
    totals = json.loads(summary.read_text())
    covered, total = totals["branch_covered"], totals["branch_total"]
    percent = 100 * covered / total if total else 100
    print(f"{room:10} {totals['line_covered']:5} of {totals['line_total']:5} {totals['line_percent']:5.1f} % "
          f"{covered:6} of {total:5} {percent:5.1f} %")
    for file, lines in sorted(untaken(json.loads(full.read_text())).items()):
        print(f"    not taken: {file}: {ranges(lines)}")
    return 0 if percent >= goal else 1


if __name__ == "__main__":
    sys.exit(main())
