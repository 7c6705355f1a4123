#!/usr/bin/env python3
"""imgen against PyTorch on the same CPU: the same models, shapes, losses and optimiser.

  python3 tools/peers/bench_torch.py --imgen build/tools/imgen --cases step sample \\
      --json results.json --markdown docs/performance.md

Needs PyTorch, and g++ for torch.compile.

PyTorch runs eagerly and through torch.compile, with contiguous and with channels_last tensors; the
best of these is the peer. imgen and every variant take turns, round after round, so that what else
the machine does strikes all alike; each is a process of its own that warms up before every turn.
The ratio is the best variant's median over the rounds divided by imgen's; its range is that of the
same ratio in the single rounds. Results of several invocations gather in the JSON file.
"""
import argparse
import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

CHILD = pathlib.Path(__file__).with_name("torch_child.py")
SHAPES = ["28x28x32", "28x28x64", "14x14x64", "7x7x128"]
PARTS = ["forward", "backward-data", "backward-weights"]
MODELS = ["vae-mlp", "vae-conv", "ae-mlp", "ae-conv"]
GANS = ["gan", "gan-dcgan"]
UNETS = ["ddpm", "ddpm-32", "ddpm-64"]
ALL_CASES = ([f"step/{m}" for m in MODELS + GANS + UNETS]
             + [f"sample/{m}/{n}" for m in MODELS[:2] + GANS[:1] + UNETS[:2] for n in (1, 64)]
             + [f"conv3x3/{s}/{p}" for s in SHAPES for p in PARTS]
             + [f"block/{s}/forward+backward" for s in SHAPES]
             + [f"memory/{m}" for m in MODELS + GANS[:1] + UNETS[:1]]
             + [f"first-step/{m}" for m in MODELS[:2]])
VARIANTS = ["eager", "eager channels_last", "compile", "compile channels_last"]
PEAKS = {"peak/fma": "gflops", "peak/sgemm": "gflops", "peak/triad": "gbytes_per_second"}
MEMORY_STEPS = 20
# Threads that wait at the end of a turn spin for some milliseconds before they sleep.
PAUSE = .05

LIBRARIES = [pathlib.Path(folder) / name
             for name in ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4", "libjemalloc.so.2")
             for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
                            "/usr/lib64", "/usr/lib", "/usr/local/lib")]
# Without a library: glibc keeps large blocks instead of giving them back to the system.
TUNED_GLIBC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
               "MALLOC_TOP_PAD_": str(1 << 28)}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--imgen", default="build/tools/imgen",
                        help="the program (build/tools/imgen)")
    parser.add_argument("--cases", nargs="+", metavar="PREFIX", help="beginnings of their names")
    parser.add_argument("--list", action="store_true", help="print the cases' names")
    parser.add_argument("--rounds", type=int, default=7,
                        help="turns of each (7); 0: measure nothing, write --json's table")
    parser.add_argument("--seconds", type=float, default=.4, help="of each turn (.4)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--allocator", default="",
                        help="a library to preload into PyTorch, or glibc (tcmalloc or jemalloc "
                        "where installed, else glibc)")
    parser.add_argument("--data", default="digits", help="data set of first-step (digits)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where results gather")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE",
                        help="write the table between its markers")
    return parser.parse_args()


def chosen_cases(prefixes):
    for prefix in prefixes or []:
        if not any(case.startswith(prefix) for case in ALL_CASES):
            sys.exit(f"--cases {prefix}: expected beginnings of {', '.join(ALL_CASES)}")
    return [c for c in ALL_CASES if not prefixes or c.startswith(tuple(prefixes))]


def has_layout(variant, case):
    """Without images inside, a memory format makes no difference."""
    return "mlp" not in case or "channels_last" not in variant


# ---- processes ----

def bound(threads):
    """Both sides: that many threads, each on a core of its own. How threads wait is left at the
    default: they spin for milliseconds, longer than any gap inside a step, then sleep, so that a
    variant whose turn it is not takes no core. OMP_WAIT_POLICY=active was no faster, and passive
    would make PyTorch wake its threads in every operation."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))}
    return {**kept, "OMP_NUM_THREADS": str(threads), "OMP_PROC_BIND": "close",
            "OMP_PLACES": "cores"}


def find_allocator(name):
    if name:
        return name
    return str(next((path for path in LIBRARIES if path.exists()), "glibc"))


def torch_environment(allocator, threads):
    tuning = TUNED_GLIBC if allocator == "glibc" else {"LD_PRELOAD": allocator}
    return {**bound(threads), **tuning}


class Torch:
    """A long-lived process of one variant: import and compilation are paid once."""

    def __init__(self, variant, options):
        self.variant = variant
        self.process = subprocess.Popen(
            [sys.executable, CHILD, variant, str(options.threads)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=torch_environment(options.allocator, options.threads))

    def send(self, **order):
        print(json.dumps(order), file=self.process.stdin, flush=True)

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"PyTorch, {self.variant}: its process ended early; the error is above")
        return json.loads(line)

    def turn(self, runs):
        self.send(go=runs)
        return self.answer()["median_ms"]

    def finish(self):
        self.process.stdin.close()
        self.process.wait()


def run_imgen(options, name, repeat, *extra):
    """The case's row of imgen bench --json."""
    command = [options.imgen, "bench", name, "--json", "--repeat", str(repeat), "--threads",
               str(options.threads), "--batch", str(options.batch), *extra]
    result = subprocess.run(command, stdout=subprocess.PIPE, env=bound(options.threads))
    if result.returncode:
        sys.exit(f"{' '.join(command)}: exit status {result.returncode}")
    return json.loads(result.stdout)["cases"][0]


