"""A newcomer's port does with shared fields what its relative's does."""

from dataclasses import replace

import numpy as np
import torch

from brownfield.policies.model import ModelConfig, StreamTransformer
from brownfield.policies.port import PortConfig
from brownfield.policies.port_like import comparable, relative_of, take_over
from brownfield.robot.bodies import body_named
from brownfield.robot.body import Body

ONE, TWO = body_named("g1"), body_named("g1_two_hands")
SIZES = ModelConfig(width=32, layers=2, heads=2)


def _sizes(body: Body) -> PortConfig:
    return PortConfig(state_dim=body.state_dim, action_dim=body.action_dim)


def test_a_relative_works_in_the_same_place() -> None:
    assert relative_of("g1_two_hands", ["car", "g1"]) == "g1"
    assert relative_of("car", ["g1"]) is None


@torch.no_grad()
def test_shared_fields_are_read_and_said_alike() -> None:
    torch.manual_seed(0)
    ports = {body.name: _sizes(body) for body in (ONE, TWO)}
    trunk = StreamTransformer(SIZES, ports).double().eval()
    old, new = trunk.port("g1"), trunk.port("g1_two_hands")
    rng = np.random.default_rng(0)
    old.fit_normalisation(
        rng.normal(0, 1, (50, ONE.state_dim)).astype(np.float32),
        rng.normal(0, 1, (50, 6)).astype(np.float32),
    )
    take_over(new, "g1_two_hands", old, "g1")
    codes = torch.rand(3, 4, 8, 8, dtype=torch.float64)
    ours = torch.zeros(3, TWO.state_dim, dtype=torch.float64)
    theirs = torch.randn(3, ONE.state_dim, dtype=torch.float64)
    names = [field.name for field in TWO.state]
    for j, field in enumerate(ONE.state):
        ours[:, names.index(field.name)] = theirs[:, j]
    text = torch.randint(0, 256, (1, 64))
    # The left hand at its mean says nothing: every other number is the relative's.
    looks = [
        trunk.look(name, codes, state, trunk.prefix(name, text))
        for name, state in (("g1", theirs), ("g1_two_hands", ours))
    ]
    torch.testing.assert_close(looks[0].auxiliary, looks[1].auxiliary)
    torch.testing.assert_close(looks[0].pointing, looks[1].pointing)
    said = [look.action.view(3, 2, -1, 127)[:, :, : ONE.action_dim] for look in looks]
    # Its own queries see each other, so the others' answers change a little.
    assert (said[0] - said[1]).abs().mean() < 0.1 * said[0].abs().mean()


def test_only_ids_of_one_meaning_compare() -> None:
    sizes = _sizes(ONE)
    assert comparable(_sizes(TWO), sizes)
    assert not comparable(replace(sizes, action_bins=63), sizes)
    assert not comparable(replace(sizes, action_slots=((4,), (4,))), sizes)
