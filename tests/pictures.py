"""imgen sample, encode and info on small runs: what they write, what they say, what they refuse."""
import json
import os
import pathlib
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

IMGEN = os.path.abspath(sys.argv.pop(1))


def data_of_run(arguments):
    """The data by path that a run was trained on is named again, where a test does not name data."""
    run = {"sample": 2, "encode": 1, "eval": 1}.get(arguments[0], len(arguments))
    config = pathlib.Path(arguments[run] if run < len(arguments) else "", "config.json")
    if "--data" in arguments or not config.is_file():
        return []
    data = json.loads(config.read_text())["data"]
    return [] if data == "digits" else ["--data", data]


def imgen(*arguments, **environment):
    arguments = [str(argument) for argument in arguments]
    return subprocess.run([IMGEN, *arguments, *data_of_run(arguments)], capture_output=True, text=True,
                          timeout=100, env={**os.environ, "OMP_WAIT_POLICY": "passive", **environment})


def chunks(path):
    """The chunks of a PNG, type and content, their sums checked."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + content) == struct.unpack(">I", data[at + 8 + length :][:4])[0]
        at += 12 + length
        yield kind, content
    assert kind == b"IEND"


def png(path):
    """Width, height, grey pixels row by row, and the texts of an 8-bit grey PNG."""
    body, texts = b"", {}
    for kind, content in chunks(path):
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", content[:10])
            assert (depth, colour) == (8, 0)
        elif kind == b"IDAT":
            body += content
        elif kind == b"iTXt":
            key, rest = content.split(b"\0", 1)
            compressed, text = rest[0], rest[2:].split(b"\0", 2)[2]
            texts[key.decode()] = (zlib.decompress(text) if compressed else text).decode()
    return width, height, unfilter(zlib.decompress(body), width, height), texts


def animation(path):
    """The frames of an animated PNG, each of grey pixels row by row, and how long each is shown."""
    sequence, frames, delays = 0, [], []
    for kind, content in chunks(path):
        if kind == b"IHDR":
            width, height = struct.unpack(">II", content[:8])
        elif kind == b"acTL":
            count, plays = struct.unpack(">II", content)
            assert plays == 0 and not frames
        elif kind in (b"fcTL", b"fdAT"):
            assert struct.unpack(">I", content[:4]) == (sequence,)
            sequence += 1
        if kind == b"fcTL":
            assert struct.unpack(">4I", content[4:20]) == (width, height, 0, 0)
            delays.append(struct.unpack(">HH", content[20:24]))
            frames.append(b"")
        elif kind in (b"IDAT", b"fdAT"):
            frames[-1] += content[4 * (kind == b"fdAT") :]
    assert len(frames) == count
    return [unfilter(zlib.decompress(f), width, height) for f in frames], delays


def unfilter(raw, width, height):
    """Undoes the filters of PNG, section 9 of its specification, at one byte a pixel."""
    before, rows = bytes(width), []
    for y in range(height):
        kind, line = raw[y * (width + 1)], bytearray(raw[y * (width + 1) + 1 :][:width])
        for x in range(width):
            a, b, c = line[x - 1] if x else 0, before[x], before[x - 1] if x else 0
            paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[x] = line[x] + (0, a, b, (a + b) // 2, paeth)[kind] & 255
        rows.append(before := bytes(line))
    return rows


def npy(path):
    """The header and the bytes of a .npy file of version 1."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    [length] = struct.unpack("<H", data[8:10])
    return eval(data[10 : 10 + length]), data[10 + length :]


