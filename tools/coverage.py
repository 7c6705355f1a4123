"""Which lines the tests ran, from a build with -Db_coverage=true: python3 coverage.py ROOT BUILD.
A line a file; of readers and savers, which must run whole, the lines that did not."""
import collections
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

ROOMS = ("core", "datasets", "models", "train", "sample", "evaluate", "tools")
# Readers and savers.
CAREFUL = ("core/file.c", "core/json.c", "core/safetensors.c", "core/text.c", "datasets/array.c",
           "datasets/folder.c", "datasets/idx.c", "datasets/memory.c", "datasets/npy.c", "datasets/png.c",
           "evaluate/evaluation_file.c", "models/run.c", "models/run_config.c", "train/folder.c", "train/metrics.c",
           "train/state.c", "tools/args.c")


def reports(build):
    """What gcov says of each object's counts."""
    notes = sorted(build.rglob("*.gcda"))
    with tempfile.TemporaryDirectory() as folder:
        for note in notes:
            subprocess.run(["gcov", "--json-format", note], cwd=folder, capture_output=True, check=False)
            for path in pathlib.Path(folder).glob("*.gcov.json.gz"):
                yield json.loads(gzip.decompress(path.read_bytes()))
                path.unlink()


def count_lines(root, build):
    """file -> line -> how often it ran, in all programs together."""
    counts = collections.defaultdict(collections.Counter)
    for report in reports(build):
        for source in report["files"]:
            path = (build / source["file"]).resolve()
            if not path.is_relative_to(root) or path.relative_to(root).parts[0] not in ROOMS:
                continue
            lines = counts[path.relative_to(root).as_posix()]
            for line in source["lines"]:
                lines[line["line_number"]] += line["count"]
    return counts


def ranges(numbers):
    """3 4 5 9 -> 3-5 9"""
    runs = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def main(root, build):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
    counts = count_lines(root, build)
    all_lines = all_run = 0
    for path, lines in sorted(counts.items()):
        run = sum(count > 0 for count in lines.values())
        missing = ranges(sorted(line for line, count in lines.items() if not count))
        print(f"{100 * run / len(lines):6.1f} %  {path}" + (f"  not: {missing}" if path in CAREFUL and missing else ""))
        all_lines, all_run = all_lines + len(lines), all_run + run
    print(f"{100 * all_run / max(all_lines, 1):6.1f} %  of {all_lines} lines")
    return not all_lines


sys.exit(main(*sys.argv[1:]))
