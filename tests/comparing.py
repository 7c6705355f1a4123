"""imgen eval and compare on small runs: what they measure, write and say, and what they refuse."""
import base64
import html
import html.parser
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree

from pictures import IMGEN, png, write_data

VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(html.parser.HTMLParser):
    """A page whose tags must close in order; keeps its tags, texts and pictures."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.ids = [], [], [], set()
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.ids.add(attributes.get("id"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def read_json(*path):
    return json.loads(pathlib.Path(*path).read_text())


def run(*arguments, threads=2):
    """With the data named, which a run's config.json alone does not open."""
    data = [] if "--data" in arguments else ["--data", "bars"]
    return subprocess.run([IMGEN, *map(str, arguments), *data, "--threads", str(threads)], capture_output=True,
                          text=True, timeout=250, env={**os.environ, "OMP_WAIT_POLICY": "passive"})


class Comparing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        os.chdir(cls.temporary.name)
        write_data("bars")
        cls.train("classifier", "--steps", 20, "-o", "judge")
        for seed in 0, 1:
            cls.train("vae", "--set", "arch=mlp", "--steps", 40, "--seed", seed, "-o", f"vae{seed}")
        cls.train("gan", "--labels", "--set", "width=8", "--steps", 4, "-o", "gan")
        cls.train("ddpm", "--set", "width=8", "--steps", 4, "-o", "ddpm")
        cls.train("ae", "--set", "arch=mlp", "--steps", 4, "--optimizer", "adam", "--weight-decay", 0.5,
                  "--schedule", "constant", "-o", "ae")
        shutil.copytree("judge", "vae0/judge")

    @classmethod
    def train(cls, model, *settings):
        result = run("train", model, "--batch", 32, "--validation", 100, *settings)
        assert result.returncode == 0, result.stderr

    @classmethod
    def tearDownClass(cls):
        os.chdir("/")
        cls.temporary.cleanup()

    def done(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def refused(self, code, word, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, code, result)
        self.assertEqual(result.stdout, "")
        [line] = result.stderr.splitlines()
        self.assertTrue(line.startswith("imgen: "), line)
        self.assertIn(word, line)

    def test_eval(self):
        result = self.done("eval", "vae0", "--seed", 5)
        self.assertEqual(result.stderr, "")  # the judge is there already
        for words in (r"vae on bars, step 40, seed 0: 100 samples of seed 5, prior normal; judge own",
                      r"quality +value +95 % interval +real test images",
                      r"Fréchet classifier distance +[\d.]+ +[\d.]+ to [\d.]+ +[\d.]+",
                      r"reconstruction, squared error +0\.\d+", r"network calls an image +1\n",
                      r"vae0/eval\.json\nvae0/samples/nearest\.png\n"):
            self.assertRegex(result.stdout, words)
        lines = [line for line in result.stdout.splitlines() if re.match("  (precision|recall) ", line)]
        self.assertEqual(len({len(line) for line in lines}), 1)  # columns stand below each other
        found = read_json("vae0", "eval.json")
        self.assertEqual((found["format"], found["model"], found["samples"], found["seed"]), (1, "vae", 100, 5))
        self.assertEqual(found["command"], "imgen eval vae0 --seed 5 --data bars --threads 2")
        self.assertEqual(len(found["classes"]), 10)
        self.assertAlmostEqual(sum(found["classes"]), 1)
        for key in "frechet", "precision", "recall", "coverage", "spectrum", "edges", "mse", "flop", "minutes":
            figure = found["figures"][key]
            self.assertLessEqual(figure["low"], figure["high"], key)
        self.assertIn("floor", found["figures"]["frechet"])
        width, height, _, texts = png("vae0/samples/nearest.png")
        self.assertEqual(texts["Command"], "imgen eval vae0 --seed 5 --data bars --threads 2")
        self.assertEqual(texts["Checkpoint"], found["checkpoint"])
        self.assertTrue(width > 10 * 56 and height > 4 * 56)

    def test_eval_as_asked(self):
        shutil.rmtree("other", ignore_errors=True)
        shutil.copytree("ddpm", "other", ignore=shutil.ignore_patterns("eval.json"))
        before = sorted(os.listdir("other/samples"))
        result = self.done("eval", "other", "--judge", "judge", "--sampler", "ddim", "--steps", 3,
                           "-o", "out.json")
        self.assertIn("ddim, 3 steps, guidance 1.25;", result.stdout)
        found = read_json("out.json")
        self.assertEqual(found["solver"], {"sampler": "ddim", "steps": 3, "eta": 0.0, "guidance": 1.25})
        self.assertEqual(found["figures"]["calls"]["value"], 6)
        self.assertFalse(os.path.exists("other/eval.json"))
        self.assertEqual(sorted(os.listdir("other/samples")), before)
        self.done("eval", "vae1", "--judge", "judge", "--prior", "fitted", "-o", "out.json")
        self.assertEqual(read_json("out.json")["prior"], "fitted")

    def test_labels_are_asked_for_as_the_data_has_them(self):
        self.done("eval", "gan", "--judge", "judge", "-o", "out.json")
        self.assertIn("label_hit", read_json("out.json")["figures"])

    def test_same_bits(self):
        timing = ("seconds", "sampling_seconds", "command")
        found = []
        for threads in 1, 2:
            result = run("eval", "vae1", "--judge", "judge", "-o", "out.json", threads=threads)
            self.assertEqual(result.returncode, 0, result.stderr)
            found.append({k: v for k, v in read_json("out.json").items() if k not in timing})
            for key in "ms_1", "ms_64", "memory":
                found[-1]["figures"].pop(key, None)
        self.assertEqual(*found)

    def test_a_judge_is_trained_where_there_is_none(self):
        for field, other in ("data", "/elsewhere"), ("training_images", 699):  # of other data, of fewer images
            with self.subTest(field=field):
                self.train_judge_beside(field, other)

    def train_judge_beside(self, field, other):
        shutil.rmtree("other", ignore_errors=True)
        shutil.copytree("vae1", "other")
        shutil.copytree("judge", "other/judge")
        config = read_json("judge/config.json")
        pathlib.Path("other/judge/config.json").write_text(json.dumps({**config, field: other}))
        with subprocess.Popen([IMGEN, "eval", "other", "--data", "bars", "--threads", "1"], stderr=subprocess.PIPE, text=True) as p:
            self.assertRegex(p.stderr.readline(), "bars has no judge of its own: one is trained once, in")
            self.wait_for("other/judge-bars/config.json")
            p.send_signal(signal.SIGINT)
            self.assertIn("stopped and saved", p.stderr.read())
        self.assertEqual(p.returncode, 130)
        self.assertEqual(read_json("other/judge/config.json")[field], other)
        self.assertEqual(read_json("other/judge-bars/config.json")["model"], "classifier")
        self.assertFalse(os.path.exists("other/eval.json"))

    def wait_for(self, path):
        for _ in range(900):
            if os.path.exists(path):
                return
            time.sleep(0.1)
        self.fail(f"{path} did not appear")

    def check_page(self, path):
        text = pathlib.Path(path).read_text()
        page = Page(text)
        self.assertEqual(page.all("script"), [])
        for word in "http:", "https:", "//", "url(", "@import", "<link":
            self.assertNotIn(word, re.sub(r"data:image/png;base64,[\w+/=]+", "", text), word)
        for _, attributes in page.tags:
            for key in "src", "href", "xlink:href", "srcset", "data":
                value = attributes.get(key) or "#"
                self.assertTrue(value.startswith(("data:image/png;base64,", "#")), value[:80])
                if value.startswith("#") and len(value) > 1:
                    self.assertIn(value[1:], page.ids)
        for image in page.all("img"):
            self.assertTrue(image["alt"])
            pathlib.Path("x.png").write_bytes(base64.b64decode(image["src"].split(",")[1], validate=True))
            self.assertTrue(png("x.png")[0] > 100)
        for drawing in re.findall("<svg.*?</svg>", text, re.S):
            root = xml.etree.ElementTree.fromstring(drawing)
            self.assertTrue(root.get("aria-hidden") or (root.get("role") == "img" and root.get("aria-label")))
            for number in re.findall(r'[ "LM](-?(?:nan|inf))', drawing):
                self.fail(number)
        for head in page.all("th"):
            self.assertIn(head.get("scope"), ("col", "row"))
        self.assertEqual({"lang": "en"}, page.all("html")[0])
        return page

    def test_compare(self):
        result = self.done("compare", "vae0", "vae1", "gan", "ae", "-o", "report", "--no-curves")
        for line in result.stderr.splitlines():
            self.assertRegex(line, "imgen: (vae0|vae1|gan|ae) .*: evaluating it")
        self.assertRegex(result.stdout, r"quality +vae +gan +ae +real test images")
        self.assertIn("report/compare.json\nreport/compare.png\nreport/report.html\n", result.stdout)
        found = read_json("report/compare.json")
        self.assertEqual([m["name"] for m in found["models"]], ["vae", "gan", "ae"])
        vae = found["models"][0]
        self.assertEqual([r["seed"] for r in vae["runs"]], [0, 1])
        values = [read_json(f"vae{i}/eval.json")["figures"]["frechet"]["value"] for i in (0, 1)]
        mean = vae["figures"]["frechet"]
        self.assertAlmostEqual(mean["value"], sum(values) / 2)
        deviation = abs(values[0] - values[1]) / 2**0.5
        self.assertAlmostEqual(mean["deviation"], deviation)
        self.assertAlmostEqual(mean["high"] - mean["value"], 12.706 * deviation / 2**0.5)
        self.assertIn("--set arch=mlp", vae["runs"][1]["training"])
        self.assertEqual(found["models"][2]["runs"][0]["training"],
                         "imgen train ae --data bars --steps 4 --batch 32 --schedule constant --optimizer adam "
                         "--weight-decay 0.5 --validation 100 --set arch=mlp")
        self.assertEqual({e["judge"] for e in (read_json(r, "eval.json") for r in ("vae0", "gan", "ae"))},
                         {read_json("vae1/eval.json")["judge"]})
        for key, name in found["best"].items():
            [best] = [m["figures"][key] for m in found["models"] if m["name"] == name]
            for other in (m["figures"].get(key) for m in found["models"] if m["name"] != name):
                self.assertTrue(other is None or best["high"] < other["low"] or best["low"] > other["high"])
        self.assertIn("Quality", [s["topic"] for s in found["sentences"]])
        png("report/compare.png")
        page = self.check_page("report/report.html")
        words = " ".join(page.words)
        for word in (["vae, gan and ae on bars", "In short", "Training", "imgen train gan --data", "d_loss"]
                     + [s["text"] for s in found["sentences"]]):
            self.assertIn(word, words)
        self.assertEqual(len(page.all("img")), 3 + 3)

        again = self.done("compare", "vae0", "vae1", "gan", "ae", "-o", "report", "--no-curves")
        self.assertEqual(again.stderr, "")
        pathlib.Path("gan/eval.json").write_text("{}")
        again = self.done("compare", "vae0", "gan", "-o", "report", "--no-curves")
        self.assertIn("gan has an eval.json that cannot be read: evaluating it", again.stderr)
        self.train("gan", "--labels", "--set", "width=8", "--steps", 5, "-o", "gan", "--overwrite")
        again = self.done("compare", "vae0", "gan", "-o", "report", "--no-curves")
        self.assertIn("gan was trained on since it was evaluated: evaluating it", again.stderr)

    def test_evaluations_that_stay(self):
        """What another evaluation does not measure again, and all of one that a report does not fit."""
        shutil.rmtree("long", ignore_errors=True)
        shutil.copytree("vae1", "long", ignore=shutil.ignore_patterns("eval.json"))
        self.done("eval", "long", "--judge", "judge", "--likelihood", 3)
        bound = read_json("long/eval.json")["figures"]["iwae"]
        self.done("eval", "long", "--judge", "judge", "--prior", "fitted")
        found = read_json("long/eval.json")
        self.assertEqual((found["prior"], found["likelihood"], found["figures"]["iwae"]), ("fitted", 3, bound))
        shutil.copytree("long", "seeded", dirs_exist_ok=True)
        self.done("eval", "seeded", "--judge", "judge", "--seed", 1)  # whose likelihoods would be of others
        seeded = read_json("seeded/eval.json")
        self.assertEqual(seeded["likelihood"], 0)
        self.assertNotIn("iwae", seeded["figures"])
        before = pathlib.Path("long/eval.json").read_bytes()
        shutil.rmtree("two", ignore_errors=True)
        shutil.copytree("ae", "two/long", ignore=shutil.ignore_patterns("eval.json"))
        shutil.copytree("ae", "long-ae", ignore=shutil.ignore_patterns("eval.json"))
        config = read_json("two/long/config.json")
        config["recipe"]["batch"] = 31  # so that it is a model of its own
        pathlib.Path("two/long/config.json").write_text(json.dumps(config))
        self.train("classifier", "--steps", 21, "--overwrite", "-o", "judge2")
        result = self.done("compare", "long", "long-ae", "two/long", "--judge", "judge2", "-o", "small",
                           "--no-curves")
        self.assertIn("long was judged by another judge: evaluating it for this report alone\n", result.stderr)
        self.assertEqual(result.stderr.count("this report alone"), 1)
        self.assertEqual(pathlib.Path("long/eval.json").read_bytes(), before)
        self.assertNotEqual(read_json("long-ae/eval.json")["judge"], found["judge"])
        self.assertEqual([m["name"] for m in read_json("small/compare.json")["models"]],
                         ["vae", "long-ae", "long"])
        self.refused(2, "--likelihood 1: expected at least 2", "eval", "long", "--likelihood", 1)
        result = self.done("compare", "long", "long-ae", "--judge", "judge2", "-o", "small", "--no-curves",
                           "--prior", "normal")
        self.assertEqual(result.stderr.count("evaluating"), 1)  # the ae has no other
        self.assertEqual(pathlib.Path("long/eval.json").read_bytes(), before)
        self.assertIn("prior normal", " ".join(self.check_page("small/report.html").words))

    def test_curves(self):
        self.done("compare", "vae1", "ddpm", "-o", "curves", "--judge", "judge")
        curve = read_json("ddpm/eval.json")["curve"]
        for sampler, calls in (("dpm++2m", [4, 10, 20, 50]), ("ddim", [4, 10, 20, 50]),
                               ("ddpm", [4, 10, 20, 50]), ("heun", [2, 10, 18, 50])):
            self.assertEqual([p["calls"] for p in curve if p["solver"]["sampler"] == sampler], calls)
        [point] = read_json("vae1/eval.json")["curve"]
        self.assertEqual((point["solver"], point["calls"]), (None, 1))
        words = " ".join(self.check_page("curves/report.html").words)
        self.assertIn("in one go", words)
        self.assertIn("ms to draw an image", words)
        self.assertIn("at most 100 samples each: what denoises with 5 calls of the network an image to 50", words)
        more = ("compare", "vae1", "ddpm", "-o", "curves", "--judge", "judge", "--curve-samples", 100)
        self.done(*more)
        self.assertEqual(read_json("ddpm/eval.json")["curve"], curve)
        self.done(*more, "--curve-calls", 100)
        longer = read_json("ddpm/eval.json")["curve"]
        self.assertEqual([p["calls"] for p in longer if p["solver"]["sampler"] == "ddim"], [4, 10, 20, 50, 100])
        self.assertEqual({p["samples"] for p in longer}, {100})
        self.refused(2, "a curve of 200 samples: there are 100 test images", *more[:-1], 200)

    def test_train(self):
        command = ("compare", "--train", "vae,ae", "--data", "bars", "--preset", "quick", "--minutes", 0.01,
                   "--seeds", 2, "--sensitivity", "--judge", "judge", "--no-curves", "-o", "contest")
        result = self.done(*command)
        runs = ["ae-seed0", "ae-seed0-lr-half", "ae-seed0-lr-twice", "ae-seed1",
                "vae-seed0", "vae-seed0-lr-half", "vae-seed0-lr-twice", "vae-seed1"]
        self.assertEqual(sorted(os.listdir("contest/runs")), runs)
        found = read_json("contest/compare.json")
        self.assertEqual([(m["name"], len(m["runs"]), len(m["other_rates"])) for m in found["models"]],
                         [("vae", 2, 2), ("ae", 2, 2)])
        self.assertIn("Learning rate", [s["topic"] for s in found["sentences"]])
        self.assertRegex(result.stdout, r"\nCost of training: .*\b0\.0\d* min\b")
        words = " ".join(self.check_page("contest/report.html").words)
        self.assertIn("with half the learning rate", words)
        self.assertIn("--minutes 0.01 --seed 1", words)
        rate = {r: read_json("contest/runs", r, "config.json")["recipe"]["lr"] for r in runs}
        self.assertAlmostEqual(rate["vae-seed0-lr-half"] * 4, rate["vae-seed0-lr-twice"])

        stamps = {r: os.stat(f"contest/runs/{r}/checkpoint.safetensors").st_mtime_ns for r in runs}
        pathlib.Path("contest/runs/vae-seed1/failed.txt").write_text("step 7: not finite\n")
        again = self.done(*command)
        self.assertEqual(again.stderr, "")
        self.assertEqual(stamps, {r: os.stat(f"contest/runs/{r}/checkpoint.safetensors").st_mtime_ns for r in runs})
        self.assertIn("vae: 1 of 2 trainings failed", again.stdout)
        self.refused(2, "holds a run with other settings", *command[:8], 0.02, *command[9:])

    def test_a_stopped_training_goes_on(self):
        command = ["compare", "--train", "vae", "--data", "bars", "--minutes", "1", "--seeds", "1", "--judge",
                   "judge", "--no-curves", "-o", "stopped"]
        with subprocess.Popen([IMGEN, *command], stderr=subprocess.PIPE, text=True) as p:
            self.assertIn("1 of 1 runs are to be trained, 1 minutes each", p.stderr.readline())
            self.assertIn("stopped/runs/vae-seed0: training the vae, 1 minutes, seed 0", p.stderr.readline())
            self.wait_for("stopped/runs/vae-seed0/config.json")
            p.send_signal(signal.SIGINT)
            self.assertIn("stopped and saved: the same command goes on", p.stderr.read())
        self.assertEqual(p.returncode, 130)
        config = read_json("stopped/runs/vae-seed0/config.json")
        config["recipe"]["steps"] = 60  # soon at its end
        pathlib.Path("stopped/runs/vae-seed0/config.json").write_text(json.dumps(config))
        again = self.done(*command)
        self.assertIn("going on with the vae", again.stderr)

    def test_refusals(self):
        write_data("bars2")
        write_data("few", tests=99)
        result = run("train", "vae", "--data", "bars2", "--set", "arch=mlp", "--steps", 2, "-o", "foreign")
        self.assertEqual(result.returncode, 0, result.stderr)
        for code, word, *arguments in (
                (1, "nowhere: not a run folder", "eval", "nowhere"),
                (2, "usage", "eval"),
                (2, "--sample: is it --samples?", "eval", "vae0", "--sample", 3),
                (2, "--samples 7: expected a whole number from 100", "eval", "vae0", "--samples", 7),
                (2, "--likelihood: gan has none", "eval", "gan", "--likelihood", 5),
                (2, "200 samples: bars has 100 test images", "eval", "vae0", "--samples", 200),
                (2, "is a folder", "eval", "vae0", "-o", "."),
                (1, "nowhere/e.json: cannot be written", "eval", "vae0", "-o", "nowhere/e.json"),
                (1, "--sampler: the vae makes an image in one go", "eval", "vae0", "--sampler", "ddim"),
                (1, "--prior normal: the ae has no prior of its own", "eval", "ae", "--prior", "normal"),
                (1, "--prior fitted: the gan has no encoder", "eval", "gan", "--prior", "fitted"),
                (1, "the classifier has no codes", "eval", "judge"),
                (2, "vae1: a run of the vae: a judge is a run of the classifier", "eval", "vae0", "--judge", "vae1"),
                (1, "no judge for cats", "eval", "vae0", "--judge", "cats"),
                (2, "-o: expected the folder of the report", "compare", "vae0", "vae1"),
                (2, "at least two runs", "compare", "vae0", "-o", "refused"),
                (2, "./vae0: is named twice", "compare", "vae0", "./vae0", "-o", "refused"),
                (1, "nowhere: not a run folder", "compare", "vae0", "nowhere", "-o", "refused"),
                (2, "only runs of the same data compare", "compare", "vae0", "foreign", "-o", "refused"),
                (1, "judge: a run of the classifier, which makes no images", "compare", "vae0", "judge", "-o", "refused"),
                (2, "use them with --train", "compare", "vae0", "vae1", "--minutes", 3, "-o", "refused"),
                (2, "--train: trains its own runs", "compare", "vae0", "--train", "vae", "-o", "refused"),
                (2, "not an empty word", "compare", "--train", "", "-o", "refused"),
                (2, "no model ''", "compare", "--train", ",", "-o", "refused"),
                (2, "the vae is named twice", "compare", "--train", "vae,ae,vae", "-o", "refused"),
                (2, "no model 'pixelcnn'", "compare", "--train", "pixelcnn", "-o", "refused"),
                (2, "--train: the classifier makes no images", "compare", "--train", "classifier", "-o", "refused"),
                (2, "few: 700 training and 99 test images, and figures need at least 100 of each", "eval", "vae0",
                 "--data", "few"),
                (2, "few: 700 training and 99 test images", "eval", "vae0", "--data", "few", "--judge", "judge",
                 "--samples", 100),
                (2, "few: 700 training and 99 test images", "compare", "--train", "vae", "--minutes", 0.01, "--data",
                 "few", "-o", "refused"),
                (2, "bars has 100 test images", "compare", "--train", "vae", "--samples", 200, "-o", "refused"),
                (2, "is it --no-curves?", "compare", "vae0", "vae1", "--no-curve", "-o", "refused")):
            with self.subTest(arguments=arguments):
                self.refused(code, word, *arguments)
        self.assertFalse(os.path.exists("vae0/judge-few"))  # nothing is trained for what cannot be measured
        self.assertEqual(list(pathlib.Path("refused").glob("*/*")), [])

    def test_in_a_browser(self):
        """No wider than a phone, nor than a desk: nothing must be scrolled sideways."""
        browser = shutil.which("chromium")
        if not browser:
            self.skipTest("needs chromium")
        self.done("compare", "vae0", "vae1", "gan", "ae", "-o", "seen", "--no-curves")
        page = html.escape(pathlib.Path("seen/report.html").read_text())
        frames = "".join(f'<iframe width="{width}" height="900" style="border:0" srcdoc="{page}" onload="'
                         "let e = this.contentDocument.documentElement; this.dataset.seen = e.scrollWidth - e.clientWidth"
                         '"></iframe>' for width in (390, 1200))
        pathlib.Path("frames.html").write_text(f"<!DOCTYPE html><meta charset=utf-8>{frames}")
        command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1300,900",
                   f"--user-data-dir={os.getcwd()}/profile", "--dump-dom", f"file://{os.getcwd()}/frames.html"]
        dom = subprocess.run(command, capture_output=True, text=True, timeout=100).stdout
        self.assertEqual(re.findall(r'data-seen="(-?\d+)"', dom), ["0", "0"])


if __name__ == "__main__":
    unittest.main()
