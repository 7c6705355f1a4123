"""Prints the golden values of tests/test_optim.c, computed by PyTorch's optimisers."""

import torch

START = [0.5, -1.0, 2.0, 0.0, 0.125]


def gradient(step):
    """Exact in float32: the test makes the same numbers."""
    return torch.tensor([((i + 1) * (step + 2) % 7 - 3) / 4 for i in range(len(START))])


def run(name, make):
    x = torch.nn.Parameter(torch.tensor(START))
    optimizer = make([x])
    for step in range(4):
        x.grad = gradient(step)
        optimizer.step()
    values = ", ".join(f"{v:.9g}" for v in x.tolist())
    print(f"    {{{values}}}, /* {name} */")


print(f"/* PyTorch {torch.__version__} */")
run("adam", lambda p: torch.optim.Adam(p, lr=0.01))
run("adam, betas, decay", lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.1))
run("adamw", lambda p: torch.optim.AdamW(p, lr=0.01))
run("adamw, decay", lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.0, 0.99), weight_decay=0.5))
run("sgd", lambda p: torch.optim.SGD(p, lr=0.01))
run("sgd, momentum, decay", lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1))
