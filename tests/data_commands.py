"""imgen data get, list and info against servers on loopback: python3 data_get.py IMGEN"""
import gzip
import hashlib
import http.server
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

IMGEN = sys.argv.pop(1)


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


class Get(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="imgen-test-")
        self.addCleanup(shutil.rmtree, self.home)
        self.folder = os.path.join(self.home, "kmnist")
        self.env = dict(os.environ, IMGEN_DATA=self.home, LC_ALL="C")

    def server(self, **instead):
        server = Server(**instead)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def imgen(self, *words, code=0):
        done = subprocess.run([IMGEN, "data", *words], env=self.env, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        if code:
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertTrue(done.stderr.startswith("imgen: "), done.stderr)
        return done.stdout + done.stderr

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
            with open(os.path.join(self.folder, name), "rb") as file:
                self.assertEqual(file.read(), content)
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
        source = os.path.join(self.home, "stick")
        os.mkdir(source)
        for name, content in FILES.items():
            with open(os.path.join(source, name), "wb") as file:
                file.write(content)
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