# ---- timed cases ----

def runs_for(milliseconds, seconds):
    return max(3, min(2000, round(1e3 * seconds / milliseconds)))


def prepare(children, case, options):
    """How many runs a turn of each takes."""
    for child in children:
        child.send(prepare=case, batch=options.batch)
    answers = [child.answer() for child in children]
    first = run_imgen(options, case, 3)
    sizes = {a["parameters"] for a in answers} | {first.get("parameters", 0)}
    if len(sizes) != 1:
        sys.exit(f"{case}: the models differ: {sizes} parameters")
    return ([runs_for(a["ms"], options.seconds) for a in answers],
            runs_for(first["median_ms"], options.seconds))


def timed_case(all_children, case, options):
    children = [child for child in all_children if has_layout(child.variant, case)]
    counts, own_count = prepare(children, case, options)
    own, gflops, peers = [], [], {child.variant: [] for child in children}
    for _ in range(options.rounds):
        row = run_imgen(options, case, own_count)
        own.append(row["median_ms"])
        gflops.append(row.get("gflops", 0))
        for child, count in zip(children, counts):
            time.sleep(PAUSE)
            peers[child.variant].append(child.turn(count))
        time.sleep(PAUSE)
    result = {"unit": "ms", "imgen": own, "torch": peers}
    if case.startswith(("conv3x3", "block")):
        result["gflops"] = statistics.median(gflops)
    return result


# ---- memory, and the first step: a process each time, eager, with and without the allocator ----

def fresh_torch(options, variant, allocator, *words):
    """What it answers, and the seconds from its start to the answer."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, CHILD, variant, str(options.threads), *map(str, words)], text=True,
        stdout=subprocess.PIPE, env=torch_environment(allocator, options.threads)
        if allocator else bound(options.threads))
    line = process.stdout.readline()
    seconds = time.perf_counter() - began
    if process.wait() or not line:
        sys.exit(f"PyTorch, {variant}: its process failed; the error is above")
    return json.loads(line), seconds


def fresh_variants(options, case):
    return {f"{v}{', plain malloc' if not a else ''}": (v, a)
            for v in options.variants if v.startswith("eager") and has_layout(v, case)
            for a in ("", options.allocator)}


def memory_case(case, options):
    name = case.split("/")[1]
    own, peers = [], {}
    for _ in range(min(options.rounds, 3)):
        own.append(run_imgen(options, f"step/{name}", MEMORY_STEPS)["peak_mib"])
        for label, (variant, allocator) in fresh_variants(options, case).items():
            answer, _ = fresh_torch(options, variant, allocator, case, options.batch, MEMORY_STEPS)
            peers.setdefault(label, []).append(answer["peak_mib"])
    return {"unit": "MiB", "imgen": own, "torch": peers}


def export(options, folder):
    subprocess.run([options.imgen, "data", "export", options.data, "-o", folder, "--split",
                    "train"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(folder, "train-images.npy")


def first_step_case(case, options):
    """From a process's start to the end of its first step (imgen's: to the end of the process).
    The first round fills the caches and does not count."""
    own, peers = [], {}
    with tempfile.TemporaryDirectory() as folder:
        images = export(options, os.path.join(folder, "data"))
        for _ in range(options.rounds + 1):
            began = time.perf_counter()
            run_imgen(options, case, 1, "--data", options.data)
            own.append(1e3 * (time.perf_counter() - began))
            for label, (variant, allocator) in fresh_variants(options, case).items():
                _, seconds = fresh_torch(options, variant, allocator, case, options.batch, 1,
                                         images)
                peers.setdefault(label, []).append(1e3 * seconds)
    return {"unit": "ms", "imgen": own[1:], "torch": {k: v[1:] for k, v in peers.items()}}


# ---- results ----

def environment(options):
    first = json.loads(subprocess.run([options.imgen, "bench", "step/vae-mlp", "--json", "--repeat",
                                       "1", "--threads", str(options.threads)], check=True,
                                      stdout=subprocess.PIPE).stdout)
    return {"cpu": first["cpu"], "kernels": first["kernels"], "threads": options.threads,
            "batch": options.batch, "imgen": first["imgen"],
            "torch": importlib.metadata.version("torch"),
            "allocator": pathlib.Path(options.allocator).name}


def load(path, here):
    if not path or not path.exists():
        return {"environment": here, "peaks": {}, "cases": {}}
    known = json.loads(path.read_text())
    if known["environment"] != here:
        sys.exit(f"{path}: was measured elsewhere or otherwise ({known['environment']}; now "
                 f"{here}): choose another file or delete it")
    return known


def write(path, text):
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    os.replace(beside, path)


def summary(result):
    """Medians, the best variant, the ratio and its range over the rounds."""
    medians = {v: statistics.median(times) for v, times in result["torch"].items()}
    best = min(medians, key=medians.get)
    own = statistics.median(result["imgen"])
    ratios = [peer / mine for peer, mine in zip(result["torch"][best], result["imgen"])]
    return {"imgen": own, "best": best, "torch": medians[best], "ratio": medians[best] / own,
            "least": min(ratios), "most": max(ratios)}


def digits(value):
    """Three significant ones, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def tell(case, result):
    s = summary(result)
    all_medians = ", ".join(f"{v} {digits(statistics.median(t))}"
                            for v, t in result["torch"].items())
    print(f"{case:34} imgen {digits(s['imgen']):>6} {result['unit']:3}  {s['best']} "
          f"{digits(s['torch'])}  ratio {s['ratio']:.2f} ({s['least']:.2f} to {s['most']:.2f})  "
          f"[{all_medians}]", flush=True)


