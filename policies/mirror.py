"""Episodes in a mirror: a robot with two alike sides learns from each of them twice.

What its left hand took, its right hand takes in a mirrored place, and what was to the
left is to the right, in pictures, numbers and words. Where the robot has nothing to
take, its expert rests the right hand, and in a mirror the left one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from brownfield.policies.windows import Windows
from brownfield.robot.bodies import body_named
from brownfield.robot.g1.body import G1_TWO_HANDS

MIRRORED = (G1_TWO_HANDS.name,)
"""Bodies whose commands are for both sides."""
_TURNED = (
    r"(roll|yaw)_joint$",
    # A thumb's first joint swings along the palm, all other fingers' across.
    r"_hand_(?!thumb_0)\w+_joint$",
    r"gyro_[xz]$",
    r"gravity_y$",
    r"base_(vy|wz)$",
    r"palm_(y|rx|rz|fk_y)$",
    r"^(object_y|stance_y|yaw|pixel_x)$",
)
"""Quantities that change their sign: along y, and turns about x and z."""


def mirrored(windows: Windows) -> Windows:
    """The same windows with left and right exchanged; twice is nothing.

    Pictures are mirrored along their width; positions, velocities and rotation vectors
    in the pelvis frame along y; each joint gets the angle of its fellow.

    Raises:
        ValueError: the body's commands are for one side.
    """
    check_mirror(windows.body)
    body = body_named(windows.body)
    state = _exchange([field.name for field in body.state])
    action = _exchange([field.name for field in body.action])
    truth = _exchange(windows.privileged_names)
    values = {f.name: getattr(windows, f.name) for f in fields(windows)}
    for name, (order, sign) in {
        "state": state,
        "last": action,
        "velocity": action,
        "executed": action,
        "label": action,
        "privileged": truth,
    }.items():
        values[name] = values[name][..., order] * sign
    values["frames"] = windows.frames.mirrored()
    if windows.segments is not None:
        values["segments"] = windows.segments.mirrored()
    values["prompts"] = tuple(_other_words(prompt) for prompt in windows.prompts)
    return Windows(**values)


def check_mirror(body: str) -> None:
    """Raises: ValueError: the body's commands are for one side."""
    if body not in MIRRORED:
        raise ValueError(
            f"only bodies with commands for both sides learn in a mirror: "
            f"{', '.join(MIRRORED)}; got {body!r}"
        )


def _other_words(prompt: str) -> str:
    """What is asked for by who sees the scene in a mirror."""
    return _swapped(prompt, r"(?i)\b(left|right)\b")


def _exchange(names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Where each of the mirrored quantities (N,) is among the given ones, and its
    sign (N,)."""
    order = [list(names).index(_other_side(name)) for name in names]
    turned = [any(re.search(one, name) for one in _TURNED) for name in names]
    return np.array(order), np.where(turned, -1, 1).astype(np.float32)


def _other_side(name: str) -> str:
    """The quantity of the other side; right palms and grips have no side in their
    names."""
    if re.search(r"left_(palm|grip)", name):
        return name.replace("left_", "")
    if re.search("palm|grip", name):
        return re.sub(r"(palm|grip)", r"left_\1", name, count=1)
    return _swapped(name, "left|right")


def _swapped(text: str, pattern: str) -> str:
    other = {"left": "right", "right": "left"}
    return re.sub(pattern, lambda found: other[found[0].lower()], text)
