"""What `imgen bench` times, in PyTorch: the child process of bench_torch.py.

python3 torch_child.py VARIANT THREADS serves a parent that writes a JSON object a line to its
standard input and reads one a line from its standard output:
  {"prepare": CASE, "batch": N}  -> {"ms": of one run, "parameters": of a model}
  {"go": RUNS}                   -> {"median_ms": of that many runs}
python3 torch_child.py VARIANT THREADS CASE BATCH STEPS [IMAGES.npy] instead makes a model, takes
that many training steps, the first one on the first images of the file, and tells its peak memory.
"""
import json
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

import torch_gan
import torch_unet

SIDE, TIME_FEATURES, WARM_UP = 28, 128, 3
# After torch.compile the first runs still make guards and caches.
WARM_UP_OF_CASE = 10


class Variant:
    """One way to run PyTorch: "eager" or "compile", with " channels_last" or without."""

    def __init__(self, name):
        words = name.split()
        self.compiled = words[0] == "compile"
        self.channels_last = "channels_last" in words

    def layout(self, x):
        """A 4-d tensor, or a module, in the variant's memory format."""
        return x.to(memory_format=torch.channels_last) if self.channels_last else x

    def images_of(self, rows, channels, side):
        """N (C H W) -> N C H W; the features' order is whichever costs no copy."""
        if self.channels_last:
            return rows.view(-1, side, side, channels).permute(0, 3, 1, 2)
        return rows.view(-1, channels, side, side)

    def rows_of(self, images):
        return (images.permute(0, 2, 3, 1) if self.channels_last else images).flatten(1)

    def function(self, f):
        return torch.compile(f, dynamic=False) if self.compiled else f


# ---- the models: models/nets/body.c, models/ae.c, models/vae.c ----

class Body(nn.Module):
    def __init__(self, variant, conv, heads, latent):
        super().__init__()
        hidden = 256 if conv else 400
        spread = 7 * 7 * 16 if conv else SIDE * SIDE
        self.variant, self.conv = variant, conv
        if conv:
            self.down1, self.down2 = nn.Conv2d(1, 32, 4, 2, 1), nn.Conv2d(32, 64, 4, 2, 1)
            self.narrow, self.widen = nn.Conv2d(64, 16, 1), nn.Conv2d(16, 64, 1)
            self.up1 = nn.ConvTranspose2d(64, 32, 4, 2, 1)
            self.up2 = nn.ConvTranspose2d(32, 1, 4, 2, 1)
        self.features = nn.Linear(spread, hidden)
        self.heads = nn.ModuleList(nn.Linear(hidden, latent) for _ in range(heads))
        self.hidden, self.spread = nn.Linear(latent, hidden), nn.Linear(hidden, spread)
        self.latent = latent

    def encode(self, x):
        """N 1 H W -> the heads' N latent"""
        if self.conv:
            x = self.narrow(F.relu(self.down2(F.relu(self.down1(x)))))
        h = F.relu(self.features(self.variant.rows_of(x)))
        return [head(h) for head in self.heads]

    def decode(self, z):
        """N latent -> logits, N 1 H W"""
        x = self.spread(F.relu(self.hidden(z)))
        if not self.conv:
            return x.view(-1, 1, SIDE, SIDE)
        x = F.relu(self.widen(self.variant.images_of(x, 16, 7)))
        return self.up2(F.relu(self.up1(x)))


def ae_loss(model, x):
    code, = model.encode(x)
    return F.mse_loss(torch.sigmoid(model.decode(code)), x)


def vae_loss(model, x):
    mu, logvar = model.encode(x)
    z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
    rec = F.binary_cross_entropy_with_logits(model.decode(z), x, reduction="sum")
    kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum()
    return (rec + kl) / len(x)


SCHEDULE = [s.float() for s in torch_unet.schedule("cosine", torch.float64)]
SAMPLING_STEPS = 20


def ddpm_loss(model, x):
    """models/ddpm.c"""
    levels = torch.randint(1, len(SCHEDULE[0]), (len(x),))
    x0, eps = 2 * x - 1, torch.randn_like(x)
    alpha, sigma = (torch_unet.at(s, levels) for s in SCHEDULE)
    out = model(alpha * x0 + sigma * eps, levels)
    return torch_unet.ddpm_loss(out, x0, eps, alpha, sigma)[0]


GAN = dict(loss="relativistic", r1="5", r2="5", spectral="off", norm="none", latent="64",
           width="32", blocks="1")
GANS = {"gan": GAN,
        "gan-dcgan": {**GAN, "loss": "ns", "r1": "0", "r2": "0", "norm": "batch", "blocks": "0",
                      "width": "64"}}


