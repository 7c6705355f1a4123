"""Trains through the command line: the same bits with any number of threads, after a kill and
--resume, from a config; the files of a run; and everything that must be refused in one line."""
import hashlib
import json
import math
import os
import pathlib
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

IMGEN = os.path.abspath(sys.argv.pop(1))
SMALL = ["--batch", "16", "--seed", "3"]
DATA = ["--data", "./discs.npy"]


def imgen(*arguments, threads=2, **options):
    command = [IMGEN, *map(str, arguments)]
    if arguments[0] == "train":
        command += ["--threads", str(threads)]
    env = dict(os.environ, OMP_WAIT_POLICY="passive")  # more threads than cores must not spin
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=100,
                          env=env, **options)


def write_discs(path, count=700, side=28):
    """White discs of many sizes and places, as a .npy file."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, {side}, {side})}}"
    header = header.ljust(117) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for i in range(count):
            x, y, r = 8 + i % 13, 8 + i // 13 % 11, 2 + i % 5
            file.write(bytes(255 * ((c - x) ** 2 + (l - y) ** 2 < r * r)
                             for l in range(side) for c in range(side)))


def write_bars(folder, counts=(300, 60), side=28):
    """IDX files of two classes: upright and level bars in many places."""
    os.mkdir(folder)
    for split, count in zip(("train", "t10k"), counts):
        images = bytes(255 * (abs((column, line)[i % 2] - 4 - i // 2 % (side - 8)) < 2)
                       for i in range(count) for line in range(side) for column in range(side))
        for name, kind, sizes, data in [("images-idx3", 3, (count, side, side), images),
                                        ("labels-idx1", 1, (count,), bytes(i % 2 for i in range(count)))]:
            header = struct.pack(f">HBB{kind}I", 0, 8, kind, *sizes)
            pathlib.Path(folder, f"{split}-{name}-ubyte").write_bytes(header + data)


def checkpoint(run):
    """The metadata, and every tensor's bytes by name."""
    data = (pathlib.Path(run) / "checkpoint.safetensors").read_bytes()
    [length] = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    body = data[8 + length :]
    return metadata, {name: body[slice(*t["data_offsets"])] for name, t in header.items()}


def metrics(run):
    """The lines without their timing."""
    text = (pathlib.Path(run) / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "images_per_second")} for line in lines]