def write_png(path, value):
    """A grey square of 8x8."""
    body = zlib.compress((b"\0" + bytes([value]) * 8) * 8)
    parts = (b"IHDR", struct.pack(">2I5B", 8, 8, 8, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in parts:
            file.write(struct.pack(">I", len(content)) + kind + content
                       + struct.pack(">I", zlib.crc32(kind + content)))


def write_data(folder, tests=100):
    """IDX files of 700 images and of some for testing, 28x28; image i is of class i % 10, a bar i % 28 wide."""
    os.mkdir(folder)
    for name, n in ("train", 700), ("t10k", tests):
        bars = b"".join((b"\xff" * (i % 28)).ljust(28, b"\0") * 28 for i in range(n))
        files = {"images-idx3": struct.pack(">4I", 0x803, n, 28, 28) + bars,
                 "labels-idx1": struct.pack(">2I", 0x801, n) + bytes(i % 10 for i in range(n))}
        for kind, content in files.items():
            pathlib.Path(folder, f"{name}-{kind}-ubyte").write_bytes(content)


class Pictures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        os.chdir(cls.temporary.name)
        write_data("bars")
        for model in "vae", "ae":
            result = imgen("train", model, "--data", "bars", "--set", "arch=mlp",
                           "--set", "latent=4", "--steps", 30, "--batch", 32,
                           "--validation", 100, "-o", model)
            assert result.returncode == 0, result.stderr
        for model, *settings in ("ddpm", "--set", "width=8"), ("vae", "--set", "arch=mlp"):
            result = imgen("train", model, "--data", "bars", "--labels", *settings, "--steps", 4,
                           "--batch", 8, "--validation", 50, "-o", model + "-labels")
            assert result.returncode == 0, result.stderr
        for model in "ddpm", "gan":
            result = imgen("train", model, "--data", "bars", "--set", "width=8", "--steps", 4,
                           "--batch", 8, "--validation", 50, "-o", model)
            assert result.returncode == 0, result.stderr

    @classmethod
    def tearDownClass(cls):
        os.chdir("/")
        cls.temporary.cleanup()

    def done(self, *arguments, **environment):
        result = imgen(*arguments, **environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def refused(self, code, word, *arguments):
        result = imgen(*arguments)
        self.assertEqual(result.returncode, code, result)
        self.assertEqual(result.stdout, "")
        [line] = result.stderr.splitlines()
        self.assertTrue(line.startswith("imgen: "), line)
        self.assertIn(word, line)

    def test_every_kind(self):
        for arguments in (["grid"], ["grid", "--prior", "fitted"], ["reconstruct"],
                          ["reconstruct", "--draws", 3], ["interpolate", "--pairs", "1:9,6:9"],
                          ["interpolate", "--between", "1:2", "--interpolation", "slerp"],
                          ["neighbours"], ["manifold", "--axes", "0:1", "--columns", 5]):
            kind, *options = arguments
            result = self.done("sample", kind, "vae", *options)
            self.assertEqual(result.stdout, f"vae/samples/{kind}.png\n")
            width, height, _, texts = png(f"vae/samples/{kind}.png")
            self.assertTrue(width > 100 and height > 50, (kind, width, height))
            command = " ".join(["imgen", "sample", kind, "vae", *map(str, options), "--data", "bars"])
            self.assertEqual(texts["Command"], command)
            self.assertEqual(texts["Title"], f"{kind} of vae on bars")
            self.assertEqual(len(texts["Checkpoint"]), 64)

    def test_every_kind_of_a_denoiser_with_labels(self):
        self.assertTrue(os.path.isfile("ddpm-labels/samples/trajectory.png"))
        for arguments, tiles in ((["grid", "-n", 2], 10 * 60), (["grid", "--label", "3,7"], 2 * 60),
                                 (["reconstruct", "-n", 3, "--columns", 3], 3 * 60),
                                 (["interpolate", "--labels", "1:9,6:9", "--columns", 5], 5 * 60),
                                 (["interpolate", "--between", "1:2", "--label", 4, "--columns", 4],
                                  4 * 60),
                                 (["neighbours", "-n", 1, "--columns", 2], 3 * 60 + 12),
                                 (["restyle", "-n", 2, "--label", "0-4"], 6 * 60 + 12),
                                 (["trajectory", "-n", 2, "--of", "x0"], 3 * 60),
                                 (["noising", "-n", 2, "--columns", 6], 6 * 60),
                                 (["denoise", "-n", 3], 5 * 60)):
            kind, *options = arguments
            solver = [] if kind in ("noising", "denoise") else ["--steps", 3, "--guidance", 2]
            with self.subTest(arguments=arguments):
                self.done("sample", kind, "ddpm-labels", *options, *solver, "-o", "a.png")
                self.assertEqual(png("a.png")[0], tiles + 4)

    def test_every_kind_of_a_denoiser_with_clusters(self):
        for arguments, tiles in ((["grid", "-n", 5, "--columns", 5, "--guidance", 2], 5 * 60),
                                 (["reconstruct", "-n", 3, "--columns", 3], 3 * 60),
                                 (["interpolate", "-n", 2, "--columns", 4], 6 * 60 + 24),
                                 (["interpolate", "--between", "1:2", "--columns", 4], 4 * 60),
                                 (["neighbours", "-n", 2, "--columns", 2], 3 * 60 + 12),
                                 (["trajectory", "-n", 2, "--of", "x0"], 3 * 60),
                                 (["noising", "-n", 2, "--columns", 6], 6 * 60),
                                 (["denoise", "-n", 3], 5 * 60)):
            kind, *options = arguments
            solver = [] if kind in ("noising", "denoise") else ["--steps", 3]
            with self.subTest(arguments=arguments):
                self.done("sample", kind, "ddpm", *options, *solver, "-o", "a.png")
                self.assertEqual(png("a.png")[0], tiles + 4)
        how = ["--sampler", "ddim", "--steps", 3, "--guidance", 1, "--scale", 1]
        self.done("sample", "interpolate", "ddpm", *how, "--between", "5:6", "--columns", 2, "-o", "a.png")
        self.done("sample", "trajectory", "ddpm", *how, "--seed", 5, "-n", 1, "--columns", 2, "-o", "b.png")
        self.done("sample", "grid", "ddpm", *how, "--seed", 5, "-n", 1, "-o", "c.png")
        [between, trajectory, grid] = (png(name)[2] for name in ("a.png", "b.png", "c.png"))
        for y in range(2, 30):  # image 0 of seed 5, made of its noise and its cluster
            self.assertEqual(between[y][2:30], grid[y][2:30])
            self.assertEqual(trajectory[y][32:60], grid[y][2:30])
        self.assertGreater(len({bytes(row[2:30]) for row in trajectory[2:30]}), 20)

    def test_every_kind_of_a_gan_with_clusters(self):
        for arguments, tiles in ((["grid", "-n", 5, "--columns", 5], 5 * 60),
                                 (["reconstruct", "-n", 3, "--columns", 3], 3 * 60),
                                 (["interpolate", "-n", 2, "--columns", 4], 6 * 60 + 24),
                                 (["interpolate", "--between", "1:2", "--columns", 4], 4 * 60),
                                 (["neighbours", "-n", 2, "--columns", 2], 3 * 60 + 12),
                                 (["manifold", "--axes", "0:63", "--columns", 3], 3 * 56)):
            kind, *options = arguments
            with self.subTest(arguments=arguments):
                self.done("sample", kind, "gan", *options, "-o", "a.png")
                self.assertEqual(png("a.png")[0], tiles + 4 * (kind != "manifold"))
        self.refused(2, "numbers from 0 to 63", "sample", "manifold", "gan")  # not of the weights
        self.refused(2, "--axes: 64: expected", "sample", "manifold", "gan", "--axes", "0:64")
        self.refused(1, "--guidance: the gan", "sample", "grid", "gan", "--guidance", 2)
        how = ["--between", "5:6", "--columns", 2, "--scale", 1]
        self.done("sample", "interpolate", "gan", *how, "-o", "a.png")
        self.done("sample", "grid", "gan", "--seed", 5, "-n", 1, "--scale", 1, "-o", "b.png")
        [between, grid] = (png(name)[2] for name in ("a.png", "b.png"))
        for y in range(2, 30):  # image 0 of seed 5, made of its code and its cluster
            self.assertEqual(between[y][2:30], grid[y][2:30])

    def test_names_come_before_numbers(self):
        """Of classes that are called 1 and 7, the one called 1 is number 0."""
        for name in "17":
            os.makedirs(f"named/{name}", exist_ok=True)
            for i in range(30):
                write_png(f"named/{name}/{i}.png", 8 * i)
        self.done("train", "vae", "--data", "./named", "--labels", "--set", "arch=mlp", "--steps", 20, "--batch", 8,
                  "--validation", 5, "--overwrite", "-o", "vae-named")
        drawn = {}
        for label in "017":
            self.done("sample", "array", "vae-named", "--data", "./named", "--label", label, "-n", 4, "-o", "a.npy")
            drawn[label] = pathlib.Path("a.npy").read_bytes()
        self.assertEqual(drawn["1"], drawn["0"])
        self.assertNotEqual(drawn["1"], drawn["7"])

    def test_an_image_is_the_same_in_any_kind(self):
        how = ["--sampler", "ddim", "--eta", 0.5, "--steps", 3, "--seed", 5]
        for kind, options in (("grid", ["-n", 3]), ("trajectory", ["-n", 3])):
            self.done("sample", kind, "ddpm-labels", *how, *options, "--scale", 1, "-o", f"{kind}.png")
        self.done("sample", "array", "ddpm-labels", *how, "-n", 3, "-o", "x.npy")
        grid, trajectory, body = png("grid.png")[2], png("trajectory.png")[2], npy("x.npy")[1]
        for i in range(3):  # image i is of class i
            rows = slice(2 + 30 * i, 30 + 30 * i)
            last = b"".join(row[-30:-2] for row in trajectory[rows])
            self.assertEqual(b"".join(row[2 + 30 * i :][:28] for row in grid[rows]), last)
            self.assertEqual(body[784 * i :][:784], last)

    def test_animation(self):
        how = ["-n", 6, "--columns", 3, "--steps", 4, "--label", 2]
        self.done("sample", "trajectory", "ddpm-labels", *how, "--animate", "-o", "moving.png")
        self.done("sample", "grid", "ddpm-labels", *how, "-o", "still.png")
        frames, delays = animation("moving.png")
        self.assertEqual(len(frames), 5)
        self.assertEqual(frames[-1], png("still.png")[2])
        self.assertEqual(delays, [(80, 1000)] * 4 + [(2000, 1000)])
        self.assertEqual(png("moving.png")[2], frames[0])
        self.assertEqual(png("moving.png")[3]["Title"], "trajectory of ddpm on bars")
        self.assertIn("184x124 grey", self.done("info", "moving.png").stdout)
        try:
            from PIL import Image
        except ImportError:
            return
        with Image.open("moving.png") as moving:
            for k, frame in enumerate(frames):
                moving.seek(k)
                self.assertEqual(moving.convert("L").tobytes(), b"".join(frame))

    def test_classes_of_a_vae(self):
        self.done("sample", "grid", "vae-labels", "--label", "0-9", "-n", 2, "--captions")
        self.done("sample", "array", "vae-labels", "--label", "9", "-n", 30, "-o", "x.npy")
        self.done("sample", "restyle", "vae-labels", "--label", 9, "-n", 3)
        os.rename("bars", "away")  # without its data a class has a number only
        self.addCleanup(lambda: os.path.exists("away") and os.rename("away", "bars"))
        self.done("sample", "grid", "vae-labels", "--label", "3,4", "--captions")
        self.refused(1, "bars", "sample", "grid", "vae-labels", "--label", "three")
        for text, item in ("0-", "0-"), (",,,", ""), ("3,", ""), ("0-" + 20 * "9", "0-" + 20 * "9"):
            self.refused(2, f"--label: there is no class '{item}': expected 0 to 9", "sample", "grid", "vae-labels",
                         "--label", text)
        os.rename("away", "bars")
        for code, word, *arguments in (
                (2, "--label: there is no class '10': expected 0 to 9", "grid", "--label", 10),
                (2, "no class 'boot'", "array", "--label", "boot"),
                (2, "--columns: the columns are the classes", "grid", "--columns", 4),
                (2, "choose one, such as --label 3", "manifold", "--axes", "0:1"),
                (1, "trajectory: the vae does not make images by taking noise away", "trajectory")):
            self.refused(code, word, "sample", arguments[0], "vae-labels", *arguments[1:])

    def test_training_with_labels(self):
        small = ["--data", "bars", "--set", "arch=mlp", "--steps", 0, "--batch", 8]
        self.done("train", "ae", *small, "--labels", "-o", "flag")
        self.done("train", "ae", *small, "--set", "labels=on", "-o", "setting")
        flag, setting = (json.loads(pathlib.Path(r, "config.json").read_text()) for r in ("flag", "setting"))
        self.assertEqual(flag, setting)
        self.assertEqual(flag["settings"]["labels"], "on")
        self.assertEqual(png("flag/samples/grid.png")[0], 10 * 60 + 4)
        self.refused_training("has no setting 'labels'", "classifier", "--labels", "--data", "bars")
        for words in ("--labels", "--set", "labels=off"), ("--set", "labels=off", "--labels"):
            self.refused_training("--labels is --set labels=on: expected no --set labels=off", "ae", *small, *words)
        pathlib.Path("unlabelled").mkdir(exist_ok=True)
        for name in "train-images-idx3-ubyte", "t10k-images-idx3-ubyte":
            shutil.copy(f"bars/{name}", "unlabelled")
        self.refused_training("labels", "vae", "--labels", "--data", "unlabelled")

    def refused_training(self, word, *arguments):
        result = imgen("train", *arguments, "-o", "refused")
        self.assertIn(result.returncode, (1, 2), result)
        self.assertIn(word, result.stderr.splitlines()[-1])
        self.assertFalse(os.path.exists("refused/checkpoint.safetensors"))

    def test_a_classifier_has_no_pictures(self):
        result = self.done("train", "classifier", "--data", "bars", "--steps", 2, "--batch", 8, "-o", "judge")
        self.assertRegex(result.stdout, r"Test accuracy: \d+\.\d\d %\.\nNo pictures: the classifier makes no images\.")
        self.assertEqual(os.listdir("judge/samples") if os.path.isdir("judge/samples") else [], [])
        for kind, word in (("grid", "has no codes to make images of: it makes none"),
                           ("reconstruct", "has no codes to make images of"),
                           ("interpolate", "has no codes to interpolate"),
                           ("restyle", "makes no images, of no class"),
                           ("trajectory", "does not make images by taking noise away")):
            self.refused(1, "the classifier " + word, "sample", kind, "judge")
        self.done("encode", "judge", "-o", "features.npy")

    def test_a_picture_is_the_same_at_any_n(self):
        for name, n in ("few.png", 3), ("many.png", 150):
            self.done("sample", "grid", "vae", "-n", n, "--columns", 3, "--scale", 1, "-o", name)
        self.done("sample", "array", "vae", "-n", 1100, "-o", "x.npy")
        few, many = png("few.png")[2], png("many.png")[2]
        self.assertEqual(few[:30], many[:30])
        header, body = npy("x.npy")
        self.assertEqual(header, {"descr": "|u1", "fortran_order": False, "shape": (1100, 28, 28)})
        second = b"".join(row[32:60] for row in few[2:30])
        self.assertEqual(body[784 : 2 * 784], second)
        self.done("sample", "array", "vae", "-n", 1025, "-o", "y.npy")
        self.assertEqual(npy("y.npy")[1], body[: 1025 * 784])

    def test_the_fitted_prior_is_kept(self):
        pathlib.Path("ae/prior.safetensors").unlink(missing_ok=True)
        first = self.done("sample", "grid", "ae", "-o", "a.png")
        self.assertIn("fitted a mixture of 7 Gaussians to 700 codes", first.stderr)
        again = self.done("sample", "grid", "ae", "-o", "b.png")
        self.assertEqual(again.stderr, "")
        self.assertEqual(png("a.png")[2], png("b.png")[2])
        self.assertIn("checkpoint", self.done("info", "ae/prior.safetensors").stdout)

    def test_show(self):
        command = "sample", "grid", "vae", "-o", "a.png", "--show"
        shown = self.done(*command, COLORTERM="truecolor").stdout
        *lines, path = shown.splitlines()
        self.assertEqual(path, "a.png")
        self.assertEqual({line.count("\u2580") for line in lines}, {80})
        self.assertIn("\x1b[38;2;", shown)
        self.assertIn("\x1b[38;5;", self.done(*command, COLORTERM="").stdout)
        guesses = self.done("sample", "trajectory", "ddpm", "-n", 2, "-o", "a.png", "--show", "x0").stdout
        self.assertIn("\u2580", guesses)
        self.done("sample", "trajectory", "ddpm", "-n", 2, "-o", "b.png", "--of", "x0")
        self.assertEqual(png("a.png")[2], png("b.png")[2])
        self.done("replay", "a.png", "--data", "bars")

    def test_encode(self):
        self.done("encode", "vae", "-o", "z.npy", "--labels", "labels.npy")
        header, body = npy("z.npy")
        self.assertEqual(header, {"descr": "<f4", "fortran_order": False, "shape": (100, 4)})
        self.assertTrue(len(set(struct.unpack("<400f", body))) > 50)
        header, body = npy("labels.npy")
        self.assertEqual((header["descr"], header["shape"]), ("|u1", (100,)))
        self.assertEqual(body, bytes(i % 10 for i in range(100)))
        self.done("encode", "ddpm-labels", "-o", "z.npy")
        header, body = npy("z.npy")
        self.assertEqual(header["shape"], (100, 784))
        self.done("encode", "ddpm", "-o", "z.npy")
        header, body = npy("z.npy")
        self.assertEqual(header["shape"], (100, 784 + 64))
        for code in (struct.unpack("<848f", body[i * 3392 :][:3392]) for i in range(100)):
            self.assertEqual(sorted(code[784:]), 63 * [0] + [1])
        self.done("encode", "ae", "--split", "train", "-o", "z.npy")
        self.assertEqual(npy("z.npy")[0]["shape"], (700, 4))

    def test_info(self):
        self.done("sample", "grid", "vae", "-o", "a.png")
        self.done("sample", "array", "vae", "-n", 5, "-o", "x.npy")
        for path, *words in (
                ("a.png", "484x484 grey", "imgen sample grid vae -o a.png", "Checkpoint"),
                ("x.npy", "5x28x28", "uint8"),
                ("vae", "arch=mlp latent=4", "bars, 28x28 pixels, 10 classes", "30 of 30",
                 "test  "),
                ("vae/checkpoint.safetensors", "step", "encoder.mu.weight", "4x400",
                 "values in all")):
            shown = self.done("info", path).stdout
            for word in words:
                self.assertIn(word, shown)

    def test_info_of_a_foreign_file(self):
        """Every key and every dtype is told; what a file says does not steer the terminal."""
        header = (b'{"__metadata__":{"who":"me\\nand \\u001b[2J\\u009byou"},"s":{"dtype":"I64","shape":[],'
                  b'"data_offsets":[0,8]},"h":{"dtype":"F16","shape":[1,1,1,1,2],"data_offsets":[8,12]}}')
        pathlib.Path("f").write_bytes(struct.pack("<Q", len(header)) + header + bytes(12))
        lines = self.done("info", "f").stdout.splitlines()
        self.assertEqual([line.split() for line in lines[1:4]],
                         [["who", "me?and", "?[2J?you"], ["s", "I64"], ["h", "F16", "1x1x1x1x2"]])

    def test_bad_input(self):
        pathlib.Path("text").write_text("no picture at all")
        for code, word, *arguments in (
                (2, "expected one of grid, reconstruct", "sheet", "vae"),
                (2, "or array", "sheet", "vae"),
                (2, "expected a whole number", "grid", "vae", "-n", 0),
                (2, "expected a whole number from 1 to 16", "grid", "vae", "--scale", 99),
                (2, "--pairs: grid does not use it", "grid", "vae", "--pairs", "1:9"),
                (2, "expected A:B", "interpolate", "vae", "--pairs", "1-9"),
                (2, "no class '12'", "interpolate", "vae", "--pairs", "1:12"),
                (2, "--axes", "manifold", "vae"),
                (2, "no picture", "array", "vae", "--show"),
                (2, "--draws: array does not use it", "array", "vae", "--draws", 3),
                (1, "--label: this vae was trained without labels", "grid", "vae", "--label", 3),
                (1, "--label: this vae", "array", "vae", "--label", "0-9"),
                (1, "--labels: this vae", "interpolate", "vae", "--labels", "1:9"),
                (1, "--sampler: the vae makes an image in one go", "grid", "vae", "--sampler", "ddim"),
                (1, "--guidance: the ae makes an image in one go", "array", "ae", "--guidance", 2),
                (2, "--steps 0: expected a whole number from 1 to 1000", "grid", "vae", "--steps", 0),
                (2, "--sampler euler: expected one of dpm++2m, ddim, ddpm, heun",
                 "grid", "vae", "--sampler", "euler"),
                (1, "restyle: this vae was trained without labels", "restyle", "vae"),
                (2, "--animate: grid does not use it", "grid", "vae", "--animate"),
                (2, "--of: noising does not use it", "noising", "vae", "--of", "x0"),
                (2, "--eta: manifold does not use it", "manifold", "vae", "--eta", 1),
                (1, "use --prior fitted", "grid", "ae", "--prior", "normal"),
                (1, "no posterior", "reconstruct", "ae", "--draws", 3),
                (1, "not a run folder", "grid", "nowhere"),
                (1, "no such data", "reconstruct", "vae", "--data", "nowhere"),
                (1, "nowhere/a.png", "grid", "vae", "-o", "nowhere/a.png"),
                (2, "-o a.jpg: grid is written as a .png file", "grid", "vae", "-o", "a.jpg"),
                (2, "-o a.png: array is written as a .npy file", "array", "vae", "-o", "a.png"),
                (2, "200 test images: bars has 100", "neighbours", "vae", "-n", 200, "--data", "bars")):
            with self.subTest(arguments=arguments):
                self.refused(code, word, "sample", *arguments)
        self.refused(2, "-o", "encode", "vae")
        self.refused(1, "neither a PNG", "info", "text")
        self.refused(1, "no such file", "info", "nowhere")
        os.symlink(".", "here")
        for labels in "x.npy", "./x.npy", "here/x.npy":
            self.refused(2, "is the file that -o names", "encode", "vae", "-o", "x.npy", "--labels", labels)
        self.refused(1, "not a run folder", "info", ".")

    def test_progress_on_a_terminal(self):
        """All levels of ddpm take a while, which a bar tells; into a file it says nothing."""
        command = "sample", "grid", "ddpm-labels", "-n", 4, "--label", 3, "--sampler", "ddpm"
        terminal, end = pty.openpty()
        with subprocess.Popen([IMGEN, *map(str, command)], stdout=subprocess.PIPE, stderr=end,
                              env={**os.environ, "TERM": "xterm", "OMP_NUM_THREADS": "1"}) as process:
            os.close(end)
            shown = b""
            try:
                while part := os.read(terminal, 4096):
                    shown += part
            except OSError:  # how Linux tells the end
                pass
            self.assertEqual(process.stdout.read(), b"ddpm-labels/samples/grid.png\n")
        os.close(terminal)
        last = shown.decode().split("\r")[-2]
        self.assertIn("[####################] 100% 4 of 4 images  step 1000/1000", last)
        self.assertEqual(self.done(*command, "--steps", 30).stderr, "")

    def test_bad_samplers(self):
        for code, word, *arguments in (
                (2, "an eta (--eta) is for the sampler ddim, not heun", "--sampler", "heun", "--eta", 1),
                (2, "--guidance -1: expected a number from 0 to 100", "--guidance", -1),
                (1, "--prior fitted: the ddpm has no encoder", "--prior", "fitted")):
            self.refused(code, word, "sample", "grid", "ddpm-labels", *arguments)

    def test_damaged_files(self):
        self.done("sample", "grid", "vae", "-o", "whole.png")
        for source, name in (("whole.png", "cut.png"),
                             ("vae/checkpoint.safetensors", "cut.safetensors")):
            data = pathlib.Path(source).read_bytes()
            pathlib.Path(name).write_bytes(data[: len(data) // 2])
            self.refused(1, name, "info", name)


if __name__ == "__main__":
    unittest.main()
