"""A Body is nothing but its fields, so a third one needs no code."""

import dataclasses

import numpy as np
import pytest

from brownfield.robot.bodies import BODIES, body_named
from brownfield.robot.body import Body, Camera, Field
from brownfield.robot.g1.body import G1_BODY

ROVER = Body(
    name="rover",
    action=(
        Field(name="speed", unit="m/s", lower=-1, upper=2, rest=0),
        Field(name="mast", unit="rad", lower=-0.5, upper=0.5, max_rate=0.2),
    ),
    state=(Field(name="heading", unit="rad", lower=-np.pi, upper=np.pi),),
    cameras=(Camera(name="front", height=48, width=64, fovy_deg=70),),
    control_hz=5,
    chunk_steps=4,
    executed_steps=1,
)


@pytest.mark.parametrize("body", [*BODIES.values(), ROVER], ids=lambda b: b.name)
def test_arrays_follow_the_fields(body: Body) -> None:
    assert body.action_lower.shape == (body.action_dim,)
    assert body.state_upper.shape == (body.state_dim,)
    assert (body.action_lower < body.action_upper).all()
    assert (body.state_lower < body.state_upper).all()
    assert (body.action_max_rate > 0).all()
    for index, field in enumerate(body.action):
        assert body.action_index(field.name) == index
        holds = field.rest is None
        assert np.isnan(body.action_rest[index]) == holds
        if not holds:
            assert body.action_rest[index] == field.rest


def test_the_hash_notices_every_change() -> None:
    changes = [
        {"name": "other"},
        {"control_hz": 6},
        {"chunk_steps": 5},
        {"executed_steps": 2},
        {"joints": ("wheel",)},
        {"cameras": ()},
        {"action": ROVER.action[::-1]},
        {"state": (dataclasses.replace(ROVER.state[0], unit="1"),)},
    ]
    hashes = {dataclasses.replace(ROVER, **change).schema_hash() for change in changes}
    assert len(hashes | {ROVER.schema_hash()}) == len(changes) + 1
    assert dataclasses.replace(ROVER).schema_hash() == ROVER.schema_hash()


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="speed, mast"):
        ROVER.action_index("wings")
    with pytest.raises(ValueError, match="g1"):
        body_named("g2")
    with pytest.raises(ValueError, match="lower < upper"):
        Field(name="a", unit="m", lower=1, upper=1)
    with pytest.raises(ValueError, match="outside"):
        Field(name="a", unit="m", lower=0, upper=1, rest=2)
    with pytest.raises(ValueError, match="twice"):
        dataclasses.replace(ROVER, state=ROVER.state * 2)
    with pytest.raises(ValueError, match="executed_steps"):
        dataclasses.replace(ROVER, executed_steps=5)


def test_the_g1_has_the_documented_vectors() -> None:
    assert body_named("g1") is G1_BODY
    assert (G1_BODY.action_dim, G1_BODY.state_dim) == (10, 95)
    assert len(G1_BODY.joints) == 29
    moving = [f.name for f in G1_BODY.action if f.rest is not None]
    assert moving == ["base_vx", "base_vy", "base_wz"]