def read_config(run):
    return json.loads((pathlib.Path(run) / "config.json").read_text())


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        write_discs("discs.npy")

    def train(self, *arguments, **options):
        given = [] if {"--config", "--data"} & set(arguments) else DATA
        result = imgen("train", *arguments, *given, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def refused(self, code, *words, command, told=False):
        """In one line; the last one where others before it tell how a training goes."""
        result = imgen(*command)
        self.assertEqual(result.returncode, code, result)
        *before, message = result.stderr.splitlines()
        self.assertTrue(message.startswith("imgen: "), message)
        self.assertEqual(bool(before), told, before)
        for word in words:
            self.assertIn(word, message)
        return result


class SameBits(Case):
    def test_threads_do_not_matter(self):
        for model, arch in [("vae", "conv"), ("ae", "conv"), ("vae", "mlp")]:
            for threads in (1, 2, 3):
                self.train(model, "--steps", 6, "--set", f"arch={arch}", "--out", f"r{threads}",
                           "--overwrite", *SMALL, threads=threads)
            tensors = checkpoint("r1")[1]
            self.assertIn("encoder.hidden.weight", tensors)
            for threads in (2, 3):
                self.assertEqual(tensors, checkpoint(f"r{threads}")[1], (model, arch, threads))
            pictures = {pathlib.Path(f"r{t}/samples/grid.png").stat().st_size for t in (1, 2, 3)}
            self.assertEqual(len(pictures), 1)

    def test_other_seed_other_bits(self):
        for seed in (1, 2):
            self.train("vae", "--steps", 2, "--set", "arch=mlp", "--out", f"r{seed}", "--batch", 16,
                       "--seed", seed)
        self.assertNotEqual(checkpoint("r1")[1], checkpoint("r2")[1])

    def stop(self, run, number, expected, steps=260, model=("vae", "--set", "arch=mlp")):
        """Starts a training, sends a signal once it has logged, waits for its end, and returns what
        it said."""
        process = subprocess.Popen([IMGEN, "train", *model, "--steps", str(steps), "--out", run,
                                    *SMALL, *DATA], stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
        file = pathlib.Path(run) / "metrics.jsonl"
        deadline = time.monotonic() + 60
        while not (file.exists() and file.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(number)
        if number == signal.SIGHUP:
            process.send_signal(number)  # as a shell and the system do when a terminal closes
        said = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, expected)
        return said

    def resume(self, run, *more):
        result = imgen("train", "--out", run, "--resume", *DATA, *more)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_resume_gives_the_same_bits(self):
        self.train("vae", "--steps", 260, "--set", "arch=mlp", "--out", "whole", *SMALL)
        said = self.stop("interrupted", signal.SIGINT, 130)
        step = int(checkpoint("interrupted")[0]["step"])
        self.assertTrue(50 <= step < 260, step)
        self.assertIn(f"interrupted: stopped and saved at step {step}: continue with --resume", said)
        self.resume("interrupted")
        self.stop("killed", signal.SIGKILL, -signal.SIGKILL)
        self.resume("killed")  # no checkpoint was written yet: from step 0
        for run in ("interrupted", "killed"):
            self.assertEqual(checkpoint("whole")[1], checkpoint(run)[1], run)
            self.assertEqual(metrics("whole"), metrics(run), run)
        self.resume("killed")  # finished already: nothing changes
        self.assertEqual(metrics("whole"), metrics("killed"))

    def test_resume_of_several_phases(self):
        """The sums of both phases, the spectral norms' vectors and the running statistics go on."""
        model = ("gan", "--set", "width=4", "--set", "spectral=on", "--set", "norm=batch")
        self.train(*model, "--steps", 260, "--out", "whole", *SMALL)
        self.stop("interrupted", signal.SIGINT, 130, model=model)
        self.assertTrue(50 <= int(checkpoint("interrupted")[0]["step"]) < 260)
        self.resume("interrupted")
        self.assertEqual(checkpoint("whole")[1], checkpoint("interrupted")[1])
        self.assertEqual(metrics("whole"), metrics("interrupted"))

    def test_other_signals(self):
        for number, code in (signal.SIGTERM, 143), (signal.SIGHUP, 129):
            folder = f"ended{number}"
            self.assertIn("saved at step", self.stop(folder, number, code, steps=100000))
            self.assertGreaterEqual(int(checkpoint(folder)[0]["step"]), 50)

    def test_config_repeats_a_run(self):
        self.train("vae", "--steps", 3, "--set", "latent=7", "--set", "beta=0.5", "--set", "arch=mlp",
                   "--out", "first", *SMALL)
        self.train("--config", "first/config.json", *DATA, "--out", "second")
        self.assertEqual(checkpoint("first")[1], checkpoint("second")[1])
        self.assertEqual(read_config("first"), read_config("second"))


class Files(Case):
    def test_run_folder(self):
        result = self.train("vae", "--steps", 100, "--set", "arch=mlp", *SMALL)
        run = pathlib.Path("runs/vae-discs")
        self.assertIn("Test loss", result.stdout)
        names = {p.name for p in (run / "samples").iterdir()}
        self.assertTrue({"step-000100.png", "grid.png", "reconstruct.png"} <= names, names)
        lines = metrics(run)
        self.assertEqual([line["step"] for line in lines], [50, 100, 100])
        self.assertTrue({"epoch", "loss", "rec", "kl", "lr", "grad_norm"} <= lines[0].keys())
        self.assertIn("validation_loss", lines[1])
        self.assertIn("test_loss", lines[2])
        preview = imgen("info", run / "samples/step-000100.png").stdout
        final = imgen("info", run / "samples/grid.png").stdout
        for text in preview, final:
            for words in ("Title        grid of vae on /", "Software     imgen ", "Seed         3",
                          "Command      imgen train vae --steps 100 ", f"Run          {run}"):
                self.assertIn(words, text)
        self.assertNotIn("Checkpoint", preview)
        self.assertIn("Checkpoint   " + hashlib.sha256(
            (run / "checkpoint.safetensors").read_bytes()).hexdigest(), final)
        metadata, tensors = checkpoint(run)
        self.assertEqual((metadata["model"], metadata["step"]), ("vae", "100"))
        for prefix in ("", "ema.", "optim.m.", "optim.v."):
            self.assertIn(prefix + "decoder.hidden.weight", tensors)

    def test_every_loss_of_the_gan(self):
        """A short run of each but the default: no NaN, and images that differ."""
        for loss in ["ns"], ["hinge"], ["wgan-gp"], ["ns", "--set", "spectral=on", "--set", "norm=batch"]:
            with self.subTest(loss=loss):
                self.train("gan", "--steps", 100, "--set", "width=4", "--set", "loss=" + loss[0],
                           *loss[1:], "--overwrite", "--out", "r", *SMALL)
                last = [line for line in metrics("r") if "diversity" in line][-1]
                self.assertTrue(all(math.isfinite(v) for v in last.values() if isinstance(v, float)))
                self.assertGreater(last["diversity"], 0.5)

    def test_several_phases(self):
        """Each phase's loss and gradient, the terms of both; and that a collapse is told once."""
        pulled = ["--weight-decay", 10, "--lr", 0.01]  # to weights of 0, so that all images are alike
        result = self.train("gan", "--steps", 400, "--set", "width=4", *pulled, "--out", "r", *SMALL)
        lines = metrics("r")
        self.assertEqual(set(lines[0]), {
            "step", "epoch", "loss", "d_loss", "g_loss", "d_real", "d_fake", "r1", "r2", "diversity",
            "lr", "d_grad_norm", "g_grad_norm"})
        self.assertEqual(lines[0]["loss"], lines[0]["d_loss"])
        self.assertEqual({key for key in lines[-2] if key.startswith("validation")},
                         {"validation_loss", "validation_d_real", "validation_d_fake"})
        self.assertIn("g_loss", result.stderr)
        self.assertIn("collapsed", lines[-2]["advice"])
        self.assertEqual(result.stderr.count("the generator has collapsed"), 1)

    def test_settings_read_back_as_given(self):
        self.train("vae", "--steps", 0, "--set", "beta=0.3", "--set", "arch=mlp", "--out", "r", *SMALL)
        self.assertIn("beta=0.3 likelihood=bernoulli sigma=0.1 ", imgen("info", "r").stdout)

    def test_pictures_that_cannot_be(self):
        """Codes too long for a prior, and one test image, leave pictures out; the rest is there."""
        write_discs("few.npy", count=12)
        for data, missing, setting in [("discs", "no grid: the ae has codes of 300", "latent=300"),
                                       ("few", "no interpolate: ", "latent=3")]:
            result = imgen("train", "ae", "--steps", 1, "--set", "arch=mlp", "--set", setting, *SMALL,
                           "--data", f"./{data}.npy", "--batch", 8)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("imgen: fitting the prior", result.stderr)
            self.assertIn(missing, result.stdout)
            self.assertTrue(pathlib.Path(f"runs/ae-{data}/samples/reconstruct.png").is_file())

    def test_minutes_become_steps(self):
        self.train("vae", "--minutes", "0.02", "--set", "arch=mlp", "--out", "r", *SMALL)
        config = read_config("r")
        self.assertEqual(config["minutes"], 0.02)
        self.assertEqual(int(checkpoint("r")[0]["step"]), config["recipe"]["steps"])

    def test_loss_falls(self):
        for model, settings in [("ae", []), ("vae", ["--set", "likelihood=gaussian"]),
                                ("vae", ["--set", "binarize=dynamic"])]:
            self.train(model, "--steps", 150, "--set", "arch=mlp", "--out", "r", "--overwrite",
                       *settings, *SMALL)
            losses = [line["loss"] for line in metrics("r") if "loss" in line]
            self.assertLess(losses[-1], losses[0] - 0.1 * abs(losses[0]), (model, settings))


class Labels(Case):
    def setUp(self):
        super().setUp()
        write_bars("bars")

    def test_classifier(self):
        for threads in (1, 2, 3):
            said = self.train("classifier", "--steps", 40, "--out", f"r{threads}", *SMALL,
                              "--data", "./bars", threads=threads).stdout
            self.assertEqual(checkpoint("r1")[1], checkpoint(f"r{threads}")[1], threads)
        self.assertIn("norm1.running_var", checkpoint("r1")[1])
        self.assertIn("Test accuracy: 100.00 %", said)
        last = metrics("r1")[-1]
        self.assertEqual(last["test_accuracy"], 1)
        self.assertLess(last["test_loss"], 0.2)

    def test_of_data_without(self):
        self.refused(2, "the classifier learns from labels", command=["train", "classifier", *DATA])
        for model in ("ae", "vae"):
            self.refused(2, "--labels: the data set has no labels",
                         command=["train", model, "--set", "labels=on", *DATA])
        self.assertFalse(pathlib.Path("runs").exists())

    def test_a_run_with_labels(self):
        self.train("vae", "--steps", 60, "--set", "arch=mlp", "--set", "labels=on", "--out", "r", *SMALL,
                   "--data", "./bars")
        self.assertEqual(read_config("r")["settings"]["labels"], "on")
        self.refused(2, "label", "9", command=["sample", "grid", "r", "--label", "9", "-o", "g.png"])

    def test_judged(self):
        """Where the data has a judge, it tells which classes are there and whether labels are heeded."""
        result = self.train("vae", "--steps", 400, "--set", "arch=mlp", "--labels", "--lr", "2e-3",
                            "--data", "digits", "--out", "r")
        line = metrics("r")[-2]
        self.assertEqual(line["judged_images"], 200)
        self.assertGreater(line["classes_covered"], 2)
        self.assertTrue(0.1 < line["asked_class_hit"] <= 1)
        self.assertIn("of 10 classes, ", result.stderr)
        how = ["--set", "arch=mlp", "--data", "digits", "--batch", 8, "--lr", "1e-9"]
        result = self.train("vae", "--steps", 500, *how, "--out", "s")
        self.assertIn(f"only {metrics('s')[-2]['classes_covered']} of 10 classes", result.stderr)
        self.assertNotIn("asked_class_hit", metrics("s")[-2])
        result = self.train("vae", "--steps", 40, *how, "--out", "u")
        self.assertLess(metrics("u")[-2]["classes_covered"], 10)
        self.assertNotIn("only", result.stderr)  # too early to tell
        self.train("vae", "--steps", 20, "--set", "arch=mlp", "--out", "t", *SMALL)
        self.assertNotIn("judged_images", metrics("t")[-2])


@unittest.skipUnless(len(os.sched_getaffinity(0)) > 1, "needs two cores")
class Threads(Case):
    def cores(self, *arguments, **environment):
        """The sets of cores that each thread of a training may run on."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))}
        command = [IMGEN, "train", "ae", "--steps", "100000", "--set", "arch=mlp", "--out", "run",
                   "--overwrite", *DATA, *arguments]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**env, **environment})
        try:
            deadline = time.monotonic() + 60
            while not pathlib.Path("run/metrics.jsonl").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            tasks = map(int, os.listdir(f"/proc/{process.pid}/task"))
            return [os.sched_getaffinity(task) for task in tasks]
        finally:
            process.kill()
            process.wait()

    def test_bound_unless_told(self):
        bound = self.cores()
        self.assertGreater(len(bound), 1)
        self.assertTrue(all(len(cores) == 1 for cores in bound), bound)
        self.assertEqual(len(set.union(*bound)), len(bound))
        for unbound in [self.cores("--threads", "2"), self.cores(OMP_PROC_BIND="false")]:
            self.assertTrue(all(cores == os.sched_getaffinity(0) for cores in unbound), unbound)


class Told(Case):
    def test_the_next_command_can_be_typed(self):
        result = self.train("vae", "--steps", 1, "--set", "arch=mlp", "--out", "my runs/it's", *SMALL)
        self.assertIn("Trained 1 step in ", result.stdout)
        [more] = [line[6:] for line in result.stdout.splitlines() if line.startswith("More: ")]
        self.assertEqual(shlex.split(more), ["imgen", "sample", "grid", "my runs/it's", "--show"])
        self.assertRegex(result.stderr, "^imgen: training the vae on .*/discs.npy .*, 2 threads, into my runs/it's\n")
        resumed = imgen("train", "--resume", "--out", "my runs/it's", *DATA, threads=1)
        self.assertRegex(resumed.stderr, r"^imgen: training the vae .*, 1 thread, into .*\n$")


class Refusals(Case):
    def test_wrong_usage(self):
        write_discs("tall.npy", count=20, side=30)
        for words, command in [
            (["which model", "ae, vae"], ["train"]),
            (["which run", "--resume --out RUN"], ["train", "--resume"]),
            (["no model 'vea'", "ae, vae"], ["train", "vea"]),
            (["--ephochs", "--epochs"], ["train", "vae", "--ephochs", "3"]),
            (["unknown option -oruns: "], ["train", "vae", "-oruns"]),
            (["unknown option -epochs: is it --epochs?"], ["train", "vae", "-epochs", "3"]),
            (["--epochs", "not an empty word"], ["train", "vae", "--epochs", ""]),
            (["--out", "not an empty word"], ["train", "vae", "--out="]),
            (["an empty word", "usage"], ["train", ""]),
            (["--out", "DIR, not --steps"], ["train", "vae", "--out", "--steps", "1"]),
            (["--seed -1", "from 0 to 9007199254740992"], ["train", "vae", "--seed", "-1"]),
            (["--batch 0", "1 to 65536"], ["train", "vae", "--batch", "0"]),
            (["--lr x", "a number"], ["train", "vae", "--lr", "x"]),
            (["--epochs", "--steps"], ["train", "vae", "--epochs", "1", "--steps", "2"]),
            (["setting", "lateral", "latent"], ["train", "vae", "--set", "lateral=3"]),
            (["latent=0", "1 to 1024"], ["train", "vae", "--set", "latent=0"]),
            (["loss=lsgan", "relativistic"], ["train", "gan", "--set", "loss=lsgan"]),
            (["multiples of 4", "30x30"], ["train", "gan", "--data", "./tall.npy"]),
            (["arch=cnn", "conv, mlp"], ["train", "ae", "--set", "arch=cnn"]),
            (["KEY=VALUE"], ["train", "ae", "--set", "latent"]),
            (["no preset 'fast'", "quick"], ["train", "ae", "--preset", "fast"]),
            (["--resume", "--out"], ["train", "ae", "--resume", "--lr", "1"]),
            (["a folder, not a model", "--resume --out ."], ["train", "--resume", "."]),
            (["no model 'r'"], ["train", "--resume", "r"]),
            (["unknown command 'trian'", "train, data, sample"], ["trian"]),
            (["unknown command '--preset'", "train, data"], ["--preset", "quick", "train", "vae"]),
            (["validation", "600"], ["train", "ae", "--validation", "600", *DATA]),
            (["validation of 600 images leaves none of 600"],
             ["train", "ae", "--validation", "600", "--epochs", "1", *DATA]),
            (["/...: a path of 960 bytes, expected at most 959", "choose a shorter one"],
             ["train", "ae", "--out", "/".join(["e" * 59] * 16) + "/", *DATA]),
        ]:
            with self.subTest(command=command):
                self.refused(2, *words, command=command)
        with unittest.mock.patch.dict(os.environ, IMGEN_CPU="mmx"):
            self.refused(2, "IMGEN_CPU=mmx", "generic", command=["train", "ae", *DATA])
        self.refused(1, "nosuch", "imgen data list", command=["train", "ae", "--data", "nosuch"])
        self.assertEqual(list(self.folder.rglob("*.json")), [])
        self.assertEqual([p for p in self.folder.iterdir() if p.is_dir()], [])

    def test_help_of_a_model(self):
        self.assertIn("MODEL --help", imgen("train", "--help").stdout)
        told = imgen("train", "vae", "--help").stdout
        self.assertIn("60000 steps of 32 images; latent=40 objective=iwae", told)
        self.assertRegex(told, r"arch=conv\|mlp +two stride-2 convolutions")

    def test_existing_run_is_kept(self):
        self.train("ae", "--steps", 1, "--set", "arch=mlp", "--out", "r", *SMALL)
        before = checkpoint("r")[1]
        self.refused(2, "r: holds a run", "--resume", "--overwrite", command=["train", "ae", "--out", "r", *DATA])
        self.refused(2, "of the ae, not of the vae", command=["train", "vae", "--out", "r", "--resume"])
        self.assertEqual(before, checkpoint("r")[1])
        resume = ["train", "--resume", "--out", "r", "--data"]
        self.refused(1, "./gone.npy: cannot be read: No such file", command=[*resume, "./gone.npy"])
        self.refused(2, "r: is trained on ", "not on digits", command=[*resume, "digits"])
        self.refused(2, "r: is trained on ", "not on ./r", command=[*resume, "./r"])  # no data at all
        nameless = os.fsdecode(b"./d\xff.npy")  # in no alphabet that a config can hold
        shutil.copy("discs.npy", nameless)
        for word, bad in [("--epochs 1000000: comes to 55000000000 steps, expected at most 2147483647",
                           ["--data", "digits", "--epochs", "1e6", "--batch", 1]),
                          ("UTF-8", ["--data", nameless])]:
            self.refused(2, word, command=["train", "ae", "--out", "r", "--overwrite", *bad])
            self.assertEqual(before, checkpoint("r")[1])
        os.mkdir("full")
        pathlib.Path("full/thesis.txt").write_text("mine")
        self.refused(2, "full", "no run", command=["train", "ae", "--out", "full", "--overwrite", *DATA])
        self.assertEqual(pathlib.Path("full/thesis.txt").read_text(), "mine")

    def test_damaged_runs(self):
        self.train("ae", "--steps", 1, "--set", "arch=mlp", "--out", "a", *SMALL)
        self.train("vae", "--steps", 1, "--set", "arch=mlp", "--out", "v", *SMALL)
        whole = pathlib.Path("a/checkpoint.safetensors").read_bytes()
        file = pathlib.Path("v/checkpoint.safetensors")
        own = file.read_bytes()
        file.write_bytes(whole)
        self.refused(1, "v/checkpoint", "of the ae", command=["sample", "grid", "v"])
        for place in (2 * len(own) // 3, own.index(b'"step":"1"') + 8):  # of a tensor, of a text
            flipped = bytearray(own)
            flipped[place] ^= 2
            file.write_bytes(flipped)
            self.refused(1, "v/checkpoint.safetensors: is damaged", command=["sample", "grid", "v"])
        file.write_bytes(whole[: len(whole) // 2])
        self.refused(1, "v/checkpoint", command=["sample", "grid", "v"])
        self.refused(1, "v/checkpoint", command=["train", "vae", "--out", "v", "--resume", *DATA])
        pathlib.Path("v/config.json").write_text('{"format": 1, "model": ')
        self.refused(1, "v/config.json", "line 1", command=["sample", "grid", "v"])
        config = read_config("a")
        for field, value, words in [("format", 99, ["newer"]), ("seed", "x", ["seed"]),
                                    ("recipe", {}, ["steps"]),
                                    ("recipe", {**config["recipe"], "schedule": "steep"}, ["schedule", "steep"]),
                                    ("recipe", {**config["recipe"], "lr": -1}, ["lr is -1", "0 to 100"]),
                                    ("image", {"height": 4000}, ["height"])]:
            pathlib.Path("a/config.json").write_text(json.dumps({**config, field: value}))
            self.refused(1, "a/config.json", *words, command=["sample", "grid", "a"])
        pathlib.Path("a/config.json").write_text(json.dumps({**config, "settings": {"latnt": "9"}}))
        self.refused(1, "a/config.json: ", "latnt", command=["sample", "grid", "a"])
        self.refused(1, "nowhere", "not a run folder", command=["sample", "grid", "nowhere"])

    def test_read_only_folder(self):
        os.mkdir("locked", 0o500)
        locked = "locked/r" if os.geteuid() else "/proc/r"  # root may write in any real folder
        self.refused(1, locked, command=["train", "ae", "--steps", "1", "--out", locked, *DATA])

    def test_a_file_in_the_way(self):
        pathlib.Path("file").write_text("")
        self.refused(1, "file", command=["train", "ae", "--steps", "1", "--out", "file/r", *DATA])

    def test_divergence_is_told(self):
        for model in ["vae", "--set", "arch=mlp"], ["gan", "--set", "width=4"]:
            self.refused(1, "step", "lower", command=[
                "train", *model, "--steps", "300", "--optimizer", "sgd", "--lr", "100", "--warmup", "0",
                "--clip", "0", "--out", "r", "--overwrite", *SMALL, *DATA], told=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
