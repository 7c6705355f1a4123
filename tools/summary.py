"""Counts the tests in the testlog.json of runs of meson: each case of a TAP test, and each other
test as one. Names what was skipped or failed, and ends with `N passed, N failed, N skipped`."""
import json
import re
import sys


def cases(test):
    """Yields (name, result) of one test program; result is passed, failed or skipped."""
    results = set()
    for line in test.get("stdout", "").splitlines():
        case = re.match(r"(not )?ok \d+ (?:- (\S+))?(.*)", line)
        if not case:
            continue
        skip = re.search(r"# SKIP ?(.*)", case[3]) # cmocka writes `not ok 1 # SKIP name`
        result = "skipped" if skip else "failed" if case[1] else "passed"
        results.add(result)
        yield f"{test['name']}: {case[2] or skip[1]}", result
    whole = {"OK": "passed", "SKIP": "skipped"}.get(test["result"], "failed")
    if not results or (whole == "failed" and "failed" not in results): # it ended early, say
        yield test["name"], whole


def main(paths):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for path in paths:
        with open(path) as log:
            for line in log:
                for name, result in cases(json.loads(line)):
                    count[result] += 1
                    if result != "passed":
                        print(f"{result}: {name}")
    print(", ".join(f"{n} {result}" for result, n in count.items()))
    return count["failed"] > 0


sys.exit(main(sys.argv[1:]))