def markdown(known):
    e, peaks = known["environment"], known["peaks"]
    lines = [f"{e['cpu']}, {e['threads']} threads, float32, batch {e['batch']}; imgen "
             f"{e['imgen']} with kernels for {e['kernels']}; PyTorch {e['torch']} with "
             f"{e['allocator']}."]
    if peaks:
        lines += [f"The machine at its best: {peaks['peak/fma']:.0f} GFLOP/s of multiply-adds, "
                  f"{peaks['peak/sgemm']:.0f} GFLOP/s of OpenBLAS sgemm, "
                  f"{peaks['peak/triad']:.0f} GB/s of triad."]
    lines += ["", "| case | imgen | GFLOP/s | PyTorch | its best variant | ratio | over rounds |",
              "|---|---:|---:|---:|---|---:|---:|"]
    for case in ALL_CASES:
        result = known["cases"].get(case)
        if not result:
            continue
        s, unit = summary(result), result["unit"]
        gflops = f"{result['gflops']:.0f}" if "gflops" in result else ""
        lines.append(f"| {case} | {digits(s['imgen'])} {unit} | {gflops} | {digits(s['torch'])} "
                     f"{unit} | {s['best']} | {s['ratio']:.2f} | {s['least']:.2f} to "
                     f"{s['most']:.2f} |")
    return "\n".join(lines)


def write_markdown(path, known):
    begin, end = "<!-- table: begin -->", "<!-- table: end -->"
    before, found, rest = path.read_text().partition(begin)
    _, also_found, after = rest.partition(end)
    if not found or not also_found:
        sys.exit(f"{path}: expected the lines {begin} and {end}")
    write(path, f"{before}{begin}\n{markdown(known)}\n{end}{after}")


# ---- all of it ----

def measure_peaks(options, known):
    """The best of all invocations."""
    for name, key in PEAKS.items():
        rate = run_imgen(options, name, 5)[key]
        known["peaks"][name] = max(rate, known["peaks"].get(name, 0))


def measure(options, cases, known):
    others = {"memory": memory_case, "first-step": first_step_case}
    timed = [c for c in cases if c.split("/")[0] not in others]
    measure_peaks(options, known)
    children = [Torch(v, options) for v in options.variants] if timed else []
    for case in cases:
        other = others.get(case.split("/")[0])
        result = other(case, options) if other else timed_case(children, case, options)
        known["cases"][case] = result
        tell(case, result)
        if options.json:
            write(options.json, json.dumps(known, indent=1) + "\n")
        if case == (timed or [None])[-1]:
            for child in children:
                child.finish()


def main():
    options = arguments()
    if not options.rounds and not options.json:
        sys.exit("--rounds 0: expected --json FILE with results")
    options.allocator = find_allocator(options.allocator)
    cases = chosen_cases(options.cases)
    if options.list:
        print("\n".join(cases))
        return
    if options.rounds:
        known = load(options.json, environment(options))
        measure(options, cases, known)
    else:
        known = json.loads(options.json.read_text())
    if options.markdown:
        write_markdown(options.markdown, known)


if __name__ == "__main__":
    main()
