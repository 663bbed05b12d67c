"""What is in a kitchen, and how one refers to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import mujoco
import numpy as np

from brownfield.envs.kitchen_drawer import Drawer
from brownfield.envs.kitchen_fixtures import Spot
from brownfield.envs.kitchen_tasks import DRAWER
from brownfield.envs.objects import ObjectKind
from brownfield.envs.prompts import COLOURS, SIDES
from brownfield.envs.scene_sidecar import Rectangle

APART_M = 0.10
"""Two alike that are nearer to each other along the counter are told by colour [m]:
from where the robot comes the left one may look like the right one."""


@dataclass(frozen=True, kw_only=True)
class PlacedObject:
    """One object of a kitchen."""

    name: str
    """The MuJoCo body's name: what a prompt calls it, and a number for a second one."""
    kind: ObjectKind
    """Size and grasp."""
    position: np.ndarray = field(repr=False)
    """Initial centre (3,), world frame [m]."""
    called: str = ""
    """What a prompt calls it."""
    colour: str = ""
    """The word for its colour; empty for clutter."""

    @property
    def told(self) -> str:
        """What people call it: of two of one name the second one by its colour."""
        second = self.called and self.name != self.called
        return f"{self.colour} {self.called}" if second else self.name


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """A named object behind a jar."""

    name: str
    """The object's."""
    jar: str
    """The jar's."""
    side: float
    """1 if the jar hides it from the left, -1 from the right."""


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """A generated kitchen with a G1 in it."""

    model: mujoco.MjModel
    """Compiled; robot elements carry the prefix `g1/`."""
    counter_height_m: float
    """Top of the counter [m]."""
    named: tuple[PlacedObject, ...]
    """Objects that a prompt may name."""
    clutter: tuple[PlacedObject, ...]
    """Objects that it may not."""
    start: Rectangle | None = None
    """Where the robot may start, world frame; None for anywhere."""
    spots: dict[str, Spot] = field(default_factory=dict)
    """What things may be put on, by name."""
    drawer: Drawer | None = None
    """What may be opened."""
    hidden: Hidden | None = None
    """What cannot be seen from where the robot starts."""

    def has(self, name: str) -> bool:
        """Whether there is a spot or a drawer of a name."""
        return name in self.spots or (name == DRAWER and self.drawer is not None)

    def reference(
        self, name: str, rng: np.random.Generator, coloured: float = 0.0
    ) -> str:
        """How to refer to a named object (by its body's name) so that it is clear.

        Args:
            name: the body's.
            rng: draws between side and colour for one of two alike.
            coloured: chance to tell the colour where the name would do.
        """
        one = next(o for o in self.named if o.name == name)
        alike = [o for o in self.named if o.called == one.called]
        if len(alike) == 1:
            told = one.colour if coloured and rng.random() < coloured else ""
            return f"{told} {one.called}".strip()
        other = next(o for o in alike if o is not one)
        along = one.position[1] - other.position[1]
        by_side = abs(along) > APART_M and rng.random() < 0.5
        side = SIDES[int(along < 0)]
        return f"{side if by_side else one.colour} {one.called}"

    def find(self, reference: str) -> PlacedObject | None:
        """The named object that a phrase refers to; None if there is none.

        Raises:
            ValueError: it may be any of several.
        """
        told, _, rest = reference.partition(" ")
        called = rest if told in (*COLOURS, *SIDES) else reference
        alike = [o for o in self.named if o.called == called]
        if called == reference:
            fitting = alike
        elif told in COLOURS:
            fitting = [o for o in alike if o.colour == told]
        else:
            leftmost = sorted(alike, key=lambda o: -o.position[1])
            fitting = leftmost[:1] if told == "left" else leftmost[-1:]
        if len(fitting) > 1:
            ways = ", ".join(f"{o.colour} {o.called}" for o in fitting)
            raise ValueError(f"{reference!r} may be any of: {ways}")
        return fitting[0] if fitting else None

    def missing(self, named: Sequence[str], rng: np.random.Generator) -> list[str]:
        """What refers to nothing here: names, and wrong colours of what is there.

        Args:
            named: names that may be asked for.
            rng: draws the colours.
        """
        here = {o.called for o in self.named}
        used = {o.colour for o in self.named}
        free = [colour for colour in COLOURS if colour not in used]
        wrong = [f"{rng.choice(free)} {name}" for name in sorted(here)]
        return [name for name in named if name not in here] + wrong
