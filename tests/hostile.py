"""Files of strangers on the command line: each gives one clear line or works, and leads imgen nowhere
that the user did not name. python3 hostile.py IMGEN SEEDS; with IMGEN_UNDER, a command such as
valgrind's, imgen runs under it."""
import json
import os
import pathlib
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

SEEDS = pathlib.Path(sys.argv.pop(2)).resolve()
IMGEN = shlex.split(os.environ.get("IMGEN_UNDER", "")) + [os.path.abspath(sys.argv.pop(1))]
BAD = "\x1b[2J"


def npy(path, count=21, side=8):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, {side}, {side})}}".ljust(117) + "\n"
    data = bytes(255 * (i % 5 < 2) for i in range(count * side * side))
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.top = pathlib.Path(temporary.name)
        self.home = self.top / "home"
        self.home.mkdir()
        npy(self.home / "data.npy")

    def imgen(self, *words):
        return subprocess.run(IMGEN + [str(word) for word in words], cwd=self.home, capture_output=True,
                              encoding="utf-8", errors="replace", timeout=100,
                              env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

    def calm(self, *words):
        """Works, or says why not in one line that a terminal shows as it is."""
        done = self.imgen(*words)
        self.assertIn(done.returncode, (0, 1, 2), (words, done))
        self.assertNotIn("\x1b", done.stdout + done.stderr, words)
        if done.returncode:
            lines = done.stderr.splitlines()
            self.assertTrue(lines and lines[-1].startswith("imgen: ") and len(lines) <= 2, (words, done))
        return done

    def refused(self, word, *words):
        done = self.calm(*words)
        self.assertNotEqual(done.returncode, 0, words)
        self.assertIn(word, done.stderr)
        return done

    def train(self, folder="r"):
        done = self.imgen("train", "vae", "--data", "./data.npy", "--set", "arch=mlp", "--set", "latent=2",
                          "--steps", 2, "--batch", 4, "--validation", 0, "--out", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.home / folder


class Files(Case):
    def test_info_is_calm(self):
        for kind in ("png", "npy", "safetensors", "checkpoint"):
            for seed in sorted((SEEDS / kind).iterdir()):
                self.calm("info", seed)

    def test_data_is_calm(self):
        for seed in sorted((SEEDS / "npy").iterdir()):
            path = self.home / f"{seed.name}.npy"
            path.write_bytes(seed.read_bytes())
            self.calm("data", "info", path)

    def test_runs_are_calm(self):
        run = self.train()
        whole = {name: (run / name).read_bytes() for name in ("config.json", "metrics.jsonl", "checkpoint.safetensors")}
        for kind, name in (("config", "config.json"), ("metrics", "metrics.jsonl"),
                           ("checkpoint", "checkpoint.safetensors")):
            for seed in sorted((SEEDS / kind).iterdir()):
                (run / name).write_bytes(seed.read_bytes())
                self.calm("info", run)
            (run / name).write_bytes(whole[name])


class Paths(Case):
    def test_data_of_a_config_is_not_opened(self):
        """Only a data set that is known by name; a path is opened where the user names it."""
        self.train()
        for command in (["sample", "reconstruct", "r"], ["encode", "r", "-o", "codes.npy"], ["eval", "r"],
                        ["train", "--resume", "--out", "r"], ["train", "--config", "r/config.json", "--out", "s"]):
            self.refused("--data", *command)
        self.assertFalse((self.home / "codes.npy").exists() or (self.home / "s").exists())
        for command in (["sample", "reconstruct", "r", "-n", 2], ["encode", "r", "-o", "codes.npy"],
                        ["train", "--resume", "--out", "r"]):
            done = self.calm(*command, "--data", "data.npy")
            self.assertEqual(done.returncode, 0, done.stderr)
        npy(self.home / "other.npy")
        self.refused("is trained on", "train", "--resume", "--out", "r", "--data", "./other.npy")

    def test_texts_of_files_lead_nowhere(self):
        """Wherever a config has a text: neither files outside, nor escape sequences on the terminal."""
        run = self.train()
        config = json.loads((run / "config.json").read_text())
        before = sorted(self.top.rglob("*"))
        for text in ("../../escaped", "/nonexistent/escaped", BAD, "%s%n"):
            for change in ({"data": text}, {"preset": text[:15]}, {"model": text}, {"imgen": text},
                           {"settings": {text: text}}, {"settings": {"arch": text}},
                           {"recipe": config["recipe"] | {"optimizer": text}}):
                (run / "config.json").write_text(json.dumps(config | change))
                self.calm("info", run)
                self.calm("train", "--resume", "--out", "r")
        (run / "config.json").write_text(json.dumps(config))
        self.assertEqual(sorted(self.top.rglob("*")), before)

    def test_links_of_a_run_lead_nowhere(self):
        run, outside = self.train(), self.top / "outside"
        outside.mkdir()
        (outside / "mine.png").write_text("mine")
        for path in (run / "samples").iterdir():
            path.unlink()
        (run / "samples").rmdir()
        (run / "samples").symlink_to(outside)
        self.refused("is a link", "sample", "grid", "r")
        again = ["train", "vae", "--data", "./data.npy", "--set", "arch=mlp", "--steps", 1, "--out", "r"]
        self.refused("is a link", *again, "--overwrite")
        (run / "samples").unlink()
        (run / "metrics.jsonl").unlink()
        (run / "metrics.jsonl").symlink_to(outside / "metrics")
        self.refused("metrics.jsonl", "train", "--resume", "--out", "r", "--data", "./data.npy")
        self.assertEqual([(p.name, p.read_text()) for p in outside.iterdir()], [("mine.png", "mine")])


class Damage(Case):
    """What a run lacks, and what lies about in it."""

    def change_metadata(self, run, key, text):
        path = run / "checkpoint.safetensors"
        content = path.read_bytes()
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + size])
        header["__metadata__"][key] = text
        header["__metadata__"].pop("checksum", None)  # or the change itself would be noticed
        packed = json.dumps(header).encode()
        packed += b" " * (-len(packed) % 8)
        path.write_bytes(struct.pack("<Q", len(packed)) + packed + content[8 + size:])

    def test_damaged_sums(self):
        run = self.train()
        for text in ("", "x", "-1 0 0", "1000 0", "1 2 3 x", "1 " * 40):
            self.change_metadata(run, "log", text)
            (run / "checkpoint-1.safetensors").unlink(missing_ok=True)
            self.refused('"log" is damaged', "train", "--resume", "--out", "r", "--data", "./data.npy")

    def test_damaged_seconds(self):
        run = self.train()
        for text in "-1", "-1e308", "nan", "1e999":
            self.change_metadata(run, "seconds", text)
            self.refused("not a checkpoint of imgen", "info", "r")
        self.change_metadata(run, "seconds", "1e308")
        self.assertRegex(self.calm("info", "r").stdout, r"\(277777777777 h 46 min\)")

    def test_what_is_no_file(self):
        """A pipe or a folder in the place of a file: told at once, before anything is trained."""
        resume = ["train", "--resume", "--out", "r", "--data", "./data.npy"]
        for name, make in (("metrics.jsonl", os.mkfifo), ("checkpoint.safetensors", os.mkdir),
                           ("checkpoint.safetensors", os.mkfifo)):
            run = self.train()
            (run / name).unlink()
            (run / "checkpoint-1.safetensors").unlink(missing_ok=True)
            make(run / name)
            self.assertEqual(self.refused(f"{name}: is not a regular file", *resume).returncode, 1)
            shutil.rmtree(run)
        os.mkfifo(self.home / "pipe")
        self.assertEqual(self.refused("pipe: is not a regular file", "info", "pipe").returncode, 1)

    def test_outputs_take_no_other_files(self):
        run = self.train()
        for name in ("config.json", "checkpoint.safetensors", "train.lock"):
            before = (run / name).read_bytes()
            for command in (["sample", "grid", "r"], ["encode", "r", "--data", "data.npy"],
                            ["data", "show", "data.npy"]):
                self.refused("-o ", *command, "-o", run / name)
            self.assertEqual((run / name).read_bytes(), before)
        self.refused("no evaluation", "eval", "r", "--data", "data.npy", "-o", "r/config.json")
        before = (self.home / "data.npy").read_bytes()
        self.refused("-o data.npy", "data", "show", "data.npy", "-o", "data.npy")
        (self.home / "named").write_bytes(before)
        self.refused("is no PNG picture", "sample", "grid", "r", "-o", "named")
        (self.home / "target").touch()
        (self.home / "link.png").symlink_to(self.home / "target")
        self.refused("is a link", "sample", "grid", "r", "-o", "link.png")
        self.assertEqual(self.imgen("sample", "grid", "r", "-o", "p.png").returncode, 0)
        self.refused("is no PNG picture", "replay", "p.png", "--data", "data.npy", "-o", "named")
        self.refused("the folder of a run", "compare", "r", "r", "-o", "r")
        self.assertEqual((self.home / "named").read_bytes(), before)
        os.chmod(self.home / "named", 0o600)
        (self.home / "named").write_bytes(b"")
        self.assertEqual(self.imgen("sample", "grid", "r", "-o", "named").returncode, 0)
        self.assertEqual((self.home / "named").stat().st_mode & 0o777, 0o600)

    def test_samples_in_the_way_are_told_first(self):
        run = self.train()
        shutil.rmtree(run / "samples")
        (run / "samples").touch()
        # drawing, were it first, would tell of the data
        for command in ["sample", "reconstruct", "r"], ["sample", "array", "r", "--prior", "fitted"]:
            self.refused("samples: cannot be made: a file is in the way", *command, "--data", "nowhere")
        (run / "samples").unlink()
        (run / "samples/reconstruct.png").mkdir(parents=True)
        self.refused("reconstruct.png: is a folder", "sample", "reconstruct", "r", "--data", "nowhere")
        self.assertEqual(os.listdir(run / "samples"), ["reconstruct.png"])

    def test_a_report_takes_no_other_files(self):
        self.train()
        self.train("s")
        compare = ["compare", "r", "s", "--data", "data.npy", "-o", "rep"]
        pictures = self.home / "rep/pictures"
        pictures.mkdir(parents=True)
        for name, word in (("report.html", "is no report of imgen compare"), ("compare.json", "is no comparison"),
                           ("compare.png", "is no PNG picture"), ("pictures/vae.png", "is no PNG picture")):
            path = self.home / "rep" / name
            path.write_text("mine")
            word = f"rep/{name}: is a file that {word}"
            self.assertEqual(self.refused(word, *compare).returncode, 2)
            self.assertEqual(path.read_text(), "mine")
            path.unlink()
            path.symlink_to(self.home / "target")
            self.refused("is a link", *compare)
            path.unlink()
        pictures.rmdir()
        pictures.symlink_to(self.home)
        self.refused("pictures: is a link", *compare)
        self.assertEqual(os.listdir(self.home / "rep"), ["pictures"])

    def test_no_checkpoint(self):
        (self.train() / "checkpoint.safetensors").unlink()
        self.refused("no checkpoint yet", "sample", "grid", "r")

    def test_text_for_a_number(self):
        run = self.train()
        config = json.loads((run / "config.json").read_text())
        (run / "config.json").write_text(json.dumps(config | {"minutes": "3"}))
        self.refused('field "minutes": expected a number', "info", "r")

    def test_left_over_pictures(self):
        """Those of a process that is no more go when the training does on; others stay."""
        samples = self.train() / "samples"
        gone, drawn = samples / "grid.png.tmp.99999999.1", samples / f"grid.png.tmp.{os.getpid()}.1"
        for path in (gone, drawn):
            path.write_text("half a picture")
        done = self.calm("train", "--resume", "--out", "r", "--data", "./data.npy")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(gone.exists())
        self.assertTrue(drawn.exists())


if __name__ == "__main__":
    unittest.main()
