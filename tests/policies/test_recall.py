"""What a policy remembers: the right looks, and the way since."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from brownfield.policies.agent import PolicyAgent
from brownfield.policies.losses import LossConfig
from brownfield.policies.model import ModelConfig, StreamTransformer
from brownfield.policies.objective import objective
from brownfield.policies.port import PortConfig
from brownfield.policies.ranks import Ranks
from brownfield.policies.recall import (
    MOTIONS,
    Memory,
    Recollection,
    recall,
    seen_from_now,
    trail,
)
from brownfield.policies.train import TrainConfig, Trainer
from brownfield.policies.windows import Windows
from brownfield.robot.bodies import BODIES, body_named

AGES = (0.4, 0.8)


@pytest.mark.parametrize("name", BODIES)
def test_every_body_reckons_its_way(name: str) -> None:
    body = body_named(name)
    names = [field.name for field in body.state]
    states = np.zeros((11, body.state_dim), np.float32)
    ahead = "speed" if name == "car" else "command_base_vx"
    states[:, names.index(ahead)] = 0.5
    poses = trail(MOTIONS[name](states, names), 0.1)
    np.testing.assert_allclose(poses[-1], [0.5, 0, 0], atol=1e-6)


def test_a_quarter_circle_ends_to_the_left() -> None:
    turn = np.tile(np.array([[1.0, 0.0, 1.0]], np.float32), (158, 1))
    poses = trail(turn, 0.01)
    np.testing.assert_allclose(poses[-1], [1, 1, np.pi / 2], atol=0.02)
    np.testing.assert_allclose(
        seen_from_now(poses[0], poses[-1]), [-1, 1, -np.pi / 2], atol=0.02
    )


def test_looks_of_the_right_age_are_recalled(windows: Windows) -> None:
    body = body_named(windows.body)
    found = recall(windows.state, windows.episode, body, AGES)
    here = np.arange(len(windows.episode))
    for i, steps in enumerate((4, 8)):
        known = found.known[:, i]
        assert known.any() and not known.all()
        assert (found.look[known, i] == here[known] - steps).all()
        same = windows.episode[found.look[:, i]] == windows.episode
        assert same.all() and (found.look[~known, i] == here[~known]).all()
        np.testing.assert_allclose(found.moved[~known, i], 0, atol=1e-6)


def test_a_running_policy_recalls_what_training_did(windows: Windows) -> None:
    body = body_named(windows.body)
    found = recall(windows.state, windows.episode, body, AGES)
    first = np.flatnonzero(windows.episode == windows.episode[0])
    running = Recollection(body, AGES)
    for step in first:
        codes = torch.full((1, 1, 1, 1), float(step))
        running.add(codes, windows.state[step], int(step))
        memory = running.now()
        assert memory is not None
        known = np.array(found.known[step])
        assert np.array_equal(memory.known[0].numpy(), known)
        looks = memory.codes[0, :, 0, 0, 0].numpy()
        assert (looks[known] == found.look[step][known]).all()
        moved = memory.moved[0].numpy()
        np.testing.assert_allclose(moved[known], found.moved[step][known], atol=1e-4)
    running.forget()
    running.add(torch.zeros(1, 1, 1, 1), windows.state[0], 0)
    memory = running.now()
    assert memory is not None and not memory.known.any()
    assert Recollection(body, ()).now() is None


@torch.no_grad()
def test_what_was_before_the_episode_does_not_matter() -> None:
    torch.manual_seed(0)
    sizes = ModelConfig(width=32, layers=2, heads=2, memory_s=AGES)
    trunk = StreamTransformer(sizes, {"g1": PortConfig(state_dim=7)}).eval()
    codes, state = torch.rand(2, 4, 8, 8), torch.randn(2, 7)
    prefix = trunk.prefix("g1", torch.randint(0, 256, (1, 64)))
    nothing = trunk.look("g1", codes, state, prefix)
    some = Memory(torch.rand(2, 2, 4, 8, 8), torch.rand(2, 2, 3), torch.ones(2, 2) > 0)
    unknown = some._replace(known=torch.zeros(2, 2) > 0)
    same = trunk.look("g1", codes, state, prefix, memory=unknown)
    torch.testing.assert_close(same.action, nothing.action)
    other = trunk.look("g1", codes, state, prefix, memory=some)
    assert (other.action - nothing.action).abs().max() > 1e-6
    torch.testing.assert_close(other.pointing, nothing.pointing)
    far = some._replace(moved=some.moved + 1)
    moved = trunk.look("g1", codes, state, prefix, memory=far)
    assert (moved.action - other.action).abs().max() > 1e-6
    with pytest.raises(ValueError, match="memory_s must be ages above 0"):
        ModelConfig(memory_s=(0.0,))


def test_memory_is_learned_and_used(tiny: TrainConfig, windows: Windows) -> None:
    """A policy may learn to remember later; its agent then does."""
    Trainer(tiny, [windows], Ranks()).run()
    config = replace(
        tiny,
        init=tiny.out,
        tokenizers=None,
        out=tiny.out.with_name("remembers"),
        model=ModelConfig(memory_s=AGES),
    )
    trainer = Trainer(config, [windows], Ranks())
    assert trainer.model == replace(tiny.model, memory_s=AGES)
    examples = trainer.lessons[0].examples
    assert examples.recalled is not None
    known = np.array(examples.recalled.known.all(1))
    late = np.flatnonzero(known[examples.windows.look])
    batch = examples.batch(
        late[:8], 0, trainer.lessons[0].augment, np.random.default_rng(0)
    )
    assert batch.recalled is not None and batch.recalled.shape == (8, 2, 3, 64, 64)
    objective(trainer.policy, batch, LossConfig(), n_reconstruct=0).total.backward()
    assert trainer.policy.trunk.recall is not None
    for name, parameter in trainer.policy.trunk.recall.named_parameters():
        if name != "nothing":
            assert parameter.grad is not None and parameter.grad.abs().max() > 0
    trainer.run()
    agent = PolicyAgent(config.out)
    rng = np.random.default_rng(0)
    seen = [
        {
            "head": rng.integers(0, 255, (128, 128, 3), dtype=np.uint8),
            "state": np.zeros(95, np.float32),
        }
        for _ in range(3)
    ]

    def told(first: int, *, forgets: bool = False) -> np.ndarray:
        agent.reset("take the box")
        agent.act(seen[first], step=0)
        agent.watch(seen[first], step=2)
        if forgets:
            agent.forget()
        agent.act(seen[2], step=8)
        assert agent.thought is not None
        return agent.thought.auxiliary

    assert np.array_equal(told(0), told(0))
    assert not np.array_equal(told(0), told(1))
    assert np.array_equal(told(0, forgets=True), told(1, forgets=True))
