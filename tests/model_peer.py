"""The loss and all gradients of imgen's models, computed again by PyTorch in float64 from the same
weights, images and noise.

usage: model_peer.py PEER, the program built from model_peer.c. Exit status 77: skipped.
"""

import math
import pathlib
import subprocess
import sys
import tempfile

try:
    import safetensors
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(f"skipped: {error}: needs PyTorch and Python's safetensors")
    sys.exit(77)

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tools/peers"))
import torch_unet

# What is compared must agree within this part of its tensor's largest absolute value.
BOUND = 1e-5
UNET_BOUND = 5e-5  # F(7x7,3x3) rounds more: 2.1e-5 is seen
# So near to 0 rounding (of float32, by Winograd) decides whether a relu passes its gradient: both are
# right.
KINK = 2e-6
CASES = [
    ["vae", "arch=mlp"],
    ["vae"],
    ["vae", "arch=mlp", "likelihood=gaussian"],
    ["vae", "likelihood=gaussian", "sigma=0.3", "latent=3"],
    ["vae", "arch=mlp", "binarize=dynamic", "beta=0.25"],
    ["vae", "arch=mlp", "k=3"],
    ["vae", "arch=mlp", "objective=iwae", "k=5"],
    ["vae", "objective=iwae", "k=3", "binarize=dynamic", "labels=on"],
    ["vae", "arch=mlp", "objective=iwae", "k=3", "likelihood=gaussian", "sigma=0.5"],
    ["ae"],
    ["ae", "arch=mlp"],
    ["vae", "labels=on"],
    ["ae", "arch=mlp", "labels=on"],
    ["ddpm", "weight=min-snr"],
    ["ddpm", "depth=2", "predict=eps", "schedule=linear", "labels=on"],
    ["ddpm", "predict=x0", "attention=off"],
    ["flow", "labels=on", "drop=0.5"],
]


class Model:
    """imgen's weights in PyTorch: images N H W C, convolutions Cout kh kw Cin, transposed ones Cin
    kh kw Cout, so that both become PyTorch's by moving the last dimension to second place."""

    def __init__(self, settings, values, labels, passing):
        self.settings = settings
        self.labels = labels
        self.values = values
        self.passing = passing  # of the values at a kink, counted as they come, the one that passes
        self.kinks = 0

    def relu(self, x):
        slope = (x > KINK).double()
        at_kink = (x.abs() < KINK).nonzero()
        if 0 <= self.passing - self.kinks < len(at_kink):
            slope[tuple(at_kink[self.passing - self.kinks])] = 1
        self.kinks += len(at_kink)
        return x * slope

    def layer(self, name):
        return self.values[name + ".weight"], self.values[name + ".bias"]

    def linear(self, name, x):
        return F.linear(x, *self.layer(name))

    def mix(self, name, x):
        weight, bias = self.layer(name)
        return F.conv2d(x, weight.movedim(3, 1), bias)

    def halve(self, name, x):
        weight, bias = self.layer(name)
        return F.conv2d(x, weight.movedim(3, 1), bias, stride=2, padding=1)

    def double(self, name, x):
        weight, bias = self.layer(name)
        return F.conv_transpose2d(x, weight.movedim(3, 1), bias, stride=2, padding=1)

    def features(self, x):
        if self.settings["arch"] == "conv":
            x = x.movedim(3, 1)
            x = self.relu(self.halve("encoder.down1", x))
            x = self.relu(self.halve("encoder.down2", x))
            x = self.mix("encoder.narrow", x).movedim(1, 3)
        return self.relu(self.linear("encoder.hidden", x.flatten(1)))

    def logits(self, z):
        if self.settings["labels"] == "on":
            z = torch.cat([z, F.one_hot(self.labels.long(), 10)], 1)
        x = self.linear("decoder.spread", self.relu(self.linear("decoder.hidden", z)))
        if self.settings["arch"] == "mlp":
            return x.view(-1, 28, 28, 1)
        x = self.relu(self.mix("decoder.widen", x.view(-1, 7, 7, 16).movedim(3, 1)))
        x = self.relu(self.double("decoder.up1", x))
        return self.double("decoder.up2", x).movedim(1, 3)


def ae_loss(model, images, noise):
    code = model.linear("encoder.code", model.features(images))
    mse = F.mse_loss(torch.sigmoid(model.logits(code)), images)
    return mse, {"mse": mse}


def vae_loss(model, images, noise):
    settings = model.settings
    if settings["binarize"] == "dynamic":
        images = (noise["pixels"] < images).double()
    features = model.features(images)
    mu, logvar = model.linear("encoder.mu", features), model.linear("encoder.logvar", features)
    eps = noise["z"].view(len(images), int(settings["k"]), -1)  # images, draws, latent
    z = mu[:, None] + eps * torch.exp(logvar / 2)[:, None]
    logits = torch.stack([model.logits(z[:, j]) for j in range(z.shape[1])], 1)
    if settings["likelihood"] == "bernoulli":
        pixel = torch.distributions.Bernoulli(logits=logits, validate_args=False)
    else:
        pixel = torch.distributions.Normal(torch.sigmoid(logits), float(settings["sigma"]))
    rec = pixel.log_prob(images[:, None]).sum((2, 3, 4))
    if settings["objective"] == "iwae":
        prior = torch.distributions.Normal(0, 1).log_prob(z).sum(2)
        posterior = torch.distributions.Normal(mu, torch.exp(logvar / 2)).log_prob(
            z.transpose(0, 1)).sum(2).T
        weights = rec + prior - posterior
        bound = torch.logsumexp(weights, 1) - math.log(weights.shape[1])
        return -bound.mean(), {"elbo": -weights.mean()}
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
    return float(settings["beta"]) * kl - rec.mean(), {"rec": -rec.mean(), "kl": kl}


