"""The GAN of models/gan.c and models/nets/dcgan.c in PyTorch: plain modules, and its losses with
penalties differentiated twice. Settings are those of `imgen train gan --set`, as text."""
import torch
import torch.nn.functional as F
from torch import nn

SLOPE, GP_WEIGHT = 0.2, 10


class Block(nn.Module):
    """x + conv(act(conv(act(x))))"""

    def __init__(self, channels):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, 1, 1) for _ in range(2))
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, SLOPE)), SLOPE))


def blocks(settings, channels):
    return nn.Sequential(*(Block(channels) for _ in range(int(settings["blocks"]))))


class Generator(nn.Module):
    """N inputs -> N 1 H W, pixels in [-1,1]"""

    def __init__(self, settings, height, width, classes):
        super().__init__()
        self.shape, channels = (height // 4, width // 4), int(settings["width"])
        inputs = int(settings["latent"]) + classes
        self.spread = nn.Linear(inputs, self.shape[0] * self.shape[1] * 2 * channels)
        self.blocks = blocks(settings, 2 * channels)
        self.up1 = nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1)
        self.up2 = nn.ConvTranspose2d(channels, 1, 4, 2, 1)
        norm = nn.BatchNorm2d if settings["norm"] == "batch" else nn.Identity
        self.norm1, self.norm2 = norm(2 * channels), norm(channels)

    def forward(self, z, y=None):
        x = self.spread(z if y is None else torch.cat((z, y), 1))
        x = x.unflatten(1, (*self.shape, -1)).permute(0, 3, 1, 2)  # imgen's order of features
        x = self.up1(F.leaky_relu(self.norm1(self.blocks(x)), SLOPE))
        return torch.tanh(self.up2(F.leaky_relu(self.norm2(x), SLOPE)))


class Discriminator(nn.Module):
    """N 1 H W -> N 1"""

    def __init__(self, settings, height, width, classes):
        super().__init__()
        channels = int(settings["width"])
        features = (height // 4) * (width // 4) * 2 * channels
        self.down1 = nn.Conv2d(1, channels, 4, 2, 1)
        self.down2 = nn.Conv2d(channels, 2 * channels, 4, 2, 1)
        self.blocks = blocks(settings, 2 * channels)
        self.score = nn.Linear(features, 1)
        self.project = nn.Linear(features, classes, bias=False) if classes else None
        if settings["spectral"] == "on":
            for layer in list(self.modules()):
                if hasattr(layer, "weight"):
                    nn.utils.spectral_norm(layer)

    def forward(self, x, y=None):
        x = F.leaky_relu(self.down1(x), SLOPE)
        x = F.leaky_relu(self.blocks(self.down2(x)), SLOPE).permute(0, 2, 3, 1).flatten(1)
        score = self.score(x)
        return score if y is None else score + (self.project(x) * y).sum(1, keepdim=True)


def gradients(d, x, y):
    """Of the scores to the images; they can be differentiated again.  -> x's shape"""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(d(x, y).sum(), x, create_graph=True)[0]


def squared_norms(v):
    return v.square().flatten(1).sum(1)


def discriminator_loss(settings, d, x, made, y=None, mix=None):
    """The loss and its penalties. x, made: N 1 H W in [-1,1], y: N classes, mix: N in [0,1)"""
    n, kind = len(x), settings["loss"]
    scores = d(torch.cat((x, made)), None if y is None else torch.cat((y, y)))
    real, fake = scores[:n], scores[n:]
    loss = {"ns": lambda: F.softplus(-real).mean() + F.softplus(fake).mean(),
            "hinge": lambda: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
            "wgan-gp": lambda: fake.mean() - real.mean(),
            "relativistic": lambda: F.softplus(fake - real).mean()}[kind]()
    penalties = {}
    if kind == "wgan-gp":
        e = mix.view(-1, 1, 1, 1)
        length = squared_norms(gradients(d, e * x + (1 - e) * made, y)).sqrt()
        penalties["gp"] = GP_WEIGHT * (length - 1).square().mean()
    else:
        for name, images in (("r1", x), ("r2", made)):
            if float(settings[name]) > 0:
                squares = squared_norms(gradients(d, images, y))
                penalties[name] = float(settings[name]) / 2 * squares.mean()
    return loss + sum(penalties.values()), penalties


def generator_loss(settings, d, x, made, y=None):
    fake = d(made, y)
    if settings["loss"] == "relativistic":
        return F.softplus(d(x, y) - fake).mean()
    return F.softplus(-fake).mean() if settings["loss"] == "ns" else -fake.mean()
