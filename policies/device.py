"""Which processor runs a model. One GPU has run these paths, never several."""

import torch

NAMES = ("auto", "cpu", "cuda")


def device_named(name: str, index: int = 0) -> torch.device:
    """The device called `name`.

    Args:
        name: `cpu`, `cuda`, or `auto`: a GPU where there is one.
        index: which GPU, for several processes on one machine.

    Raises:
        ValueError: unknown, or there is no GPU.
    """
    if name not in NAMES:
        raise ValueError(f"device must be one of {', '.join(NAMES)}; got {name!r}")
    count = torch.cuda.device_count()
    if name == "cpu" or (name == "auto" and not count):
        return torch.device("cpu")
    if not count:
        raise ValueError("device cuda was asked for, but torch finds no GPU here")
    return torch.device("cuda", index % count)
