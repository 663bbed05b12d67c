"""Which shipped checkpoint a body obeys with by default."""

from __future__ import annotations

from brownfield.robot.bodies import body_named

DEFAULT_CHECKPOINTS = {"g1": "g1_kitchen"}
"""Names of folders in policies/checkpoints."""


def default_checkpoint(body: str) -> str:
    """Name of the checkpoint.

    Raises:
        ValueError: unknown body.
    """
    return DEFAULT_CHECKPOINTS[body_named(body).name]
