"""The GAN's losses and all gradients of both phases, computed again by PyTorch in float64, which
differentiates its penalties twice.

usage: gan_peer.py PEER, the program built from model_peer.c. Exit status 77: skipped.
"""

import pathlib
import re
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
import torch_gan

# What is compared must agree within this part of its tensor's largest absolute value.
BOUND = 1e-5
PREFIXES = "discriminator.", "generator."  # of the parameters that learn in each phase
CASES = [
    ["loss=relativistic"],
    ["loss=relativistic", "blocks=2"],
    ["loss=relativistic", "r1=0.5", "r2=0.1", "labels=on"],
    ["loss=relativistic", "r1=0", "r2=0"],
    ["loss=ns", "r1=2", "r2=0", "norm=batch"],
    ["loss=ns", "r1=1", "r2=0", "spectral=on", "labels=on", "blocks=1"],
    ["loss=hinge", "r1=0", "r2=0", "blocks=0"],
    ["loss=hinge", "r1=1", "r2=3", "spectral=on"],
    ["loss=wgan-gp"],
    ["loss=wgan-gp", "norm=batch", "labels=on"],
]


def read(path):
    groups = {"": {}, "value": {}, "grad": {}, "noise": {}, "term": {}}
    with safetensors.safe_open(path, framework="pt") as file:
        for name in file.keys():
            group, _, rest = name.partition(".") if "." in name else ("", "", name)
            groups[group][rest] = file.get_tensor(name).double()
        return file.metadata(), groups


def to_torch(x):
    """Weights of convolutions: the channels of the other side become the second dimension."""
    return x.movedim(3, 1) if x.dim() == 4 else x


def torch_name(name):
    """block1.first -> blocks.0.first"""
    return re.sub(r"^block(\d)", lambda m: f"blocks.{int(m[1]) - 1}", name)


def load(module, prefix, values):
    state = {}
    for name, value in values.items():
        if name.startswith(prefix):
            state[torch_name(name.removeprefix(prefix))] = to_torch(value)
    for name in [n for n in state if n.endswith("_u")]:  # a weight under a spectral norm
        weight = state[name[:-2] + "_orig"] = state.pop(name[:-2])
        state[name[:-2] + "_v"] = F.normalize(weight.flatten(1).T @ state[name], dim=0)
    for name, value in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = value
    module.load_state_dict(state)
    return module


def losses_of(settings, saved, phase):
    """The loss, its penalties, and the network that learns."""
    classes = 10 if settings["labels"] == "on" else 0
    g = torch_gan.Generator(settings, 28, 28, classes).double()
    d = torch_gan.Discriminator(settings, 28, 28, classes).double()
    load(g, "generator.", saved["value"])
    load(d, "discriminator.", saved["value"])
    x = 2 * saved[""]["images"].movedim(3, 1) - 1
    y = F.one_hot(saved[""]["labels"].long(), 10).double() if classes else None
    if phase == 0:
        d(x, y)  # a step of the power iteration
    d.eval()  # and no more of them
    if phase:
        loss = torch_gan.generator_loss(settings, d, x, g(saved["noise"]["z2"], y), y)
        return loss, {}, g
    made = g(saved["noise"]["z"], y).detach()
    mix = saved["noise"]["mix"]
    return *torch_gan.discriminator_loss(settings, d, x, made, y, mix), d


def difference(ours, theirs):
    assert ours.shape == theirs.shape and ours.isfinite().all() and theirs.any(), (ours, theirs)
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def run(settings, saved, phase):
    """The loss and its penalties, and every gradient by imgen's name in PyTorch's layout."""
    loss, terms, module = losses_of(settings, saved, phase)
    loss.backward()
    losses = {name: term.detach().view(1) for name, term in {"loss": loss, **terms}.items()}
    grads = {n.removesuffix("_orig"): p.grad for n, p in module.named_parameters()}
    prefix = PREFIXES[phase]
    names = [n for n in saved["value"] if n.startswith(prefix)
             and not n.endswith(("_u", "running_mean", "running_var"))]
    assert sorted(torch_name(n.removeprefix(prefix)) for n in names) == sorted(grads)
    return losses, {n: grads[torch_name(n.removeprefix(prefix))] for n in names}


def compare(path, phase):
    settings, saved = read(path)
    losses, theirs = run(settings, saved, phase)
    reported = {"loss": saved[""]["loss"], **saved["term"]}
    found = {name: difference(reported[name], loss) for name, loss in losses.items()}
    ours = {name: to_torch(saved["grad"][name]) for name in theirs}
    scale = max(v.abs().max().item() for v in theirs.values())
    for name, value in theirs.items():
        if value.abs().max() > 1e-7 * scale:  # else exactly 0, but for rounding
            found[f"gradient of {name}"] = difference(ours[name], value)
        else:
            assert ours[name].abs().max() < 1e-5 * scale, name
    return found


def main():
    failures = 0
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "loss.safetensors"
        for case in CASES:
            for phase in (0, 1):
                subprocess.run([sys.argv[1], path, f"gan/{phase}", "width=16", *case], check=True)
                found = compare(path, phase)
                worst = max(found, key=found.get)
                print(f"{' '.join(case)}, phase {phase}: loss off by {found['loss']:.1e},"
                      f" {len(found)} values at most {found[worst]:.1e} ({worst})")
                failures += found[worst] > BOUND
    print(f"PyTorch {torch.__version__}: {failures} differ by more than {BOUND}")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
