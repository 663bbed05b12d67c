"""Which shipped checkpoint a body obeys with by default."""

from __future__ import annotations

from brownfield.robot.bodies import body_named

DEFAULT_CHECKPOINTS = {
    "g1": "g1_kitchen",
    "g1_two_hands": "g1_kitchens",
    "car": "g1_car",
}
"""Names of folders in policies/checkpoints."""


def default_checkpoint(body: str) -> str:
    """Name of the checkpoint.

    Raises:
        ValueError: unknown body, or one without a checkpoint.
    """
    name = body_named(body).name
    if name not in DEFAULT_CHECKPOINTS:
        raise ValueError(
            f"no checkpoint for body {name!r} ships with this version; shipped ones "
            f"are for {', '.join(DEFAULT_CHECKPOINTS)}"
        )
    return DEFAULT_CHECKPOINTS[name]