def unet_loss(model, images, noise):
    """Of the DDPM and of flow matching, from the numbers that models/nets/diffuser.c draws."""
    settings = model.settings
    labels = settings["labels"] == "on"
    net = torch_unet.UNet(int(settings["width"]), int(settings["depth"]),
                          settings["attention"] == "on", 10 * labels).double()
    rows = torch.arange(len(images), dtype=torch.float64)
    places = noise["pixels"].flatten()[0] + rows * 0.61803398874989485
    levels = 1 + (1000 * places.frac()).long()
    y = F.one_hot(model.labels.long(), 10) * (noise["mix"] >= float(settings["drop"]))[:, None]
    x0, eps = (2 * images - 1).movedim(3, 1), noise["z"].view(-1, 1, 28, 28)
    kind = settings.get("schedule", "flow")
    alpha, sigma = (torch_unet.at(s, levels) for s in torch_unet.schedule(kind, torch.float64))
    values = {k: v.movedim(3, 1) if v.dim() == 4 else v for k, v in model.values.items()}
    out = torch.func.functional_call(net, values, (
        alpha * x0 + sigma * eps, levels, y.double() if labels else None))
    if settings["model"] == "flow":
        loss = mse = torch_unet.flow_loss(out, x0, eps)
    else:
        loss, mse = torch_unet.ddpm_loss(out, x0, eps, alpha, sigma, settings["predict"],
                                         settings["weight"])
    return loss, {"mse": mse}


def read(path):
    """Texts, and tensors in float64, in groups by what their names have before the first dot."""
    groups = {"": {}, "value": {}, "grad": {}, "noise": {}, "term": {}}
    with safetensors.safe_open(path, framework="pt") as file:
        for name in file.keys():
            group, _, rest = name.partition(".") if "." in name else ("", "", name)
            groups[group][rest] = file.get_tensor(name).double()
        return file.metadata(), groups


def run(settings, saved, passing=-1):
    """The loss and its terms, every gradient, and how many values are at a relu's kink."""
    values = {name: value.clone().requires_grad_() for name, value in saved["value"].items()}
    loss_of = {"ae": ae_loss, "vae": vae_loss, "ddpm": unet_loss, "flow": unet_loss}[settings["model"]]
    model = Model(settings, values, saved[""]["labels"], passing)
    loss, terms = loss_of(model, saved[""]["images"], saved["noise"])
    loss.backward()
    losses = {name: term.detach().view(1) for name, term in {"loss": loss, **terms}.items()}
    return losses, {name: value.grad for name, value in values.items()}, model.kinks


def difference(ours, theirs, either=0.0, scale=0.0):
    """The largest difference beyond `either`, as a part of the tensor's largest value, or of `scale`
    where that is larger."""
    assert ours.shape == theirs.shape and ours.isfinite().all() and theirs.any(), (ours, theirs)
    beyond = ((ours - theirs).abs() - either).clamp(min=0)
    return (beyond.max() / max(theirs.abs().max(), scale)).item()


def compare(path):
    """Differences by name, of the loss, its terms and every gradient."""
    settings, saved = read(path)
    losses, gradients, kinks = run(settings, saved)
    others = [run(settings, saved, kink)[1] for kink in range(kinks)]
    reported = {"loss": saved[""]["loss"], **saved["term"]}
    assert reported.keys() == losses.keys() and saved["grad"].keys() == gradients.keys()
    found = {name: difference(reported[name], loss) for name, loss in losses.items()}
    for name, theirs in gradients.items():
        either = sum((theirs - other[name]).abs() for other in others)
        # A bias's gradient is a sum over pixels that may cancel: its layer tells the scale.
        weight = gradients.get(name.removesuffix("bias") + "weight", theirs)
        found[f"gradient of {name}"] = difference(saved["grad"][name], theirs, either,
                                                  weight.abs().max())
    return found


def main():
    failures = 0
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "loss.safetensors"
        for case in CASES:
            subprocess.run([sys.argv[1], path, *case], check=True)
            found = compare(path)
            worst = max(found, key=found.get)
            gradients = len([name for name in found if name.startswith("gradient")])
            print(f"{' '.join(case)}: loss off by {found['loss']:.1e}, of {gradients} gradients and"
                  f" all terms at most {found[worst]:.1e} ({worst})")
            failures += found[worst] > (UNET_BOUND if case[0] in ("ddpm", "flow") else BOUND)
    print(f"PyTorch {torch.__version__}: {failures} of {len(CASES)} differ by more than {BOUND}"
          f" (U-Nets: {UNET_BOUND})")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
