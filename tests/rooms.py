"""A room includes only rooms below it: core < datasets < models < train, sample < evaluate < tools.
Also holds who alone may know a library: OpenMP, OpenBLAS, libpng, libcurl."""
import pathlib
import re
import sys

BELOW = {
    "core": {"core"},
    "datasets": {"core", "datasets"},
    "models": {"core", "datasets", "models"},
    "train": {"core", "datasets", "models", "train"},
    "sample": {"core", "datasets", "models", "sample"},
    "evaluate": {"core", "datasets", "models", "sample", "evaluate"},
    "tools": {"core", "datasets", "models", "train", "sample", "evaluate", "tools"},
}
ALONE = {
    r"<omp\.h>|#pragma omp parallel": {"core/thread.c"},
    r"<cblas\.h>|dsyevd_": {"core/gemm.c", "tools/bench_peak.c"},
    r"<png\.h>": {"datasets/png.c"},
    r"<curl/": {"tools/download.c"},
}

root = pathlib.Path(sys.argv[1])
faults = []
files = 0
for room, allowed in BELOW.items():
    for path in sorted((root / room).rglob("*.[ch]")):
        files += 1
        name = path.relative_to(root).as_posix()
        text = path.read_text()
        for target in re.findall(r'^#include "([^"]+)"', text, re.M):
            if target.split("/")[0] not in allowed:
                faults.append(f"{name}: includes {target}, which is not below {room}")
        for pattern, owners in ALONE.items():
            if re.search(pattern, text) and name not in owners:
                faults.append(f"{name}: only {', '.join(sorted(owners))} may use {pattern}")
print("\n".join(faults) or f"{files} files keep their floors")
sys.exit(bool(faults) or files == 0)
