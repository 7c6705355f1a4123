"""The U-Net of imgen's diffusion models (models/nets/unet.c) and their losses (models/ddpm.c,
models/flow.c) in PyTorch. Parameters have the same names; images are N 1 H W."""
import math

import torch
import torch.nn.functional as F
from torch import nn

from make_diffusion_goldens import SCHEDULES, T

LEVELS, GROUPS, FREQUENCIES, HEADS, GAMMA = 3, 8, 32, 4, 5


class Block(nn.Module):
    def __init__(self, channels, embedding):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.film = nn.Linear(embedding, 2 * channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x, e):
        h = self.conv1(F.silu(self.norm(x)))
        scale, shift = self.film(e)[:, :, None, None].chunk(2, 1)
        h = F.silu((1 + scale) * F.group_norm(h, GROUPS) + shift)
        return x + self.conv2(h)


class Blocks(nn.Module):
    """The blocks of a level, and the way to the one below or from it."""

    def __init__(self, width, level, depth, **step):
        super().__init__()
        self.depth = depth
        for i in range(depth):
            self.add_module(f"block{i}", Block(width << level, 4 * width))
        for name, layer in step.items():
            self.add_module(name, layer)

    def forward(self, x, e):
        for i in range(self.depth):
            x = getattr(self, f"block{i}")(x, e)
        return x


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        n, c, height, width = x.shape
        rows = self.norm(x).flatten(2).transpose(1, 2)  # N L C
        q, k, v = (t.unflatten(2, (HEADS, c // HEADS)).transpose(1, 2)
                   for t in self.qkv(rows).chunk(3, 2))
        rows = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return x + self.out(rows).transpose(1, 2).reshape(n, c, height, width)


class UNet(nn.Module):
    def __init__(self, width=16, depth=1, attention=True, classes=0):
        super().__init__()
        size = 4 * width
        self.time1, self.time2 = nn.Linear(2 * FREQUENCIES, size), nn.Linear(size, size)
        self.label = nn.Linear(classes, size) if classes else None
        self.first = nn.Conv2d(1, width, 3, 1, 1)
        for level in range(LEVELS):
            c, step = width << level, level + 1 < LEVELS
            self.add_module(f"down{level}", Blocks(
                width, level, depth, **({"shrink": nn.Conv2d(c, 2 * c, 2, 2)} if step else {})))
            self.add_module(f"up{level}", Blocks(
                width, level, depth,
                **({"grow": nn.ConvTranspose2d(2 * c, c, 2, 2)} if step else {})))
        self.attention = Attention(width << LEVELS - 1) if attention else None
        self.last_norm = nn.GroupNorm(GROUPS, width)
        self.last = nn.Conv2d(width, 1, 3, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        exponents = torch.arange(FREQUENCIES, dtype=torch.float64) / (FREQUENCIES - 1)
        self.register_buffer("frequencies", torch.exp(-math.log(10000) * exponents),
                             persistent=False)

    def embed(self, levels, y):
        angles = levels[:, None] * self.frequencies
        waves = torch.cat([angles.sin(), angles.cos()], 1).to(self.time1.weight.dtype)
        e = self.time2(F.silu(self.time1(waves)))
        return F.silu(e if y is None else e + self.label(y))

    def forward(self, x, levels, y=None):
        e = self.embed(levels, y)
        x, skips = self.first(x), []
        for down in (self.down0, self.down1):
            x = down(x, e)
            skips.append(x)
            x = down.shrink(x)
        x = self.down2(x, e)
        if self.attention:
            x = self.attention(x)
        x = self.up2(x, e)
        for up, skip in ((self.up1, skips[1]), (self.up0, skips[0])):
            x = up(up.grow(x, output_size=skip.shape) + skip, e)
        return self.last(F.silu(self.last_norm(x)))


# ---- what is learned ----

def schedule(kind, dtype):
    return (torch.tensor(values, dtype=dtype) for values in SCHEDULES[kind]())


def at(values, levels):
    return values[levels][:, None, None, None]


def ddpm_loss(out, x0, eps, alpha, sigma, predict="v", weight="plain"):
    """The loss and the plain error, mean over pixels, of what the network said of alpha x0 + sigma
    eps; alpha and sigma: N 1 1 1."""
    truth = {"eps": eps, "x0": x0, "v": alpha * eps - sigma * x0}[predict]
    error = (out - truth) ** 2
    if weight == "plain":
        return error.mean(), error.mean()
    snr = alpha ** 2 / sigma ** 2
    scale = snr.clamp(max=GAMMA) / {"eps": snr, "x0": 1, "v": snr + 1}[predict]
    return (scale * error).mean(), error.mean()


def sample(net, x, alpha, sigma, steps):
    """DPM-Solver++(2M) of a v-prediction from noise x, as models/solver.c: steps evenly spread over
    the levels, the estimates of x_0 clipped, the last step of first order."""
    levels = [round(T * (steps - k) / steps) for k in range(steps + 1)]
    before = h_before = None
    for i, j in zip(levels, levels[1:]):
        x0 = (alpha[i] * x - sigma[i] * net(x, torch.full((len(x),), i))).clamp(-1, 1)
        h = math.log(alpha[j] / sigma[j] * sigma[i] / alpha[i]) if j else math.inf
        d = x0 if before is None or not j else x0 + (x0 - before) * (h / (2 * h_before))
        keep = sigma[j] / sigma[i]
        x = keep * x + (alpha[j] - keep * alpha[i]) * d
        before, h_before = x0, h
    return (x + 1) / 2


def flow_loss(out, x0, eps):
    return F.mse_loss(out, eps - x0)
