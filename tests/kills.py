"""Kills trainings of every model by SIGKILL at random moments and goes on with --resume: the final
weights are those of a training that was never disturbed, and so are the metrics but for the clock.
    kills.py IMGEN KILLS [SEED]"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

KILLS = int(sys.argv.pop(2))
SEED = int(sys.argv.pop(2)) if len(sys.argv) > 2 else 1
import training  # takes argv[1]

MODELS = {"ae": [], "vae": [], "gan": ["--set", "width=4", "--set", "norm=batch", "--set", "spectral=on"],
          "ddpm": ["--set", "width=8"], "flow": ["--set", "width=8"], "classifier": []}
KILLS_A_RUN = 5


def prepare(model):
    """The config of a run that saves at every other step, so that many kills strike a save."""
    training.imgen("train", model, *MODELS[model], "--steps", 0, "--batch", 8, "--seed", 4, "--data", "./bars",
                   "--out", "base")
    config = training.read_config("base")
    config["recipe"]["steps"] = 30
    config.update(save_every=2, log_every=3, preview_every=10, validation=20)
    pathlib.Path("config.json").write_text(training.json.dumps(config))


def command(run):
    """What begins the run, or goes on with it where it has begun."""
    begun = (pathlib.Path(run) / "config.json").exists()
    how = ["--resume"] if begun else ["--config", "config.json"]
    return [training.IMGEN, "train", *how, "--data", "./bars", "--out", run, "--threads", "1"]


def finish(run):
    result = subprocess.run(command(run), capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr


def kill(run, after):
    """Whether the training still ran when the signal came."""
    process = subprocess.Popen(command(run), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    said = process.communicate(timeout=60)[1]
    assert process.returncode in (0, -signal.SIGKILL), said
    return process.returncode != 0


def check_model(model, dice):
    prepare(model)
    start = time.monotonic()
    finish("whole")
    seconds = time.monotonic() - start
    weights, lines = training.checkpoint("whole")[1], training.metrics("whole")
    kills, number = 0, 0
    while kills < KILLS:
        run, aim = f"run{number}", min(kills + KILLS_A_RUN, KILLS)
        tries = 0
        while kills < aim and tries < 4 * KILLS_A_RUN:
            kills += kill(run, dice.uniform(0, 0.7 * seconds))
            tries += 1
        finish(run)
        assert training.checkpoint(run)[1] == weights, f"{model}, {run}: other weights"
        differ = [(a, b) for a, b in zip(training.metrics(run), lines) if a != b]
        assert training.metrics(run) == lines, f"{model}, {run}: other metrics: {differ}"
        assert not list(pathlib.Path(run).rglob("*.tmp.*")), f"{model}, {run}: leftovers"
        number += 1
    return kills, number


def main():
    dice = random.Random(SEED)
    print(f"1..{len(MODELS)}", flush=True)
    failed = False
    for i, model in enumerate(MODELS):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            training.write_bars("bars", counts=(60, 20), side=12)
            try:
                kills, runs = check_model(model, dice)
                print(f"ok {i + 1} - {model}: {kills} kills of {runs} runs (seed {SEED})", flush=True)
            except AssertionError as e:
                print(f"not ok {i + 1} - {model} (seed {SEED})\n# {e}", flush=True)
                failed = True
            os.chdir("/")
    sys.exit(failed)


if __name__ == "__main__":
    main()
