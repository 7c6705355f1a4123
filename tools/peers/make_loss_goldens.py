#!/usr/bin/env python3
"""Golden values from PyTorch for tests/test_losses.c:
python3 tools/peers/make_loss_goldens.py PEER [FOLDER], PEER the program of tests/model_peer.c.

Writes tests/golden/losses.safetensors. The text i holds the words of case i. Its tensors are
i.loss, i.term.NAME, and i.gradients: for each parameter in order of declaration the product of its
gradient with a row of normals and its norm, 0 where it does not learn or is 0 but for rounding.
Made with PyTorch 2.13.0 in float64 from the weights, images and noise of `model_peer --perturbed`,
whose last bits the kernels in use decide, and rounded once.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch

from make_goldens import philox, write

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../../tests"))
import gan_peer
import model_peer

SEED, STREAM, STEP = 7, 8, 1  # of the normals: as test_losses.c has them
# Small, but not so that kernels have no vector to fill, or groups of one channel take every effect
# from the biases before them.
GAN, UNET = "width=8 latent=8", "width=16"
GAMES = ["loss=relativistic", "loss=relativistic labels=on", "loss=ns r1=1 r2=0",
         "loss=hinge r1=1 r2=3 spectral=on", "loss=wgan-gp"]
CASES = [f"gan/{phase} {GAN} {game}" for game in GAMES for phase in (0, 1)] + [
    f"ddpm {UNET} predict=v", f"ddpm {UNET} predict=eps schedule=linear labels=on",
    f"ddpm {UNET} predict=x0 weight=min-snr", f"flow {UNET} labels=on"]
ZERO = 1e-7  # a norm below this part of the largest


def normals(row, count):
    """A row of normals as ig_rng_normal draws it."""
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    u = [(bits >> 8) * 2.0 ** -24 for bits in philox((blocks, row, STEP, STREAM), (SEED, 0))]
    out = []
    for j in (0, 2):
        radius, angle = np.sqrt(-2 * np.log(1 - u[j])), 2 * np.pi * u[j + 1]
        out += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.float32(np.stack(out, 1).ravel()[:count]).astype(float)


def parameters(path):
    """Their names, in order of declaration."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    return [name.removeprefix("value.") for name in header if name.startswith("value.")]


def run(path, phase):
    """The loss and its terms, and gradients by name in imgen's layout."""
    settings, saved = gan_peer.read(path)
    if settings["model"] != "gan":
        losses, gradients, _ = model_peer.run(settings, saved)
        return losses, gradients
    losses, gradients = gan_peer.run(settings, saved, phase)
    return losses, {n: g.movedim(1, 3) if g.dim() == 4 else g for n, g in gradients.items()}


def projections(names, gradients):
    rows = np.zeros((len(names), 2))
    for i, name in enumerate(names):
        if name in gradients:
            gradient = gradients[name].flatten().numpy()
            rows[i] = normals(i, len(gradient)) @ gradient, np.sqrt(gradient @ gradient)
    rows[rows[:, 1] < ZERO * rows[:, 1].max()] = 0
    return rows


def main():
    torch.set_num_threads(1)
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, "../../tests/golden")
    tensors, texts = {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        path = os.path.join(temporary, "loss.safetensors")
        for i, case in enumerate(CASES):
            subprocess.run([sys.argv[1], "--perturbed", path, *case.split()], check=True)
            losses, gradients = run(path, int(case.startswith("gan/1")))
            texts[str(i)] = case
            tensors[f"{i}.loss"] = losses.pop("loss")
            tensors.update({f"{i}.term.{name}": term for name, term in losses.items()})
            tensors[f"{i}.gradients"] = projections(parameters(path), gradients)
    write(os.path.join(folder, "losses.safetensors"), tensors, texts)


if __name__ == "__main__":
    main()
