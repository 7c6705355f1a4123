"""imgen sample, encode and info on small runs: what they write, what they say, what they refuse."""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

IMGEN = os.path.abspath(sys.argv.pop(1))


def imgen(*arguments, **environment):
    return subprocess.run([IMGEN, *map(str, arguments)], capture_output=True, text=True,
                          timeout=100, env={**os.environ, "OMP_WAIT_POLICY": "passive", **environment})


def png(path):
    """Width, height, grey pixels row by row, and the texts of an 8-bit grey PNG."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, texts = 8, b"", {}
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        at += 12 + length
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


def write_data(folder):
    """IDX files of 700 and 100 images of 28x28; image i is of class i % 10, a bar i % 28 wide."""
    os.mkdir(folder)
    for name, n in ("train", 700), ("t10k", 100):
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
            command = " ".join(["imgen", "sample", kind, "vae", *map(str, options)])
            self.assertEqual(texts["Command"], command)
            self.assertEqual(texts["Title"], f"{kind} of vae on bars")
            self.assertEqual(len(texts["Checkpoint"]), 64)

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

    def test_encode(self):
        self.done("encode", "vae", "-o", "z.npy", "--labels", "labels.npy")
        header, body = npy("z.npy")
        self.assertEqual(header, {"descr": "<f4", "fortran_order": False, "shape": (100, 4)})
        self.assertTrue(len(set(struct.unpack("<400f", body))) > 50)
        header, body = npy("labels.npy")
        self.assertEqual((header["descr"], header["shape"]), ("|u1", (100,)))
        self.assertEqual(body, bytes(i % 10 for i in range(100)))
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
        header = (b'{"__metadata__":{"who":"me\\nand \\u001b[2Jyou"},"s":{"dtype":"I64","shape":[],'
                  b'"data_offsets":[0,8]},"h":{"dtype":"F16","shape":[1,1,1,1,2],"data_offsets":[8,12]}}')
        pathlib.Path("f").write_bytes(struct.pack("<Q", len(header)) + header + bytes(12))
        lines = self.done("info", "f").stdout.splitlines()
        self.assertEqual([line.split() for line in lines[1:4]],
                         [["who", "me?and", "?[2Jyou"], ["s", "I64"], ["h", "F16", "1x1x1x1x2"]])

    def test_bad_input(self):
        pathlib.Path("text").write_text("no picture at all")
        for code, word, *arguments in (
                (2, "expected one of grid, reconstruct", "sheet", "vae"),
                (2, "or array", "sheet", "vae"),
                (2, "expected a whole number", "grid", "vae", "-n", 0),
                (2, "expected a whole number from 1 to 16", "grid", "vae", "--scale", 99),
                (2, "--pairs: grid does not use it", "grid", "vae", "--pairs", "1:9"),
                (2, "expected A:B", "interpolate", "vae", "--pairs", "1-9"),
                (2, "no class 12", "interpolate", "vae", "--pairs", "1:12"),
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
                (2, "--eta: manifold does not use it", "manifold", "vae", "--eta", 1),
                (1, "use --prior fitted", "grid", "ae", "--prior", "normal"),
                (1, "no posterior", "reconstruct", "ae", "--draws", 3),
                (1, "not a run folder", "grid", "nowhere"),
                (1, "no such data", "reconstruct", "vae", "--data", "nowhere"),
                (1, "nowhere/a.png", "grid", "vae", "-o", "nowhere/a.png")):
            with self.subTest(arguments=arguments):
                self.refused(code, word, "sample", *arguments)
        self.refused(2, "-o", "encode", "vae")
        self.refused(1, "neither a PNG", "info", "text")
        self.refused(1, "No such file", "info", "nowhere")
        self.refused(1, "not a run folder", "info", ".")

    def test_damaged_files(self):
        self.done("sample", "grid", "vae", "-o", "whole.png")
        for source, name in (("whole.png", "cut.png"),
                             ("vae/checkpoint.safetensors", "cut.safetensors")):
            data = pathlib.Path(source).read_bytes()
            pathlib.Path(name).write_bytes(data[: len(data) // 2])
            self.refused(1, name, "info", name)


if __name__ == "__main__":
    unittest.main()
