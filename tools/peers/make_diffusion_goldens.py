#!/usr/bin/env python3
"""Golden values for tests/test_solver.c: python3 tools/peers/make_diffusion_goldens.py [FOLDER]

Writes tests/golden/noise.safetensors, the noise schedules from their definitions as betas, and
solver.safetensors, what each sampler makes of a few rows. The samplers are written here as their
papers and the well-known implementations have them: ancestral steps by the posterior's mean and
variance, DDIM by eps, DPM-Solver++ by differences of estimates, Heun by numerical integration.
All in float64, rounded once.
"""
import os
import sys

import numpy as np

from make_goldens import normals, write

T = 1000
ROWS, SIZE, SEED, STREAM = 3, 5, 9, 5


# ---- schedules ----

def from_betas(betas):
    alpha_bar = np.concatenate([[1], np.cumprod(1 - betas)])
    return np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)


def linear():
    return from_betas(np.linspace(1e-4, .02, T))


def cosine():
    def f(t):
        return np.cos((t + .008) / 1.008 * np.pi / 2) ** 2
    i = np.arange(T)
    return from_betas(np.minimum(1 - f((i + 1) / T) / f(i / T), .999))


def flow():
    t = np.arange(T + 1) / T
    return 1 - t, t


SCHEDULES = {"linear": linear, "cosine": cosine, "flow": flow}


# ---- samplers ----

def denoise(x, level):
    """Any function will do; some of its values are beyond the pixels' range."""
    return np.clip(1.2 * np.tanh(x * (.4 + level / 1000)), -1, 1)


class Schedule:
    def __init__(self, kind):
        self.alpha, self.sigma = SCHEDULES[kind]()

    def lam(self, i):
        with np.errstate(divide="ignore"):
            return np.log(self.alpha[i]) - np.log(self.sigma[i])


def ddpm(s, x, levels, eta):
    """Ho et al. 2020, equations 6 and 7, with the beta of a longer step."""
    bar = s.alpha ** 2
    for k, (i, j) in enumerate(zip(levels, levels[1:])):
        x0 = denoise(x, i)
        step_alpha = bar[i] / bar[j]
        beta = 1 - step_alpha
        mean = (np.sqrt(bar[j]) * beta * x0 + np.sqrt(step_alpha) * (1 - bar[j]) * x) / (1 - bar[i])
        variance = (1 - bar[j]) / (1 - bar[i]) * beta
        x = mean + np.sqrt(variance) * normals(SEED, STREAM, k, ROWS, SIZE)
    return x


def ddim(s, x, levels, eta):
    """Song et al. 2021, equations 12 and 16."""
    for k, (i, j) in enumerate(zip(levels, levels[1:])):
        x0 = denoise(x, i)
        eps = (x - s.alpha[i] * x0) / s.sigma[i]
        std = 0
        if eta:
            a, b = s.alpha[i] ** 2, s.alpha[j] ** 2
            std = eta * np.sqrt((1 - b) / (1 - a)) * np.sqrt(1 - a / b)
        x = s.alpha[j] * x0 + np.sqrt(s.sigma[j] ** 2 - std ** 2) * eps
        x = x + std * normals(SEED, STREAM, k, ROWS, SIZE)
    return x


def dpmpp_2m(s, x, levels, eta):
    """Lu et al. 2022, section 4.2; of first order where a step is infinite in lambda."""
    before, h_before = None, np.inf
    for i, j in zip(levels, levels[1:]):
        x0 = denoise(x, i)
        h = s.lam(j) - s.lam(i)
        d = x0
        if before is not None and np.isfinite(h) and np.isfinite(h_before):
            d = x0 + (x0 - before) / (2 * h_before / h)
        x = s.sigma[j] / s.sigma[i] * x - s.alpha[j] * np.expm1(-h) * d
        before, h_before = x0, h
    return x


def heun(s, x, levels, eta):
    """The integral of exp(lambda) x0, x0 going straight from its first to its second estimate."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    for i, j in zip(levels, levels[1:]):
        first = denoise(x, i)
        h = s.lam(j) - s.lam(i)
        keep, share = s.sigma[j] / s.sigma[i], -s.alpha[j] * np.expm1(-h)
        if j == 0:
            x = keep * x + share * first
            continue
        second = denoise(keep * x + share * first, j)
        if np.isinf(h):
            x = keep * x + share * second
            continue
        at = h * (nodes + 1) / 2
        kernel = weights * h / 2 * np.exp(at - h)
        path = first + (second - first) * (at / h)[:, None, None]
        x = keep * x + s.alpha[j] * np.sum(kernel[:, None, None] * path, 0)
    return x


SAMPLERS = {"dpm++2m": dpmpp_2m, "ddim": ddim, "ddpm": ddpm, "heun": heun}
# sampler, schedule, first level, steps, eta
CASES = [("ddim", "cosine", T, 7, 0), ("ddim", "linear", T, 7, .6), ("ddim", "flow", T, 7, 0),
         ("ddpm", "linear", T, 7, 0), ("ddpm", "cosine", 6, 6, 0), ("dpm++2m", "cosine", T, 7, 0),
         ("dpm++2m", "linear", 990, 9, 0), ("dpm++2m", "flow", T, 7, 0),
         ("heun", "cosine", T, 7, 0), ("heun", "linear", 7, 7, 0), ("heun", "flow", T, 7, 0)]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../tests/golden")
    tensors = {}
    for kind, make in SCHEDULES.items():
        tensors[kind + ".alpha"], tensors[kind + ".sigma"] = make()
    write(os.path.join(folder, "noise.safetensors"), tensors, {})
    tensors, texts = {"x": np.random.RandomState(5).standard_normal((ROWS, SIZE))}, {}
    tensors["x"] = np.float32(tensors["x"])
    for n, (sampler, kind, first, steps, eta) in enumerate(CASES):
        levels = [int(first * (steps - k) / steps + .5) for k in range(steps + 1)]
        x = SAMPLERS[sampler](Schedule(kind), tensors["x"].astype(float), levels, eta)
        tensors[f"{n}.x0"] = x
        texts[f"{n}.p"] = f"{sampler} {kind} {first} {steps} {round(100 * eta)}"
    write(os.path.join(folder, "solver.safetensors"), tensors, texts)


if __name__ == "__main__":
    main()