class Gan(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.settings = GANS[name]
        self.latent = int(self.settings["latent"])
        self.g = torch_gan.Generator(self.settings, SIDE, SIDE, 0)
        self.d = torch_gan.Discriminator(self.settings, SIDE, SIDE, 0)

    def decode(self, z):
        return self.g(z)


def make_model(variant, name):
    kind, _, arch = name.partition("-")
    if kind == "gan":
        return variant.layout(Gan(name)), None
    if kind == "ddpm":
        return variant.layout(torch_unet.UNet(int(arch or 16))), ddpm_loss
    heads, latent = {"ae": (1, 32), "vae": (2, 20)}[kind]
    model = variant.layout(Body(variant, arch == "conv", heads, latent))
    return model, {"ae": ae_loss, "vae": vae_loss}[kind]


# ---- cases: each returns what to run, and the model's parameters or 0 ----

def gan_step(variant, model, x):
    """The discriminator's turn and the generator's, as models/gan.c takes them. torch.compile does
    not differentiate twice, so with penalties only the generator's turn is compiled."""
    settings, g, d = model.settings, model.g, model.d
    d_loss, g_loss = (lambda x, made: torch_gan.discriminator_loss(settings, d, x, made)[0],
                      lambda x, z: torch_gan.generator_loss(settings, d, x, g(z)))
    if not float(settings["r1"]) + float(settings["r2"]):
        d_loss = variant.function(d_loss)
    g_loss, generate = variant.function(g_loss), variant.function(lambda z: g(z))
    turns = [torch.optim.AdamW(m.parameters(), lr=1e-3, fused=True) for m in (d, g)]

    def turn(optimizer, loss, *inputs):
        optimizer.zero_grad()
        loss(*inputs).backward()
        optimizer.step()

    def run():
        with torch.no_grad():
            made = generate(torch.randn(len(x), model.latent))
        d.requires_grad_(True)
        turn(turns[0], d_loss, x, made)
        d.requires_grad_(False)
        turn(turns[1], g_loss, x, torch.randn(len(x), model.latent))

    return run


def training_step(variant, batch, name, x=None):
    model, loss = make_model(variant, name)
    x = variant.layout(torch.rand(batch, 1, SIDE, SIDE) if x is None else x)
    if isinstance(model, Gan):
        return gan_step(variant, model, x), sum(p.numel() for p in model.parameters())
    loss = variant.function(loss)
    # fused: the fastest of the three on a CPU, one pass over each tensor
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

    def run():
        optimizer.zero_grad()
        loss(model, x).backward()
        optimizer.step()

    return run, sum(p.numel() for p in model.parameters())


def sampler(variant, model, count):
    """From noise to images."""
    if not isinstance(model, torch_unet.UNet):
        last = (lambda x: (x + 1) / 2) if isinstance(model, Gan) else torch.sigmoid
        decode = variant.function(lambda z: last(model.decode(z)))
        return lambda: decode(torch.randn(count, model.latent))
    net, (alpha, sigma) = variant.function(model), (s.tolist() for s in SCHEDULE)
    return lambda: torch_unet.sample(net, variant.layout(torch.randn(count, 1, SIDE, SIDE)), alpha,
                                     sigma, SAMPLING_STEPS)


def sampling(variant, batch, name, count):
    model, _ = make_model(variant, name)
    if variant.compiled:
        torch._inductor.config.freezing = True  # weights do not change: packed once for all
        torch._inductor.config.cpp_wrapper = True  # a tenth faster with one image
    draw = sampler(variant, model, int(count))

    def run():
        with torch.no_grad():
            draw()

    return run, sum(p.numel() for p in model.parameters())


def sizes_of(shape):
    height, _, channels = (int(n) for n in shape.split("x"))
    return height, channels


def convolution(variant, batch, shape, part):
    side, channels = sizes_of(shape)
    x = variant.layout(torch.randn(batch, channels, side, side))
    gradient = variant.layout(torch.randn_like(x))
    conv = variant.layout(nn.Conv2d(channels, channels, 3, 1, 1))
    wanted = {"forward": None, "backward-data": [True, False, False],
              "backward-weights": [False, True, True]}[part]

    def backward(gradient, x):
        return torch.ops.aten.convolution_backward(gradient, x, conv.weight, [channels], [1, 1],
                                                   [1, 1], [1, 1], False, [0, 0], 1, wanted)

    f, inputs = (backward, (gradient, x)) if wanted else (conv, (x,))
    f = variant.function(f)

    def run():
        with torch.no_grad():
            f(*inputs)

    return run, 0


def block(variant, batch, shape, part):
    side, channels = sizes_of(shape)
    model = variant.layout(torch_unet.Block(channels, TIME_FEATURES))
    x = variant.layout(torch.randn(batch, channels, side, side)).requires_grad_()
    time_features = torch.randn(batch, TIME_FEATURES, requires_grad=True)
    gradient = variant.layout(torch.randn(batch, channels, side, side))
    wanted = [x, time_features, *model.parameters()]
    forward = variant.function(model)

    def run():
        torch.autograd.grad(forward(x, time_features), wanted, gradient)

    return run, 0


CASES = {"step": training_step, "sample": sampling, "conv3x3": convolution, "block": block}


def make_case(variant, name, batch):
    group, *rest = name.split("/")
    return CASES[group](variant, batch, *rest)


# ---- the process ----

def time_runs(run, count):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def serve(variant, answers):
    run = None
    for line in sys.stdin:
        order = json.loads(line)
        if "prepare" in order:
            run = None
            torch._dynamo.reset()
            torch._inductor.config.freezing = torch._inductor.config.cpp_wrapper = False
            run, parameters = make_case(variant, order["prepare"], order["batch"])
            time_runs(run, WARM_UP_OF_CASE)
            answer = {"ms": time_runs(run, WARM_UP), "parameters": parameters}
        else:
            time_runs(run, WARM_UP)
            answer = {"median_ms": time_runs(run, order["go"])}
        print(json.dumps(answer), file=answers, flush=True)


def first_images(path, batch):
    import numpy
    images = numpy.load(path, mmap_mode="r")[:batch]
    return torch.from_numpy(images.astype(numpy.float32) / 255)[:, None]


def train(variant, answers, case, batch, steps, images=None):
    x = first_images(images, batch) if images else None
    run, _ = training_step(variant, batch, case.split("/")[1], x)
    for _ in range(steps):
        run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak_mib": peak}), file=answers, flush=True)


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    variant = Variant(sys.argv[1])
    torch.set_num_threads(int(sys.argv[2]))
    torch.set_flush_denormal(True)  # threads that start later inherit it
    torch.manual_seed(1)
    if len(sys.argv) == 3:
        serve(variant, answers)
    else:
        case, batch, steps = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
        train(variant, answers, case, batch, steps, *sys.argv[6:])


if __name__ == "__main__":
    main()
