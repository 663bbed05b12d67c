"""`brownfield train`."""

from __future__ import annotations

from brownfield.policies.train import train
from brownfield.policies.train_config import TrainConfig

Train = TrainConfig


def run(config: TrainConfig) -> int:
    """Train, and say where the checkpoint is."""
    print(f"checkpoint in {train(config)}")
    return 0
