"""What docs/reliability.md promises of runs, through the command line: signals, full disks, numbers that
stop being finite, two trainings in a folder, damaged and old checkpoints, pictures made again.
    reliability.py IMGEN FIXTURE"""
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest
import zlib

FIXTURE = pathlib.Path(sys.argv.pop(2)).resolve().parent
from training import DATA, IMGEN, Case, checkpoint, imgen, metrics, read_config, write_bars, write_discs

MLP = ["--set", "arch=mlp"]


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


class Run(Case):
    def config(self, *words, steps, model="vae", **fields):
        """Writes config.json of a training that saves and logs as often as the fields say."""
        self.train(model, *words, "--steps", 0, "--batch", 8, "--seed", 3, "--out", "base", "--overwrite")
        config = read_config("base")
        config["recipe"]["steps"] = steps
        config.update({"save_every": 5, "log_every": 5, "preview_every": 1000, "validation": 20, **fields})
        pathlib.Path("config.json").write_text(json.dumps(config))

    def start(self, run, *more):
        """A training in the background."""
        process = subprocess.Popen([IMGEN, "train", "--config", "config.json", *DATA, "--out", run, *more],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def whole(self, run, *more):
        return self.train("--config", "config.json", *DATA, "--out", run, *more)

    def resume(self, run, **options):
        return self.train("--resume", *DATA, "--out", run, **options)

    def expect_same(self, run, other="whole"):
        self.assertEqual(checkpoint(run)[1], checkpoint(other)[1])
        self.assertEqual(metrics(run), metrics(other))


class Interrupted(Run):
    def test_second_signal_quits_at_once(self):
        """Within a step of seconds; what is saved stays whole."""
        self.config("--set", "arch=conv", steps=4, save_every=1)
        config = json.loads(pathlib.Path("config.json").read_text())
        config["recipe"]["batch"] = 3000
        pathlib.Path("config.json").write_text(json.dumps(config))
        file = pathlib.Path("r/checkpoint.safetensors")
        for _ in range(5):
            shutil.rmtree("r", ignore_errors=True)
            process = self.start("r")
            wait_for(file.exists)
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[1]
            self.assertEqual(process.returncode, 130)
            if "stopped and saved" not in said:
                break
        self.assertNotIn("stopped and saved", said)
        self.assertGreaterEqual(int(checkpoint("r")[0]["step"]), 1)
        self.assertEqual(imgen("info", "r").returncode, 0)

    def test_stop_between_saves_changes_no_bit(self):
        self.config(*MLP, steps=600, save_every=150)
        self.whole("whole")
        process = self.start("r")
        wait_for(lambda: pathlib.Path("r/metrics.jsonl").exists())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143)
        self.resume("r")
        self.expect_same("r")


    def test_a_signal_while_an_array_is_written(self):
        """Leaves the whole array or none, and nothing beside it."""
        self.train("vae", *MLP, "--steps", 1, "--batch", 8, "--out", "r")
        for command in ["sample", "array", "r", "-n", "20000"], ["encode", "r", "--split", "train", *DATA]:
            process = subprocess.Popen([IMGEN, *command, "-o", "a.npy"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            while process.poll() is None:
                try:
                    if os.stat(f"a.npy.tmp.{process.pid}.0").st_size:  # not where -o is only tried
                        break
                except FileNotFoundError:
                    pass
            process.send_signal(signal.SIGTERM)
            self.assertIn(process.wait(60), (0, 143))
            self.assertEqual(list(pathlib.Path().glob("a.npy.tmp.*")), [])


class Kept(Run):
    def names(self, run):
        return sorted(p.name for p in pathlib.Path(run).glob("checkpoint*"))

    def test_rotation_and_falling_back(self):
        self.config(*MLP, steps=33, keep=3)
        self.whole("whole")
        self.assertEqual(self.names("whole"), ["checkpoint-000025.safetensors", "checkpoint-000030.safetensors",
                                               "checkpoint.safetensors"])
        self.assertEqual(checkpoint("whole")[0]["step"], "33")
        for damage in ("cut", "gone", "one bit"):
            shutil.copytree("whole", "r", dirs_exist_ok=True)
            file = pathlib.Path("r/checkpoint.safetensors")
            data = bytearray(file.read_bytes())
            file.unlink()
            if damage == "cut":
                file.write_bytes(data[: len(data) // 2])
            if damage == "one bit":
                data[len(data) // 2] ^= 1
                file.write_bytes(data)
            said = self.resume("r").stderr
            self.assertIn("checkpoint.safetensors: ", said)
            self.assertIn("going on from checkpoint-000030.safetensors", said)
            self.expect_same("r")
        # the newest of them is damaged too
        shutil.rmtree("r")
        shutil.copytree("whole", "r")
        for name in self.names("r")[1:]:
            file = pathlib.Path("r", name)
            data = file.read_bytes()
            file.unlink()
            file.write_bytes(data[:-1])
        self.assertIn("going on from checkpoint-000025.safetensors", self.resume("r").stderr)
        self.expect_same("r")

    def test_keep_one(self):
        self.train("vae", *MLP, "--steps", 3, "--keep", 1, "--out", "r", "--batch", 8)
        self.assertEqual(read_config("r")["keep"], 1)
        self.config(*MLP, steps=20, keep=1)
        self.whole("s")
        self.assertEqual(self.names("s"), ["checkpoint.safetensors"])
        self.refused(2, "--keep 0", "1 to 1000", command=["train", "vae", "--keep", "0"])

    def test_newer_format_is_not_fallen_back_from(self):
        self.config(*MLP, steps=12)
        self.whole("r")
        file = pathlib.Path("r/checkpoint.safetensors")
        data = file.read_bytes()
        file.unlink()
        file.write_bytes(data.replace(b'"format":"1"', b'"format":"9"', 1))
        self.assertNotEqual(file.read_bytes(), data)
        for command in ["train", "--resume", *DATA, "--out", "r"], ["sample", "grid", "r"]:
            self.refused(1, "format 9 is newer", "use the imgen that wrote it", command=command)

    def test_overwrite_takes_all(self):
        self.config(*MLP, steps=33, keep=4)
        self.whole("r")
        pathlib.Path("r/notes.txt").write_text("mine")
        self.train("vae", *MLP, "--steps", 1, "--out", "r", "--batch", 8, "--overwrite")
        self.assertEqual(self.names("r"), ["checkpoint.safetensors"])
        self.assertEqual(pathlib.Path("r/notes.txt").read_text(), "mine")

    def test_overwrite_by_what_memory_cannot_hold(self):
        self.train("vae", *MLP, "--steps", 1, "--out", "r", "--batch", 8)
        before = {p: p.read_bytes() for p in pathlib.Path("r").rglob("*") if p.is_file()}
        little = lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        if imgen("info", "r", preexec_fn=little).returncode:
            self.skipTest("does not start with so little memory")  # sanitizers take more
        result = imgen("train", "gan", *DATA, "--set", "width=128", "--batch", 65536, "--out", "r", "--overwrite",
                       preexec_fn=little)
        self.assertEqual(result.returncode, 1, result)
        self.assertRegex(result.stderr, r"\nimgen: r: step 1: .* out of memory: free some, or train with a smaller")
        self.assertEqual(before, {p: p.read_bytes() for p in pathlib.Path("r").rglob("*") if p.is_file()})


class Disk(Run):
    def state(self, run):
        return {p.name: p.read_bytes() for p in pathlib.Path(run).iterdir() if p.is_file()}

    def interrupted(self):
        """A run, and how it stands after a stop."""
        self.config(*MLP, steps=600, save_every=50)
        self.whole("whole")
        process = self.start("r")
        wait_for(lambda: pathlib.Path("r/checkpoint.safetensors").exists())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        return pathlib.Path("r/checkpoint.safetensors").read_bytes(), metrics("r")

    def expect_intact(self, before, lines):
        self.assertEqual(pathlib.Path("r/checkpoint.safetensors").read_bytes(), before)
        self.assertEqual(metrics("r")[: len(lines)], lines)
        self.assertEqual(list(pathlib.Path("r").glob("*.tmp.*")), [])
        self.resume("r")
        self.expect_same("r")

    def test_limit_of_file_size(self):
        before, lines = self.interrupted()
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, resource.RLIM_INFINITY))
        result = imgen("train", "--resume", *DATA, "--out", "r", preexec_fn=limit)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("r/checkpoint.safetensors: cannot be written", result.stderr)
        self.assertIn("free some space", result.stderr)
        self.expect_intact(before, lines)

    def mounted(self, script):
        """Runs a shell script in a name space where it may mount; skips where that is not allowed."""
        command = ["unshare", "--map-root-user", "--mount", "sh", "-ec", script]
        try:
            allowed = subprocess.run([*command[:-1], "mkdir -p m; mount -t tmpfs -o size=64k tmpfs m"],
                                     capture_output=True).returncode == 0
        except FileNotFoundError:
            allowed = False
        if not allowed:
            self.skipTest("may not mount")
        return subprocess.run(command, capture_output=True, text=True, timeout=100)

    def test_small_file_system(self):
        """Room for two checkpoints and a bit, not for a third beside them."""
        self.config(*MLP, steps=200, save_every=50, keep=2)
        self.whole("whole")
        size = pathlib.Path("whole/checkpoint.safetensors").stat().st_size
        result = self.mounted(
            f"mount -t tmpfs -o size={int(2.5 * size)} tmpfs m; code=0; "
            f"{IMGEN} train --config config.json --data ./discs.npy --out m/r || code=$?; "
            f"cp -r m/r kept; exit $code")
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("m/r/checkpoint.safetensors: cannot be written", result.stderr)
        self.assertIn("free some space", result.stderr)
        self.assertEqual(checkpoint("kept")[0]["step"], "100")
        shutil.move("kept", "r")
        self.resume("r")
        self.expect_same("r")

    def test_read_only_file_system(self):
        self.config(*MLP, steps=20)
        self.whole("r")
        before = self.state("r")
        result = self.mounted("mount --bind r r; mount -o remount,ro,bind r; code=0; "
                              f"{IMGEN} train --resume --data ./discs.npy --out r || code=$?; "
                              f"{IMGEN} sample grid r || code=$code$?; exit $code")
        self.assertEqual(result.returncode, 11, result)
        self.assertIn("r/train.lock: cannot be written: Read-only file system", result.stderr)
        self.assertIn("r/samples/grid.png: cannot be written", result.stderr)
        self.assertEqual(self.state("r"), before)

    def test_outputs(self):
        """A pipe in the place of a file; standard output closed, full, or without a reader."""
        self.train("vae", *MLP, "--steps", 1, "--out", "r", "--batch", 8)
        os.mkfifo("pipe")
        self.refused(2, "pipe: is not a regular file", command=["sample", "grid", "r", "-o", "pipe"])
        self.assertTrue(pathlib.Path("pipe").is_fifo())
        for redirect in ">&-", "> /dev/full":
            run = f"closed{len(redirect)}"
            for command in (f"info r {redirect}",
                            f"train vae --set arch=mlp --steps 2 --batch 8 --data ./discs.npy --out {run} {redirect}"):
                result = subprocess.run(["sh", "-c", f"{IMGEN} {command}"], capture_output=True, text=True)
                self.assertEqual(result.returncode, 1, result)
                self.assertIn("imgen: standard output: could not be written", result.stderr)
            self.assertEqual(checkpoint(run)[0]["step"], "2")
            self.assertFalse([p for p in pathlib.Path(run).rglob("*")
                              if p.is_file() and b"Pictures:" in p.read_bytes()])
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([IMGEN, "info", "r"], stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        self.assertEqual((result.returncode, result.stderr),
                         (1, "imgen: standard output: could not be written\n"))


class Numbers(Run):
    DIVERGING = [*MLP, "--optimizer", "sgd", "--warmup", 0, "--clip", 0, "--schedule", "constant", "--ema", 0]

    def test_given_up_after_three(self):
        self.config(*self.DIVERGING, "--lr", 100, steps=60)
        result = imgen("train", "--config", "config.json", *DATA, "--out", "r")
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(result.stderr.count("with half the learning rate"), 3)
        last = result.stderr.splitlines()[-1]
        self.assertRegex(last, r"imgen: r: step \d: the loss is not finite: \w+\(.*8x20.*\) made inf; .* 3 times .* lower --lr")
        self.assertFalse(pathlib.Path("r/checkpoint.safetensors").exists())

    def test_each_phase(self):
        self.config("--set", "width=4", "--optimizer", "sgd", "--warmup", 0, "--clip", 0, "--lr", 100, steps=300,
                    model="gan")
        result = imgen("train", "--config", "config.json", *DATA, "--out", "r")
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(result.stderr.count("with half the learning rate"), 3)
        self.assertRegex(result.stderr.splitlines()[-1], r"step \d+: the (loss|gradient) is not finite: \w+\(")

    def test_goes_on_with_a_lower_rate(self):
        """The same bits also where the run is stopped and killed on its way."""
        for rate in 0.05, 0.1, 0.2, 0.4, 0.8:  # one that is too high by less than 8 times
            self.config(*self.DIVERGING, "--lr", rate, steps=120, save_every=20)
            result = imgen("train", "--config", "config.json", *DATA, "--out", "whole", "--overwrite")
            if result.returncode == 0 and "half the learning rate" in result.stderr:
                break
        self.assertEqual(result.returncode, 0, result.stderr)
        setbacks = result.stderr.count("with half the learning rate")
        self.assertIn(setbacks, (1, 2, 3))
        self.assertEqual(checkpoint("whole")[0]["setbacks"], str(setbacks))
        self.assertEqual(metrics("whole")[-2]["lr"], float(f"{rate / 2 ** setbacks:.7g}"))
        self.start("r").communicate(timeout=100)
        self.expect_same("r")
        for number in signal.SIGINT, signal.SIGKILL:
            shutil.rmtree("r")
            process = self.start("r")
            for _ in range(20):
                time.sleep(0.03)
                process.send_signal(number)
                process.communicate(timeout=60)
                if not pathlib.Path("r/config.json").exists():
                    process = self.start("r")
                    continue
                process = subprocess.Popen([IMGEN, "train", "--resume", *DATA, "--out", "r"],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            process.communicate(timeout=100)
            self.assertEqual(process.returncode, 0)
            self.expect_same("r")


class TwoAtOnce(Run):
    def test_second_training_is_refused(self):
        self.config(*MLP, steps=100000, save_every=10)
        process = self.start("r")
        wait_for(lambda: pathlib.Path("r/checkpoint.safetensors").exists())
        for command in (["train", "--resume", *DATA, "--out", "r"],
                        ["train", "vae", *MLP, *DATA, "--out", "r", "--overwrite"]):
            self.refused(2, "r: another imgen trains in it", command=command)
        process.kill()  # and the lock is free
        process.wait()
        process = subprocess.Popen([IMGEN, "train", "--resume", *DATA, "--out", "r"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        step = int(checkpoint("r")[0]["step"])
        wait_for(lambda: int(checkpoint("r")[0]["step"]) > step)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143)

    def test_readers_of_a_live_run(self):
        self.config(*MLP, steps=100000, save_every=1)
        process = self.start("r")
        wait_for(lambda: pathlib.Path("r/checkpoint.safetensors").exists())
        steps = set()
        for i in range(20):
            steps.add(int(checkpoint("r")[0]["step"]))
            for command in ["info", "r"], ["sample", "grid", "r", "-n", 4, "-o", "g.png"]:
                result = imgen(*command)
                self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIsNone(process.poll())
        self.assertGreater(len(steps), 5)

    def test_a_start_that_was_killed_is_begun_again(self):
        os.makedirs("r/samples")
        pathlib.Path("r/train.lock").touch()
        pathlib.Path("r/config.json.tmp.1.0").write_text('{"for')
        self.train("vae", *MLP, "--steps", 1, "--out", "r", "--batch", 8)
        self.assertFalse(pathlib.Path("r/config.json.tmp.1.0").exists())


class Repeatable(Case):
    def test_every_model_twice(self):
        write_bars("bars", counts=(60, 20), side=12)
        for model, settings in [("ae", []), ("vae", []), ("gan", ["--set", "width=4"]),
                                ("ddpm", ["--set", "width=8"]), ("flow", ["--set", "width=8"]),
                                ("classifier", [])]:
            for run, threads in ("a", 1), ("b", 3):
                self.train(model, *settings, "--steps", 7, "--batch", 8, "--seed", 9, "--data", "./bars",
                           "--out", run, "--overwrite", threads=threads)
            self.assertEqual(checkpoint("a")[1], checkpoint("b")[1], model)
            self.assertEqual(metrics("a"), metrics("b"), model)
            if model == "classifier":
                continue
            arrays = []
            for run, n in ("a", 3), ("b", 200):
                result = imgen("sample", "array", run, "-n", n, "--seed", 4, "-o", f"{n}.npy", "--data", "./bars")
                self.assertEqual(result.returncode, 0, result.stderr)
                arrays.append(pathlib.Path(f"{n}.npy").read_bytes()[128:])
            self.assertEqual(arrays[0], arrays[1][: 3 * 12 * 12], model)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def split_png(path):
    """The file's chunks as (kind, content), and what is before them."""
    data, at, found = pathlib.Path(path).read_bytes(), 8, []
    while at < len(data):
        [length] = struct.unpack(">I", data[at : at + 4])
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def change_text(path, out, key, value):
    """The picture with another text; None leaves it out."""
    file = b"\x89PNG\r\n\x1a\n"
    for kind, content in split_png(path):
        if kind == b"iTXt" and content.startswith(key.encode() + b"\0"):
            if value is None:
                continue
            content = key.encode() + b"\0" * 5 + value.encode()
        file += chunk(kind, content)
    pathlib.Path(out).write_bytes(file)


class Replay(Case):
    def draws(self, *words):
        result = imgen("sample", *words)
        self.assertEqual(result.returncode, 0, result.stderr)

    def matches(self, *words, what="every pixel matches"):
        result = imgen("replay", *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(what, result.stdout)

    def test_pictures(self):
        run = "the run's $(touch x)"
        self.train("vae", *MLP, "--steps", 20, "--batch", 8, "--out", run)
        self.draws("grid", run, "-n", "9", "--seed", "7", "--scale", "3", "-o", "it's a.png")
        self.matches("it's a.png", "-o", "again.png")
        self.assertEqual(pathlib.Path("it's a.png").read_bytes(), pathlib.Path("again.png").read_bytes())
        self.draws("reconstruct", run, "--data", "./discs.npy", "-o", "r.png")
        self.refused(2, "./discs.npy", "--data", command=["replay", "r.png"])
        self.matches("r.png", "--data", "discs.npy")
        self.matches(f"{run}/samples/grid.png")  # drawn at the end of the training
        self.refused(2, "preview", "weights are gone", command=["replay", f"{run}/samples/step-000020.png"])
        self.assertFalse(pathlib.Path("x").exists())
        shutil.move(run, "moved")
        self.refused(1, "not a run folder", command=["replay", "it's a.png"])
        self.matches("it's a.png", "--run", "moved")

    def test_moving_and_fitted(self):
        write_bars("bars", counts=(60, 20), side=12)
        self.train("ddpm", "--set", "width=8", "--steps", 3, "--batch", 8, "--data", "./bars", "--out", "d", "--labels")
        self.draws("trajectory", "d", "--label", "1", "--animate", "--steps", "4", "-o", "t.png")
        self.matches("t.png", "-o", "u.png", what="every frame matches")
        self.assertEqual(pathlib.Path("t.png").read_bytes(), pathlib.Path("u.png").read_bytes())
        self.train("ae", *MLP, "--steps", 3, "--batch", 8, "--out", "a")
        self.draws("grid", "a", "--data", "./discs.npy", "-o", "g.png")
        pathlib.Path("a/prior.safetensors").unlink()
        self.matches("g.png", "--data", "./discs.npy")
        self.assertFalse(pathlib.Path("a/prior.safetensors").exists())  # writes only what it was told to

    def test_what_differs_is_told(self):
        self.train("vae", *MLP, "--steps", 2, "--batch", 8, "--out", "r", "--seed", 1)
        self.draws("grid", "r", "-n", "4", "-o", "g.png")
        parts = split_png("g.png")
        [packed] = [content for kind, content in parts if kind == b"IDAT"]
        rows = bytearray(zlib.decompress(packed))
        rows[-1] ^= 1
        pathlib.Path("h.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
            chunk(kind, zlib.compress(bytes(rows)) if kind == b"IDAT" else content) for kind, content in parts))
        self.refused(1, "h.png: 1 of ", "pixels differ", command=["replay", "h.png", "-o", "i.png"])
        self.matches("i.png")
        self.train("vae", *MLP, "--steps", 2, "--batch", 8, "--out", "r", "--seed", 2, "--overwrite")
        self.refused(1, "pixels differ", "another checkpoint now", command=["replay", "g.png"])

    def test_hostile_texts(self):
        self.train("vae", *MLP, "--steps", 2, "--batch", 8, "--out", "r")
        self.draws("grid", "r", "-n", "4", "-o", "g.png")
        before = sorted(self.folder.rglob("*"))
        for words, command in [
            (["expected imgen sample"], "sh -c 'touch x'"),
            (["expected imgen sample"], "imgen eval r"),
            (["expected imgen sample"], "imgen"),
            (["expected imgen sample"], "imgen sample grid 'r"),
            (["expected imgen sample"], "imgen sample grid r \\x"),
            (["expected imgen sample"], "imgen " + "a " * 300),
            (["grid"], "imgen sample array r -n 4"),
            (["--help"], "imgen sample --help"),
            (["unknown option"], "imgen sample grid r --run x"),
            (["/etc/passwd", "--data"], "imgen sample reconstruct r --data /etc/passwd"),
        ]:
            with self.subTest(command=command):
                change_text("g.png", "h.png", "Command", command)
                self.refused(2, *words, command=["replay", "h.png"])
                os.remove("h.png")
        change_text("g.png", "h.png", "Command", "imgen sample grid r -n 4 --output=x.png")
        self.matches("h.png")
        change_text("g.png", "h.png", "Command", None)
        self.refused(2, "h.png: does not say how it was made", command=["replay", "h.png"])
        os.remove("h.png")
        self.assertEqual(sorted(self.folder.rglob("*")), before)
        self.refused(1, "discs.npy", command=["replay", "discs.npy"])


class Upgrades(Case):
    def test_a_run_of_version_0_1_0(self):
        """A GAN's checkpoint without what later ones have more; the images that it made, to one grey
        level, by which other compilers and CPUs may round."""
        os.mkdir("old")
        shutil.copy(FIXTURE / "gan.safetensors", "old/checkpoint.safetensors")
        shutil.copy(FIXTURE / "gan.json", "old/config.json")
        os.environ["IMGEN_CPU"] = "generic"
        self.addCleanup(os.environ.pop, "IMGEN_CPU")
        result = imgen("sample", "array", "old", "-n", 16, "-o", "now.npy")
        self.assertEqual(result.returncode, 0, result.stderr)
        then = (FIXTURE / "gan.npy").read_bytes()
        now = pathlib.Path("now.npy").read_bytes()
        self.assertEqual(len(now), len(then))
        self.assertEqual(now[:128], then[:128])
        self.assertLessEqual(max(abs(a - b) for a, b in zip(now[128:], then[128:])), 1)
        self.assertGreater(len(set(then[128:])), 20)
        config = read_config("old")
        self.assertNotIn("keep", config)
        config["recipe"]["steps"] += 2
        pathlib.Path("old/config.json").write_text(json.dumps(config))
        write_discs("d.npy", count=60, side=8)
        self.train("--resume", "--data", "./d.npy", "--out", "old")
        self.assertEqual(checkpoint("old")[0]["step"], str(config["recipe"]["steps"]))

    def test_settings_of_presets(self):
        """What a preset sets of the model is stored with the run; a run of before it has none."""
        write_discs("d.npy", count=60, side=8)
        how = "ddpm", "--set", "width=8", "--steps", 2, "--batch", 8, "--data", "./d.npy"
        self.train(*how, "--out", "new")
        self.assertEqual(read_config("new")["settings"]["clusters"], "64")
        self.train(*how, "--set", "clusters=0", "--out", "old")
        config = read_config("old")
        self.assertEqual(config["settings"].pop("clusters"), "0")
        drawn = [imgen("sample", "array", "old", "-n", 4, "-o", "then.npy").returncode]
        pathlib.Path("old/config.json").write_text(json.dumps(config))
        drawn.append(imgen("sample", "array", "old", "-n", 4, "-o", "now.npy").returncode)
        self.assertEqual(drawn, [0, 0])
        self.assertEqual(pathlib.Path("now.npy").read_bytes(), pathlib.Path("then.npy").read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)
