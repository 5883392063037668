#!/usr/bin/env python3
"""Demands a test for every fault of tests/FAULTS.md, or one of the three reasons that may stand there instead.

Usage: faults.py [TOP], where TOP is the checkout (default: the one that holds this file).
A test counts when its source (tests/**/*.cc, *.py, *.sh, e2e/*.py) names the id. Exit 1 with one line for each complaint.
"""
import pathlib
import re
import sys

# How many faults each group has: a line that vanished from FAULTS.md is a complaint too.
GROUPS = {"E": 26, "L": 24, "V": 11, "N": 12, "H": 14, "O": 15, "R": 7, "P": 12, "C": 9, "K": 7, "X": 9}

ROW = re.compile(r"^\| (F-[A-Z]\d\d) \| (.*) \|(.*)\|$")
ID = re.compile(r"\bF-[A-Z]\d\d\b")
REASON = re.compile(r"kernel: \S.*|later: \S.*|covered by (\w+\.\w+)")
TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)|^class (\w+)\(|^    def (test_\w+)\(", re.MULTILINE)
OWN = {"faults.py", "faults_test.py"}  # they name ids without testing them


def rows(text):
    """Yields id, fault and reason of each line of the tables, and a complaint for each line that only looks like one."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := ROW.match(line):
            yield match[1], match[2].strip(), match[3].strip(), None
        elif re.match(r"^\|\s*F\b", line):
            yield None, None, None, f"tests/FAULTS.md:{number}: not a line of the form | F-E01 | fault | reason |"


def sources(top):
    for kind in ("cc", "py", "sh"):
        for path in sorted([*(top / "tests").rglob(f"*.{kind}"), *(top / "e2e").glob(f"*.{kind}")]):
            if path.name not in OWN:
                yield path, path.read_text(encoding="utf-8")


def read_tests(top):
    """The ids that tests name, each with one file that does, and the names of all tests."""
    named, tests = {}, set()
    for path, text in sources(top):
        for identity in ID.findall(text):
            named.setdefault(identity, path.relative_to(top))
        suite = None
        for match in TEST.finditer(text):
            suite = match[3] or suite
            if match[1]:
                tests.add(f"{match[1]}.{match[2]}")
            elif match[4] and suite:
                tests.add(f"{suite}.{match[4]}")
    return named, tests


def violations(top):
    top = pathlib.Path(top)
    named, tests = read_tests(top)
    seen = set()
    for identity, fault, reason, complaint in rows((top / "tests/FAULTS.md").read_text(encoding="utf-8")):
        if complaint:
            yield complaint
            continue
        if identity in seen:
            yield f"{identity}: two lines in tests/FAULTS.md"
        seen.add(identity)
        if not fault:
            yield f"{identity}: its line in tests/FAULTS.md does not say what the fault is"
        matched = REASON.fullmatch(reason)
        if reason and not matched:
            yield f'{identity}: "{reason}" is none of the three reasons'
        elif matched and matched[1] and matched[1] not in tests:
            yield f"{identity}: there is no test {matched[1]}"
        elif not reason and identity not in named:
            yield f"{identity}: no test names it ({fault})"
    wanted = {f"F-{group}{number:02}" for group, count in GROUPS.items() for number in range(1, count + 1)}
    for identity in sorted(wanted - seen):
        yield f"{identity}: has no line in tests/FAULTS.md"
    for identity in sorted(seen - wanted):
        yield f"{identity}: a line in tests/FAULTS.md, but GROUPS in tests/faults.py does not count it"
    for identity in sorted(named.keys() - wanted):
        yield f"{named[identity]}: names {identity}, which tests/FAULTS.md does not know"


def main():
    top = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = list(violations(top))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
