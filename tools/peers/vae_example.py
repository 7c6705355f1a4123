#!/usr/bin/env python3
"""Trains the same VAE in PyTorch and with imgen, and compares their test losses:
python3 tools/peers/vae_example.py --data FOLDER --imgen build/tools/imgen

The VAE of PyTorch's well-known example: 784-400-20, a Bernoulli a pixel with grey targets, Adam
with learning rate 1e-3, batches of 128, 10 epochs. FOLDER holds MNIST's four IDX files, plain or
gzip. Both compute on the CPU, on as many threads as --threads says. Test losses are in nats per
image, with one draw of z an image; the difference of the means should be below .3.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

BATCH, RATE, HIDDEN, LATENT = 128, 1e-3, 400, 20


def read_images(folder, name):
    """An IDX file of images as rows of pixels in [0,1]: N HW."""
    path = pathlib.Path(folder) / name
    try:
        data = path.read_bytes() if path.exists() else gzip.open(f"{path}.gz").read()
    except (OSError, EOFError) as error:
        sys.exit(f"{path}: {error}")
    magic, count, height, width = np.frombuffer(data, ">u4", 4).tolist()
    if magic != 0x803 or len(data) != 16 + count * height * width:
        sys.exit(f"{path}: is no IDX file of images")
    pixels = np.frombuffer(data, np.uint8, offset=16).reshape(count, height * width)
    return torch.from_numpy(pixels / np.float32(255))


class Vae(nn.Module):
    def __init__(self, pixels):
        super().__init__()
        self.hidden = nn.Linear(pixels, HIDDEN)
        self.mu, self.logvar = nn.Linear(HIDDEN, LATENT), nn.Linear(HIDDEN, LATENT)
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(),
                                     nn.Linear(HIDDEN, pixels))

    def loss(self, x):
        """-ELBO with one draw of z, summed over the images.  x: N HW"""
        h = F.relu(self.hidden(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
        rec = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return rec + 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum()


def train_pytorch(train, test, epochs, seed):
    """The mean test loss after training."""
    torch.manual_seed(seed)
    model = Vae(train.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(epochs):
        for index in torch.randperm(len(train)).split(BATCH):
            optimizer.zero_grad()
            (model.loss(train[index]) / len(index)).backward()
            optimizer.step()
    with torch.no_grad():
        return sum(model.loss(x).item() for x in test.split(BATCH)) / len(test)


def train_imgen(imgen, data, epochs, seed, threads):
    """The same of imgen: the last line of its metrics."""
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        command = [imgen, "train", "vae", "--data", data, "--out", run, "--seed", seed,
                   "--threads", threads, "--set", "arch=mlp", "--set", f"latent={LATENT}",
                   "--epochs", epochs, "--batch", BATCH, "--lr", RATE, "--optimizer", "adam",
                   "--schedule", "constant", "--warmup", 0, "--weight-decay", 0, "--ema", 0,
                   "--clip", 0, "--validation", 0]
        result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if result.returncode:
            sys.exit(result.stderr)
        return json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["test_loss"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with MNIST's IDX files")
    parser.add_argument("--imgen", required=True, help="the program")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train, test = (read_images(options.data, f"{s}-images-idx3-ubyte") for s in ("train", "t10k"))
    losses = {"PyTorch": [], "imgen": []}
    for seed in options.seeds:
        for name, run in [
            ("PyTorch", lambda: train_pytorch(train, test, options.epochs, seed)),
            ("imgen", lambda: train_imgen(options.imgen, options.data, options.epochs, seed,
                                          options.threads)),
        ]:
            start = time.monotonic()
            losses[name].append(run())
            print(f"{name:8} seed {seed}  test loss {losses[name][-1]:.3f}  "
                  f"{time.monotonic() - start:.0f} s", flush=True)
    means = {name: np.mean(values) for name, values in losses.items()}
    print(", ".join(f"{name} {mean:.3f}" for name, mean in means.items()), "nats per image;",
          f"difference {means['imgen'] - means['PyTorch']:+.3f}")


main()
