"""imgen bench: its names, its results for programs, its profile, what it refuses. The figures
themselves are no test's business."""
import json
import os
import subprocess
import sys
import unittest

IMGEN = os.path.abspath(sys.argv.pop(1))


def bench(*arguments):
    return subprocess.run([IMGEN, "bench", *arguments], capture_output=True, text=True, timeout=100,
                          env={**os.environ, "OMP_WAIT_POLICY": "passive"})


class Bench(unittest.TestCase):
    def names(self, *what):
        result = bench("--list", *what)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.splitlines()

    def cases(self, *arguments):
        """The rows of --json by name, of two runs each at batch 2."""
        result = bench(*arguments, "--json", "--repeat", "2", "--batch", "2", "--threads", "1")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        told = json.loads(result.stdout)
        self.assertEqual((told["threads"], told["batch"]), (1, 2))
        for case in told["cases"]:
            self.assertLessEqual(0, case["min_ms"])
            self.assertLessEqual(case["min_ms"], case["median_ms"])
            self.assertLessEqual(case["median_ms"], case["max_ms"])
            self.assertGreater(case["peak_mib"], 1)
        return {case["name"]: case for case in told["cases"]}

    def test_list(self):
        names = self.names()
        self.assertEqual(len(names), len(set(names)))
        for name in ("peak/sgemm", "conv3x3/28x28x64/backward-data", "block/7x7x128/forward+backward",
                     "step/vae-conv", "sample/vae-mlp/64", "decode/ae-conv/1", "sample/ddpm/64",
                     "first-step/ae-mlp", "first-step/ddpm-64"):
            self.assertIn(name, names)

    def test_what_chooses_by_group_and_by_beginning(self):
        steps = self.names("step")
        self.assertEqual(steps[:4], [f"step/{m}" for m in
                                     ("ae-conv", "ae-mlp", "vae-conv", "vae-mlp")])
        self.assertEqual([s for s in steps if "ddpm" in s], ["step/ddpm", "step/ddpm-32", "step/ddpm-64"])
        self.assertTrue(all(s.startswith("step/") for s in steps))
        self.assertEqual(self.names("conv3x3/7x7"), [f"conv3x3/7x7x128/{part}" for part in
                                                     ("forward", "backward-data",
                                                      "backward-weights")])
        self.assertIn("relu/28x28x32/forward", self.names("kernels"))
        self.assertEqual(len(self.names("step/vae-mlp", "block/7x7")), 2)

    def test_kernels_tell_their_rate(self):
        cases = self.cases("linear")
        self.assertEqual(len(cases), 9)
        for case in cases.values():
            self.assertEqual((case["group"], case["runs"]), ("kernels", 2))
        case = cases["linear/784-400/forward"]
        self.assertAlmostEqual(case["gflops"] * case["median_ms"] * 1e6, 2 * 2 * 784 * 400, delta=50)

    def test_every_kind_runs(self):
        cases = self.cases("peak/fma", "conv3x3/7x7", "up4x4s2/7x7", "silu", "block/7x7",
                           "step/ae", "step/vae", "step/gan", "step/ddpm", "step/classifier", "sample/vae",
                           "sample/gan/1", "sample/ddpm/1", "decode")
        self.assertEqual({c["group"] for c in cases.values()},
                         {"kernels", "block", "step", "sample"})
        self.assertGreater(cases["conv3x3/7x7x128/forward"]["share_of_fma"], 0)
        self.assertEqual(cases["step/vae-mlp"]["parameters"], 652824)
        self.assertGreater(cases["sample/vae-conv/64"]["images_per_second"], 0)

    def test_first_step_is_one_cold_run(self):
        self.assertEqual(self.cases("first-step/vae-mlp")["first-step/vae-mlp"]["runs"], 1)

    def test_table(self):
        result = bench("step/vae-mlp", "--repeat", "2", "--batch", "2")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"\n  step/vae-mlp +[\d.]+ ms \([\d.]+ to [\d.]+\) +\d+ images/s")

    def test_profile(self):
        result = bench("--profile", "vae-conv", "--json", "--repeat", "2", "--batch", "2")
        self.assertEqual(result.returncode, 0)
        told = json.loads(result.stdout)
        lines = told["lines"]
        self.assertEqual([line["op"] for line in lines if line["op"].startswith("conv2d")],
                         ["conv2d"] * 4 + ["conv2d_transposed"] * 2)
        self.assertTrue(any(line["op"].startswith("optimizer") for line in lines))
        self.assertAlmostEqual(sum(line["forward_ms"] + line["backward_ms"] for line in lines),
                               told["total_ms"], delta=1e-3 * told["total_ms"])
        table = bench("--profile", "ae-mlp", "--repeat", "2", "--batch", "2").stdout
        self.assertRegex(table, r"\n  linear .* % +encoder\.hidden\.weight 2x400\n")

    def test_refusals(self):
        for arguments, word in ((["nothing"], "no benchmark 'nothing'"),
                                (["step", "nothing"], "no benchmark 'nothing'"),
                                (["--profile", "nothing"], "expected one of ae-conv"),
                                (["--profile", "vae-mlp", "step"], "give it or WHAT, not both"),
                                (["--profile", "vae-mlp", "--list"], "give it or --profile"),
                                (["step", "--batch", "0"], "--batch")):
            result = bench(*arguments)
            self.assertEqual((result.returncode, result.stdout), (2, ""), arguments)
            self.assertIn(word, result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1)

    def test_a_data_set_that_is_missing_is_named(self):
        result = bench("first-step/vae-mlp", "--data", "/nowhere/at/all")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("/nowhere/at/all", result.stderr)


if __name__ == "__main__":
    unittest.main()
