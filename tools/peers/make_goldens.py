#!/usr/bin/env python3
"""Golden values from PyTorch for tests/test_golden.c: python3 tools/peers/make_goldens.py [FOLDER]

Writes tests/golden/OP.safetensors for every op of core/ops.def, and vae.safetensors.
Made with PyTorch 2.13.0 and NumPy, on the CPU. All is computed in float64, from
inputs that are float32, and rounded once, so that the files come out the same byte for byte.

Case i of an op has the tensors i.in0, i.in1, ... in imgen's layouts (images N H W C; convolution
weights Cout kh kw Cin, transposed Cin kh kw Cout), i.out, i.r and, with the loss sum(r out), the
gradients i.grad0, ... of the inputs that have one; the text i.p holds the op's whole numbers as
tests/ops_table.c reads them.
"""
import json
import math
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

EPS = 1e-5  # of norms


# ---- writing: by hand, because the safetensors package orders the metadata by chance ----

def write(path, tensors, texts):
    header, data = {"__metadata__": texts}, b""
    for name, value in tensors.items():
        raw = np.ascontiguousarray(value, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(np.shape(value)),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head + data)


# ---- imgen's random numbers (core/rng.c): Philox4x32-10, Salmon et al. 2011 ----

def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def normals(seed, stream, step, rows, count):
    """Rows of standard normals by Box-Muller, as ig_rng_normal draws them."""
    out = np.empty((rows, (count + 3) // 4 * 4))
    for row in range(rows):
        for i in range(0, count, 4):
            bits = philox((i // 4, row, step, stream), (seed, 0))
            u = [(b >> 8) * 2.0 ** -24 for b in bits]
            for j in (0, 2):
                radius, angle = np.sqrt(-2 * np.log(1 - u[j])), 2 * np.pi * u[j + 1]
                out[row, i + j: i + j + 2] = radius * np.cos(angle), radius * np.sin(angle)
    return np.float32(out[:, :count])


# ---- ops: each takes float64 tensors in imgen's layout ----

def to_torch(x):
    return x.permute(0, 3, 1, 2)  # N H W C -> N C H W


def to_imgen(x):
    return x.permute(0, 2, 3, 1)


def label(n, count):
    return torch.tensor([(7 * i + 3) % count for i in range(n)])


def conv2d(x, w, b, stride, pad):
    return to_imgen(F.conv2d(to_torch(x), to_torch(w), b, stride, pad))


def conv2d_transposed(x, w, b, stride, pad, height, width):
    least = [(x.shape[1 + i] - 1) * stride - 2 * pad + w.shape[1 + i] for i in (0, 1)]
    more = (height - least[0], width - least[1])
    return to_imgen(F.conv_transpose2d(to_torch(x), to_torch(w), b, stride, pad, more))


def batchnorm(x, scale, shift, mean, var, training):
    y = F.batch_norm(x.movedim(-1, 1), mean.detach().clone(), var.detach().clone(), scale, shift,
                     bool(training), 0.0, EPS)
    return y.movedim(1, -1)


def groupnorm(x, w, b, groups):
    return to_imgen(F.group_norm(to_torch(x), groups, w, b, EPS))


def groupnorm_silu_conv2d(x, scale, shift, w, b, to, groups, stride, pad):
    return conv2d(F.silu(groupnorm(x, scale, shift, groups)), w, b, stride, pad) + to


def groupnorm_film_silu_conv2d(x, film, w, b, to, groups, stride, pad):
    scale, shift = film[:, None, None].chunk(2, -1)
    one = torch.ones(x.shape[-1]).double()
    h = F.silu((1 + scale) * groupnorm(x, one, 0 * one, groups) + shift)
    return conv2d(h, w, b, stride, pad) + to


def attention(x, w, b, wo, bo, heads):
    positions = x.flatten(1, -2).transpose(0, 1)  # L N C
    y, _ = F.multi_head_attention_forward(
        positions, positions, positions, x.shape[-1], heads, w, b, None, None, False, 0.0, wo, bo,
        need_weights=False)
    return y.transpose(0, 1).reshape(x.shape)


def normal(mu, logvar):
    return torch.distributions.Normal(mu, torch.exp(logvar / 2))


def kl_normal(mu, logvar):
    unit = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    return torch.distributions.kl_divergence(normal(mu, logvar), unit).sum() / mu.shape[0]


def reparam(mu, logvar):
    return mu + normal(mu, logvar).scale * torch.tensor(normals(5, 3, 2, *mu.shape)).double()


def bce_logits(x, t):
    return F.binary_cross_entropy_with_logits(x, t, reduction="sum") / x.shape[0]


def spectral_norm(w, u):
    rows = w.flatten(1)
    v = F.normalize(rows.detach().T @ u, dim=0)
    return w / torch.dot(u, rows @ v)


def broadcast(b, a):
    return b[:, None, None, :] if a.dim() == 4 and b.dim() == 2 else b


# Kinds of inputs without a gradient; None: a normal one with its gradient.
STOPPED, POSITIVE, UNIT = "stopped", "positive", "in [0,1]"

# op: (function, [(shapes, settings)], kinds of the inputs)
IMAGE = (2, 5, 4, 3)
CONV = [([IMAGE, (4, 3, 3, 3), (4,)], (1, 1)), ([(2, 6, 7, 2), (3, 4, 4, 2), (3,)], (2, 1)),
        ([(1, 9, 7, 1), (2, 5, 5, 1), (2,)], (3, 2)), ([IMAGE, (2, 1, 1, 3), (2,)], (1, 0))]
TRANSPOSED = [([IMAGE, (3, 3, 3, 4), (4,)], (1, 1, 5, 4)),
              ([(2, 3, 4, 2), (2, 4, 4, 3), (3,)], (2, 1, 6, 8)),
              ([(2, 3, 4, 2), (2, 3, 3, 3), (3,)], (2, 1, 5, 8)),
              ([(1, 2, 3, 1), (1, 5, 5, 2), (2,)], (3, 2, 5, 8))]
UNARY = [([IMAGE], ())]
PAIR = [([IMAGE, IMAGE], ())]
BROADCAST = PAIR + [([IMAGE, (5, 4, 3)], ()), ([IMAGE, (2, 3)], ())]
NORM = [([(2, 5, 4, 6), (6,), (6,)], (3,)), ([(2, 5, 4, 6), (6,), (6,)], (1,))]
NORMED = [((2, 5, 4, 6), (3, 4, 4, 6), (2, 2, 2, 3), (3, 2, 1)),
          ((8, 5, 3, 16), (16, 3, 3, 16), (8, 5, 3, 16), (4, 1, 1))]
BATCH = [([IMAGE] + [(3,)] * 4, (training,)) for training in (1, 0)]
BATCH_KINDS = [None, None, None, STOPPED, POSITIVE]
ATTENTION = [([(2, 5, 6), (18, 6), (18,), (6, 6), (6,)], (2,)),
             ([(2, 3, 2, 4), (12, 4), (12,), (4, 4), (4,)], (1,))]

OPS = {
    "linear": (lambda x, w, b: F.linear(x.flatten(1), w, b), [([IMAGE, (7, 60), (7,)], ())]),
    "conv2d": (conv2d, CONV),
    "conv2d_transposed": (conv2d_transposed, TRANSPOSED),
    "upsample": (lambda x, f: to_imgen(F.interpolate(to_torch(x), scale_factor=f)),
                 [([IMAGE], (2,)), ([(1, 2, 3, 1)], (3,))]),
    "avgpool": (lambda x, f: to_imgen(F.avg_pool2d(to_torch(x), f)),
                [([(2, 4, 6, 3)], (2,)), ([(1, 3, 6, 1)], (3,))]),
    "groupnorm": (groupnorm, NORM),
    "groupnorm_silu": (lambda *args: F.silu(groupnorm(*args)), NORM),
    "groupnorm_silu_conv2d": (groupnorm_silu_conv2d, [
        ([x, x[-1:], x[-1:], w, w[:1], y], p) for x, w, y, p in NORMED]),
    "groupnorm_film_silu_conv2d": (groupnorm_film_silu_conv2d, [
        ([x, (x[0], 2 * x[-1]), w, w[:1], y], p) for x, w, y, p in NORMED]),
    "layernorm": (lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, EPS),
                  [([(2, 5, 7), (7,), (7,)], ())]),
    "batchnorm": (batchnorm, BATCH, BATCH_KINDS),
    "batchnorm_leaky_relu": (
        lambda *args: F.leaky_relu(batchnorm(*args[:-1]), args[-1] / 64),
        [(shapes, (training, 13)) for shapes, (training,) in BATCH], BATCH_KINDS),
    "add": (lambda a, b: a + broadcast(b, a), BROADCAST),
    "mul": (lambda a, b: a * broadcast(b, a), BROADCAST),
    "scale": (lambda x, eighths: x * (eighths / 8), [([IMAGE], (-3,))]),
    "relu": (F.relu, UNARY),
    "leaky_relu": (lambda x, sixtyfourths: F.leaky_relu(x, sixtyfourths / 64), [([IMAGE], (13,))]),
    "leaky_relu_tangent": (
        lambda x, at, sixtyfourths: torch.where(at > 0, x, sixtyfourths / 64 * x),
        [([IMAGE, IMAGE], (13,))], [None, STOPPED]),
    "silu": (F.silu, UNARY),
    "tanh": (torch.tanh, UNARY),
    "sigmoid": (torch.sigmoid, UNARY),
    "softplus": (F.softplus, UNARY),
    "concat": (lambda a, b: torch.cat((a, b), -1), [([IMAGE, (2, 5, 4, 2)], ())]),
    "slice": (lambda x, first, count: x[..., first:first + count], [([IMAGE], (1, 2))]),
    "rows": (lambda x, first, count: x[first:first + count], [([(5, 4, 3)], (1, 2))]),
    "spectral_norm": (spectral_norm, [([(5, 7), (5,)], ()), ([(4, 3, 3, 2), (4,)], ())],
                      [None, STOPPED]),
    "reshape": (lambda x, *d: x.reshape(x.shape[0], *d), [([IMAGE], (10, 6))]),
    "detach": (lambda x: x.detach(), UNARY, [STOPPED]),
    "softmax": (lambda x: F.softmax(x, -1), [([(3, 4, 7)], ())]),
    "attention": (attention, ATTENTION),
    "embedding": (lambda table, n: F.embedding(label(n, table.shape[0]), table),
                  [([(5, 7)], (13,))]),
    "mean": (torch.mean, UNARY),
    "mse": (F.mse_loss, PAIR, [None, STOPPED]),
    "l1": (F.l1_loss, PAIR, [None, STOPPED]),
    "bce_logits": (bce_logits, PAIR, [None, UNIT]),
    "cross_entropy": (lambda x: F.cross_entropy(x, label(*x.shape)), [([(5, 7)], ())]),
    "log_mean_exp": (lambda x, k: torch.logsumexp(x.flatten(1).sum(1).view(-1, k), 1) - math.log(k),
                     [([(6, 5, 2)], (3,))]),
    "kl_normal": (kl_normal, [([(3, 5), (3, 5)], ())]),
    "reparam": (reparam, [([(3, 5), (3, 5)], ())]),
}


def draw(random, shape, kind):
    if kind == UNIT:
        return np.float32(random.random_sample(shape))
    if kind == POSITIVE:
        return np.float32(random.random_sample(shape) + 0.5)
    return np.float32(random.standard_normal(shape))


def op_case(random, function, shapes, settings, kinds):
    values = [draw(random, shape, kind) for shape, kind in zip(shapes, kinds)]
    inputs = [torch.tensor(v, dtype=torch.float64, requires_grad=kind is None)
              for v, kind in zip(values, kinds)]
    out = function(*inputs, *settings)
    r = draw(random, tuple(out.shape), None)
    tensors = {f"in{i}": v for i, v in enumerate(values)}
    tensors.update(out=out.detach().numpy(), r=r)
    if out.requires_grad:
        (out * torch.tensor(r).double()).sum().backward()
        tensors.update({f"grad{i}": x.grad.numpy() for i, x in enumerate(inputs)
                        if x.requires_grad})
    return tensors


def make_op(folder, name, function, cases, kinds=(None,) * 6):
    random = np.random.RandomState(sum(name.encode()))
    tensors, texts = {}, {"made": f"PyTorch {torch.__version__.split('+')[0]}"}
    for i, (shapes, settings) in enumerate(cases):
        case = op_case(random, function, shapes, settings, kinds)
        tensors.update({f"{i}.{key}": value for key, value in case.items()})
        texts[f"{i}.p"] = " ".join(map(str, settings))
    write(os.path.join(folder, name + ".safetensors"), tensors, texts)


# ---- a whole VAE: 49-24-5-24-49, the loss in nats per image ----

LAYERS = {"fc1": (24, 49), "mu": (5, 24), "logvar": (5, 24), "fc2": (24, 5), "fc3": (49, 24)}


def make_vae(folder):
    random = np.random.RandomState(49245)
    values = {}
    for name, (out, inner) in LAYERS.items():
        values[name + ".weight"] = np.float32(random.standard_normal((out, inner)) / inner ** 0.5)
        values[name + ".bias"] = np.float32(random.standard_normal(out) * 0.1)
    images, eps = np.float32(random.random_sample((6, 49))), normals(11, 3, 4, 6, 5)
    p = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in values.items()}

    def layer(name, x):
        return F.linear(x, p[name + ".weight"], p[name + ".bias"])

    x = torch.tensor(images).double()
    hidden = F.relu(layer("fc1", x))
    mu, logvar = layer("mu", hidden), layer("logvar", hidden)
    z = mu + torch.exp(logvar / 2) * torch.tensor(eps).double()
    rec = bce_logits(layer("fc3", F.relu(layer("fc2", z))), x)
    kl = -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp()) / x.shape[0]
    (rec + kl).backward()
    tensors = dict(values, images=images, eps=eps, rec=[rec.item()], kl=[kl.item()],
                   loss=[rec.item() + kl.item()])
    tensors.update({k + ".grad": v.grad.numpy() for k, v in p.items()})
    write(os.path.join(folder, "vae.safetensors"), tensors, {})


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../tests/golden")
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    for name, row in OPS.items():
        make_op(folder, name, *row)
    make_vae(folder)


if __name__ == "__main__":
    main()
