#!/usr/bin/env python3
"""Golden values for tests/test_metrics.c: python3 tools/peers/make_metric_goldens.py [FOLDER]

Writes tests/golden/metrics.safetensors: features and images, and what the reference implementations
make of them: scipy (Fréchet distance, classes, Sobel), prdc (precision, recall, density, coverage),
torch-fidelity (kernel distance, with the subsets that it draws), scikit-image (SSIM), NumPy (the
rest). Made with scipy 1.17.1, prdc 0.2, torch-fidelity 0.4.0, scikit-image 0.26.0, NumPy 2.4.6. Inputs
are float32, all is computed in float64 and rounded once.
"""
import contextlib
import io
import os
import sys

import numpy as np
import prdc
import scipy.linalg
import scipy.ndimage
import scipy.stats
import skimage.metrics
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from make_goldens import write

N, DIM, PARTS = 301, 12, 8
SUBSETS, SUBSET = 6, 100


def features(rng):
    """Two sets that overlap in part, each of several clusters."""
    centres = rng.normal(size=(5, DIM))
    mix = rng.normal(size=(DIM, DIM)) / 3

    def draw(weights, spread):
        x = centres[rng.choice(5, N, p=weights)] + spread * rng.normal(size=(N, DIM)) @ mix
        return np.float32(np.maximum(x, -.5)).astype(float)
    return draw([.2] * 5, 1), draw([.3, .3, .2, .15, .05], 1.3)


# ---- Fréchet ----

def frechet(real, fake):
    a, b = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = np.real(scipy.linalg.sqrtm(a @ b))
    apart = real.mean(0) - fake.mean(0)
    return apart @ apart + np.trace(a + b - 2 * root)


def frechet_infinity(real, fake):
    """The line through the distances of whole, halves, quarters and eighths over 1 / n."""
    bounds = [p * N // PARTS for p in range(PARTS + 1)]
    inverse, distance = [], []
    for width in (1, 2, 4, 8):
        parts = [fake[bounds[p]:bounds[p + width]] for p in range(0, PARTS, width)]
        inverse.append(np.mean([1 / len(p) for p in parts]))
        distance.append(np.mean([frechet(real, p) for p in parts]))
    return np.polyfit(inverse, distance, 1)[1]


# ---- the kernel distance ----

def kid(real, fake):
    """The subsets that it draws, and the mean and deviation that it finds."""
    result = kid_features_to_metric(
        torch.from_numpy(real), torch.from_numpy(fake), kid_subsets=SUBSETS, kid_subset_size=SUBSET,
        kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1, rng_seed=2020, verbose=False)
    rng = np.random.RandomState(2020)
    index = [[rng.choice(N, SUBSET, replace=False) for _ in range(2)] for _ in range(SUBSETS)]
    return {"kid.index": index, "kid": [result["kernel_inception_distance_mean"],
                                        result["kernel_inception_distance_std"]]}


# ---- images ----

def images(rng, n, height, width):
    x = scipy.ndimage.gaussian_filter(rng.normal(size=(n, height, width)), (0, 1, 1)) * 2 + .4
    return np.round(255 * np.clip(x, 0, 1))


def spectrum(x):
    n, height, width = x.shape
    power = np.abs(np.fft.fft2(x / 255)) ** 2
    v, u = np.meshgrid(np.fft.fftfreq(width), np.fft.fftfreq(height))
    radius = np.floor(min(height, width) * np.hypot(u, v) + .5)
    bins = [power[:, radius == r].mean(1) for r in range(1, min(height, width) // 2 + 1)]
    return np.log(np.stack(bins, 1) + height * width / 12 / 255 ** 2)


def edges(x):
    out = []
    for image in x:
        dx, dy = (scipy.ndimage.sobel(image, axis)[1:-1, 1:-1] for axis in (1, 0))
        bins = np.int64(32 * np.hypot(dx, dy) / (4 * 255))
        out.append(np.bincount(bins.ravel(), minlength=36) / bins.size)
    return out


def ssim(a, b):
    return [skimage.metrics.structural_similarity(
        p, q, win_size=11, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=1) for p, q in zip(a, b)]


def pixels(rng):
    x, train = images(rng, 5, 14, 17), images(rng, 40, 14, 17)
    x[4] = train[11]
    squares = ((x[:, None] - train[None]) ** 2).sum((2, 3))
    a = np.float32(rng.uniform(size=(4, 20, 17))).astype(float)
    b = np.float32(np.clip(a + [[[.05]], [[.2]], [[.6]], [[0]]] * rng.normal(size=a.shape), 0, 1))
    return {"images": x, "train": train, "nearest": squares.argmin(1), "squares": squares.min(1),
            "spectrum": spectrum(x), "edges": edges(x), "a": a, "b": b,
            "ssim": ssim(a, b.astype(float))}


# ---- classes ----

def classes(rng):
    seen = rng.choice(6, 500, p=[.25, .25, .2, .2, .1, 0])
    share = np.array([.2, .2, .2, .15, .15, .1])
    count = np.bincount(seen, minlength=6)
    return {"seen": seen, "shares": share, "class_kl": [scipy.stats.entropy(count / 500, share)],
            "class_chi2": [scipy.stats.chisquare(count, 500 * share).statistic / 5]}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../tests/golden")
    rng = np.random.RandomState(3)
    real, fake = features(rng)
    with contextlib.redirect_stdout(io.StringIO()):
        near = prdc.compute_prdc(real, fake, 5)
    tensors = {"real": real, "fake": fake,
               "frechet": [frechet(real, fake), frechet_infinity(real, fake)],
               "prdc": [near[k] for k in ("precision", "recall", "density", "coverage")]}
    write(os.path.join(folder, "metrics.safetensors"),
          {**tensors, **kid(real, fake), **pixels(rng), **classes(rng)}, {})


if __name__ == "__main__":
    main()
