"""Processes that train together: each has its rows, all share one gradient."""

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from brownfield.policies.device import device_named


class Ranks:
    """This process's place among `count` processes; one process needs no group."""

    def __init__(
        self, rank: int = 0, count: int = 1, device: torch.device | None = None
    ) -> None:
        self.rank, self.count = rank, count
        self.device = device or torch.device("cpu")

    @property
    def first(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def average_gradients(self, parameters: Sequence[Tensor], clock_s: float) -> float:
        """Average gradients over all processes, in one message.

        The message also carries the clock, so that all agree when time is up.

        Returns:
            the mean of `clock_s`.
        """
        if self.count == 1:
            return clock_s
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        grads = [p.grad for p in parameters if p.grad is not None]
        clock = torch.tensor([clock_s], device=grads[0].device)
        flat = torch.cat([g.reshape(-1) for g in grads] + [clock])
        dist.all_reduce(flat)
        flat /= self.count
        start = 0
        for grad in grads:
            grad.copy_(flat[start : start + grad.numel()].view(grad.shape))
            start += grad.numel()
        return float(flat[-1])

    def same(self, tensors: Sequence[Tensor]) -> None:
        """Give every process the first one's tensors."""
        if self.count > 1:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def agree(self, choice: bool) -> bool:
        """The first process's choice."""
        said = torch.tensor([float(choice)], device=self.device)
        self.same([said])
        return bool(said.item())

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            dist.barrier()


def run_ranks(
    work: Callable[[Any, Ranks], None],
    config: Any,
    processes: int,
    threads: int,
    device: str = "cpu",
) -> None:
    """Run `work(config, ranks)` in one process or several.

    Under torchrun the group that it describes is joined and `processes` is ignored.

    Args:
        work: a function at module level.
        config: handed to it.
        processes: how many.
        threads: of each.
        device: `auto`, `cpu` or `cuda`; each process takes a GPU of its own.
    """
    if "LOCAL_RANK" in os.environ and "WORLD_SIZE" in os.environ:
        rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        _run(rank, count, None, threads, device, work, config)
    elif processes == 1:
        torch.set_num_threads(threads)
        work(config, Ranks(device=device_named(device)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            store = str(Path(folder) / "store")
            spawn(
                _run,
                (processes, store, threads, device, work, config),
                nprocs=processes,
            )


def _run(
    rank: int,
    count: int,
    store: str | None,
    threads: int,
    device: str,
    work: Callable[[Any, Ranks], None],
    config: Any,
) -> None:
    _end_with_parent()
    torch.set_num_threads(threads)
    where = None if store is None else f"file://{store}"
    own = device_named(device, int(os.environ.get("LOCAL_RANK", rank)))
    if own.type == "cuda":
        torch.cuda.set_device(own)
    backend = "nccl" if own.type == "cuda" else "gloo"
    dist.init_process_group(backend, init_method=where, rank=rank, world_size=count)
    try:
        work(config, Ranks(rank, count, own))
    finally:
        dist.destroy_process_group()


def _end_with_parent() -> None:
    """End this process, if another one started it, as soon as that one is gone.

    torch asks for an interrupt then, which jobs in the background of a script ignore:
    they would train on for nobody.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
