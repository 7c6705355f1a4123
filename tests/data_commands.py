"""imgen data, with servers on loopback: python3 data_commands.py IMGEN"""
import gzip
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import struct
import sys
import tempfile
import threading
import time
import unittest

IMGEN = os.path.abspath(sys.argv.pop(1))


def images(n, side=28):
    return struct.pack(">4I", 0x803, n, side, side) + bytes(i % 251 for i in range(n * side * side))


def labels(n):
    return struct.pack(">2I", 0x801, n) + bytes(i % 10 for i in range(n))


# kmnist is the set whose sums are not known: any right IDX files will do.
FILES = {
    "train-images-idx3-ubyte.gz": gzip.compress(images(30)),
    "train-labels-idx1-ubyte.gz": gzip.compress(labels(30)),
    "t10k-images-idx3-ubyte.gz": gzip.compress(images(10)),
    "t10k-labels-idx1-ubyte.gz": gzip.compress(labels(10)),
}


class Server(http.server.ThreadingHTTPServer):
    """Gives FILES, but for names in `instead`: bytes, a status, or a function of the handler."""

    def __init__(self, **instead):
        super().__init__(("127.0.0.1", 0), Handler)
        self.instead = {name.replace("_", "-") + "-ubyte.gz": answer
                        for name, answer in instead.items()}
        self.asked = []
        threading.Thread(target=self.serve_forever, args=[.01], daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self.server_port


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.split("/")[-1]
        self.server.asked.append(name)
        answer = self.server.instead.get(name, FILES.get(name, 404))
        if callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.send_error(answer)
        else:
            self.give(answer)

    def give(self, body, length=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def redirect(handler):
    handler.send_response(302)
    handler.send_header("Location", handler.path.replace("/t10k", "/moved/t10k"))
    handler.end_headers()


class DataCase(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="imgen-test-")
        self.addCleanup(shutil.rmtree, self.home)
        self.folder = os.path.join(self.home, "kmnist")
        self.env = dict(os.environ, IMGEN_DATA=self.home, LC_ALL="C")

    def imgen(self, *words, code=0):
        done = subprocess.run([IMGEN, "data", *words], env=self.env, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        if code:
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertTrue(done.stderr.startswith("imgen: "), done.stderr)
        return done.stdout + done.stderr

    def path(self, *names):
        return os.path.join(self.home, *names)

    def put_set(self, folder):
        os.makedirs(folder)
        for name, content in FILES.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        return folder

    def read(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()


class Show(DataCase):
    def size(self, name):
        data = self.read(name)
        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
        return struct.unpack(">2I", data[16:24])

    def test_rows_of_classes(self):
        """10 rows of 3 images, with names; padding 2, each pixel 1 x 1."""
        self.put_set(self.folder)
        self.imgen("show", "kmnist", "-n", "3", "--scale", "1", "-o", self.path("a.png"))
        width, height = self.size("a.png")
        self.assertEqual(height, 10 * 30 + 2)
        self.assertGreater(width, 3 * 30 + 2)

    def test_without_labels(self):
        folder = self.put_set(self.path("plain"))
        for name in FILES:
            if "labels" in name:
                os.unlink(os.path.join(folder, name))
        self.imgen("show", folder, "-n", "7", "--columns", "4", "--scale", "3", "-o",
                   self.path("a.png"))
        self.assertEqual(self.size("a.png"), ((4 * 30 + 2) * 3, (2 * 30 + 2) * 3))

    def test_says_how_it_was_made(self):
        self.put_set(self.folder)
        self.imgen("show", "kmnist", "--seed", "5", "-o", self.path("a.png"))
        for text in [b"imgen data show kmnist --seed 5", b"Seed\0\0\0\0\0005", b"kmnist"]:
            self.assertIn(text, self.read("a.png"))

    def test_seed_and_split_choose(self):
        self.put_set(self.folder)
        pictures = set()
        for words in [[], ["--seed", "1"], ["--split", "test"]]:
            self.imgen("show", "kmnist", "-n", "1", "-o", self.path("a.png"), *words)
            idat = self.read("a.png").split(b"IDAT")[1]
            self.imgen("show", "kmnist", "-n", "1", "-o", self.path("a.png"), *words)
            self.assertEqual(self.read("a.png").split(b"IDAT")[1], idat)
            pictures.add(idat)
        self.assertEqual(len(pictures), 3)

    def test_in_the_terminal(self):
        self.put_set(self.folder)
        self.assertIn("\u2580", self.imgen("show", "kmnist", "--show"))

    def test_refuses(self):
        self.put_set(self.folder)
        self.assertIn("-o FILE.png", self.imgen("show", "kmnist", code=2))
        self.assertIn("no such data", self.imgen("show", "nmist", "-o", "x.png", code=1))
        self.assertIn("at most 10000", self.imgen("show", "kmnist", "-n", "1001", "-o", "x", code=2))
        self.assertIn("none/a.png", self.imgen("show", "kmnist", "-o", self.path("none", "a.png"),
                                               code=1))
        self.assertIn("--resize 32", self.imgen("show", "kmnist", "--resize", "32", "-o", "x",
                                                code=2))


class Info(DataCase):
    def test_class_names_steer_no_terminal(self):
        self.put_set(self.folder)
        self.imgen("show", "kmnist", "-n", "1", "-o", self.path("a.png"))
        for name in "a\33[31mX", "b\u009b\u00e9\n", "plain":
            os.makedirs(self.path("set", name))
            for i in range(6):
                shutil.copy(self.path("a.png"), self.path("set", name, "%d.png" % i))
        self.env["LC_ALL"] = "C.UTF-8"
        said = self.imgen("info", self.path("set"), "--resize", "16")
        rows = said.split("test\n")[1].splitlines()
        self.assertEqual([row[:30] for row in rows],
                         ["           0 a?[31mX          ", "           1 b?\u00e9?             ",
                          "           2 plain            "])


class Export(DataCase):
    def test_arrays(self):
        self.put_set(self.folder)
        self.imgen("export", "kmnist", "-o", self.path("out"))
        self.assertEqual(sorted(os.listdir(self.path("out"))), [
            "names.json", "test-images.npy", "test-labels.npy", "train-images.npy",
            "train-labels.npy"])
        array = self.read("out", "train-images.npy")
        self.assertIn(b"'|u1'", array[:128])
        self.assertIn(b"(30, 28, 28)", array[:128])
        self.assertEqual(array[128:], images(30)[16:])
        self.assertEqual(self.read("out", "test-labels.npy")[128:], labels(10)[8:])
        names = json.loads(self.read("out", "names.json"))
        self.assertEqual(names["classes"][1], "ki")
        self.assertEqual(names["factors"], [])
        self.assertIn("not empty", self.imgen("export", "kmnist", "-o", self.path("out"), code=1))

    def test_array_is_a_data_set(self):
        self.put_set(self.folder)
        self.imgen("export", "kmnist", "-o", self.path("out"))
        said = self.imgen("info", self.path("out", "train-images.npy"))
        self.assertIn("26 for training, 4 for tests, 28x28", said)

    def test_names_that_are_not_utf8(self):
        """Each class keeps a name, by which its number is found."""
        self.put_set(self.folder)
        self.imgen("show", "kmnist", "-n", "1", "-o", self.path("a.png"))
        folder = os.path.join(os.fsencode(self.home), b"set\xff")
        for name in b"a\xff", b"b":
            os.makedirs(os.path.join(folder, name))
            for i in range(6):
                shutil.copy(self.path("a.png"), os.path.join(folder, name, b"%d.png" % i))
        self.imgen("export", folder, "--resize", "16", "-o", self.path("out"))
        names = json.loads(self.read("out", "names.json"))
        self.assertEqual(names["classes"], ["a?", "b"])
        self.assertRegex(names["name"], r"set\?$")

    def test_stop_leaves_nothing(self):
        """A signal while an array is written; the same command then works."""
        os.mkdir(self.path("out"))
        command = [IMGEN, "data", "export", "digits", "-o", self.path("out")]
        process = subprocess.Popen(command, env=self.env, stderr=subprocess.PIPE, text=True)
        while not os.listdir(self.path("out")):
            time.sleep(.001)
        process.send_signal(15)
        self.assertEqual(process.communicate(timeout=60)[1], "imgen: stopped\n")
        self.assertEqual(process.returncode, 143)
        self.assertEqual(os.listdir(self.path("out")), [])
        self.imgen("export", "digits", "--split", "test", "-o", self.path("out"))

    def test_factors_of_digits(self):
        self.imgen("export", "digits", "--split", "test", "-o", self.path("out"))
        self.assertEqual(sorted(os.listdir(self.path("out"))), [
            "names.json", "test-factors.npy", "test-images.npy", "test-labels.npy"])
        factors = self.read("out", "test-factors.npy")
        self.assertIn(b"(10000, 7)", factors[:128])
        slants = [row[1] for row in struct.iter_unpack("<7f", factors[128:])]
        self.assertGreater(max(slants), .1)
        self.assertLess(min(slants), -.1)
        self.assertEqual(json.loads(self.read("out", "names.json"))["factors"][1], "slant")

    def test_refuses(self):
        self.assertIn("-o DIR", self.imgen("export", "digits", code=2))
        self.assertIn("no such data", self.imgen("export", "none", "-o", self.path("x"), code=1))
        self.assertFalse(os.path.exists(self.path("x")))


class Get(DataCase):
    def server(self, **instead):
        server = Server(**instead)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def get(self, *mirrors, code=0, name="kmnist"):
        return self.imgen("get", name, *sum((["--mirror", m] for m in mirrors), []), code=code)

    def assert_no_leftovers(self):
        for name in os.listdir(self.folder):
            self.assertIn(name, FILES)

    def test_gets_all_files(self):
        server = self.server()
        self.assertIn("30 + 10 images", self.get(server.url))
        self.assert_no_leftovers()
        for name, content in FILES.items():
            self.assertEqual(self.read("kmnist", name), content)
        self.assertIn("no sum is known", self.imgen("info", "kmnist"))
        self.assertIn("in " + self.folder, self.imgen("list"))

    def test_does_not_fetch_again(self):
        server = self.server()
        self.get(server.url)
        server.asked.clear()
        self.assertEqual(self.get(server.url).count("already there"), 4)
        self.assertEqual(server.asked, [])

    def test_fetches_what_is_damaged(self):
        server = self.server()
        self.get(server.url)
        with open(os.path.join(self.folder, "t10k-labels-idx1-ubyte.gz"), "r+b") as file:
            file.truncate(20)
        server.asked.clear()
        self.get(server.url)
        self.assertEqual(server.asked, ["t10k-labels-idx1-ubyte.gz"])

    def test_keeps_a_wrong_file_of_another_spelling(self):
        os.mkdir(self.folder)
        path = os.path.join(self.folder, "train-images-idx3-ubyte")
        with open(path, "wb") as file:
            file.write(b"mine")
        self.assertIn("move it away", self.get(self.server().url, code=1))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"mine")

    def test_other_folder(self):
        out = os.path.join(self.home, "a", "b")
        self.imgen("get", "kmnist", "--mirror", self.server().url + "/", "-o", out)
        self.assertEqual(sorted(os.listdir(out)), sorted(FILES))

    def test_file_url(self):
        source = self.put_set(self.path("stick"))
        self.assertIn("30 + 10 images", self.get("file://" + source))

    def test_redirect(self):
        server = self.server(t10k_images_idx3=lambda handler: redirect(handler)
                             if "moved" not in handler.path
                             else handler.give(FILES["t10k-images-idx3-ubyte.gz"]))
        self.get(server.url)
        self.assertEqual(server.asked.count("t10k-images-idx3-ubyte.gz"), 2)

    def test_second_mirror(self):
        """Each way in which the first can fail; what it gave must not stay."""
        whole = FILES["train-images-idx3-ubyte.gz"]
        ways = {
            "404": 404,
            "500": 500,
            "page": b"<html>Sign in</html>",
            "truncated": lambda handler: handler.give(whole[:-9], len(whole)),
            "short": whole[:len(whole) // 2],
            "longer": gzip.compress(images(30) + b"more"),
            "labels": FILES["train-labels-idx1-ubyte.gz"],
            "empty": b"",
        }
        for way, answer in ways.items():
            with self.subTest(way):
                shutil.rmtree(self.folder, ignore_errors=True)
                first = self.server(train_images_idx3=answer)
                second = self.server()
                self.get(first.url, second.url)
                self.assert_no_leftovers()
                # the mirror that served is kept to
                self.assertEqual(first.asked, ["train-images-idx3-ubyte.gz"])
                self.assertEqual(len(second.asked), 4)

    def test_every_mirror_fails(self):
        missing = self.server(train_images_idx3=404)
        cut = self.server(train_images_idx3=FILES["train-images-idx3-ubyte.gz"][:-10])
        closed = socket.create_server(("127.0.0.1", 0))
        refused = "http://127.0.0.1:%d" % closed.getsockname()[1]
        closed.close()
        said = self.get(missing.url, cut.url, refused, code=1)
        for words in ["train-images-idx3-ubyte: no mirror gave it", missing.url, "404", cut.url,
                      "cut off", refused, "connect"]:
            self.assertIn(words.lower(), said.lower())
        self.assertEqual(os.listdir(self.folder), [])

    def test_failure_keeps_what_was_there(self):
        """A set that comes half leaves the files that came, and no file is replaced by a bad one."""
        self.get(self.server().url)
        path = os.path.join(self.folder, "t10k-labels-idx1-ubyte.gz")
        with open(path, "wb") as file:
            file.write(b"damaged")
        self.get(self.server(t10k_labels_idx1=404).url, code=1)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"damaged")
        self.assert_no_leftovers()

    def test_wrong_sum(self):
        """Right IDX files, but not mnist's."""
        said = self.get(self.server().url, code=1, name="mnist")
        sum_of = hashlib.sha256(images(30)).hexdigest()
        for words in ["SHA-256", sum_of[:12], "ba891046e650"]:
            self.assertIn(words, said)
        self.assertEqual(os.listdir(os.path.join(self.home, "mnist")), [])

    def test_info_tells_a_wrong_sum(self):
        self.imgen("get", "kmnist", "--mirror", self.server().url)
        os.rename(self.folder, os.path.join(self.home, "mnist"))
        said = subprocess.run([IMGEN, "data", "info", "mnist"], env=self.env, text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(said.returncode, 1)
        self.assertEqual(said.stdout.count("NOT what is known"), 4)
        self.assertIn("4 files are not those of mnist", said.stderr)

    def test_stop_leaves_nothing(self):
        """Ctrl-C while a mirror hangs."""
        release = threading.Event()
        self.addCleanup(release.set)
        server = self.server(train_images_idx3=lambda handler: release.wait(30))
        process = subprocess.Popen([IMGEN, "data", "get", "kmnist", "--mirror", server.url],
                                   env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not server.asked:
            time.sleep(.01)
        process.send_signal(2)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(os.listdir(self.folder), [])

    def test_folder_that_cannot_be_made(self):
        with open(self.folder, "w"):
            pass
        server = self.server()
        self.assertIn("a file is in the way", self.get(server.url, code=1))
        self.assertEqual(server.asked, [])

    def test_wrong_usage(self):
        self.assertIn("nothing to get", self.imgen("get", "digits", code=2))
        self.assertIn("not a known name", self.imgen("get", "nmist", code=2))
        self.assertIn("--mirror URL", self.imgen("get", "binarized-mnist", code=1))
        self.assertIn("too few words", self.imgen("get", code=2))
        self.assertIn("expected list, info", self.imgen("fetch", code=2))
        self.assertIn("expected list, info", self.imgen(code=2))

    def test_no_place(self):
        self.env = {name: value for name, value in self.env.items()
                    if name not in ("IMGEN_DATA", "HOME", "XDG_DATA_HOME")}
        self.assertIn("set IMGEN_DATA", self.get("http://127.0.0.1:9", code=2))

    def test_search_order(self):
        """IMGEN_DATA comes before XDG_DATA_HOME, and that before HOME."""
        server = self.server()
        places = {"HOME": "home/.local/share/imgen", "XDG_DATA_HOME": "xdg/imgen",
                  "IMGEN_DATA": "data"}
        for path in places.values():
            self.imgen("get", "kmnist", "--mirror", server.url, "-o",
                       os.path.join(self.home, path, "kmnist"))
        self.env.update(IMGEN_DATA=self.home + "/data", XDG_DATA_HOME=self.home + "/xdg",
                        HOME=self.home + "/home")
        for variable in ["IMGEN_DATA", "XDG_DATA_HOME", "HOME"]:
            path = os.path.join(self.home, places[variable], "kmnist")
            self.assertIn("from     " + path, self.imgen("info", "kmnist"))
            del self.env[variable]
        self.env["HOME"] = self.home
        self.assertIn("imgen data get kmnist", self.imgen("info", "kmnist", code=1))


if __name__ == "__main__":
    unittest.main()
