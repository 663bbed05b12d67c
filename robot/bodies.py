"""The bodies that Brownfield ships, by name."""

from __future__ import annotations

from brownfield.robot.body import Body
from brownfield.robot.car.body import CAR_BODY
from brownfield.robot.g1.body import G1_BODY, G1_TWO_HANDS

BODIES: dict[str, Body] = {one.name: one for one in (G1_BODY, G1_TWO_HANDS, CAR_BODY)}


def body_named(name: str) -> Body:
    """The body called `name`.

    Raises:
        ValueError: there is none; the message lists the valid names.
    """
    if name not in BODIES:
        raise ValueError(
            f"unknown body {name!r}; the bodies are {', '.join(sorted(BODIES))}"
        )
    return BODIES[name]
