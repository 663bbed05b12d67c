"""The whole-body controller: onboard sensing in, joint commands within limits out."""

import time
from collections.abc import Iterator

import mujoco
import numpy as np
import pytest

from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.g1.controller import (
    READY_COMMAND,
    WholeBodyController,
    gravity_in_pelvis,
)
from brownfield.robot.g1.joints import DEFAULT_POSE, HAND_CLOSED
from brownfield.robot.g1.model import g1_spec
from brownfield.robot.g1.upper_body import rotation_from_vector, vector_from_rotation
from brownfield.robot.mujoco_link import MujocoLink
from brownfield.robot.token_player import TokenPlayer
from brownfield.tokenizers.action_bins import KnotBinTokenizer


class Floor:
    """A G1 on a flat floor under the controller."""

    def __init__(self) -> None:
        spec = g1_spec()
        spec.option.timestep = 0.002
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        spec.worldbody.add_geom(
            name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[50, 50, 0.1]
        )
        self.model = spec.compile()
        self.controller = WholeBodyController()
        self.reset()

    def reset(self) -> None:
        self.data = mujoco.MjData(self.model)
        self.link = MujocoLink(self.model, self.data)
        base = self.model.joint("floating_base_joint").qposadr[0]
        self.data.qpos[base : base + 7] = [0, 0, 0.755, 1, 0, 0, 0]
        pose = DEFAULT_POSE.copy()
        pose[22:] = self.controller.ready_arm
        self.data.qpos[self.link.q_address] = pose
        mujoco.mj_forward(self.model, self.data)
        self.controller.reset()

    def tick(self, command: np.ndarray) -> None:
        self.link.write(self.controller.tick(self.link.read(), command))
        self.link.advance(10)


@pytest.fixture(scope="module")
def floor() -> Floor:
    return Floor()


def test_stands_and_holds_the_palm(floor: Floor) -> None:
    floor.reset()
    for _ in range(150):
        floor.tick(READY_COMMAND)
    state = floor.link.read()
    palm, _ = floor.controller.kinematics.palm(state.q[12:15], state.q[22:29])
    assert gravity_in_pelvis(state.quaternion)[2] < -0.95
    assert np.linalg.norm(palm - READY_COMMAND[3:6]) < 0.02


def test_walks_where_it_is_told(floor: Floor) -> None:
    floor.reset()
    command = READY_COMMAND.copy()
    command[0] = 0.4
    for _ in range(200):
        floor.tick(command)
    assert 0.8 < floor.data.qpos[0] < 2.4


def test_tiny_velocities_are_rest_and_grip_closes_the_right_hand(floor: Floor) -> None:
    floor.reset()
    command = READY_COMMAND.copy()
    command[:3], command[9] = 0.015, 1.0
    answer = floor.controller.tick(floor.link.read(), command)
    assert np.array_equal(floor.controller.balance.phase, [np.pi, np.pi])
    assert np.array_equal(answer.hand_q[7:], HAND_CLOSED)
    assert np.array_equal(answer.hand_q[:7], np.zeros(7))


def test_nonsense_is_refused(floor: Floor) -> None:
    for bad in (np.full(10, np.nan), np.zeros(3)):
        with pytest.raises(ValueError, match="10 finite command values"):
            floor.controller.tick(floor.link.read(), bad)


def test_rotation_vectors_and_matrices_are_inverse() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        vector = rng.uniform(-1.5, 1.5, 3)
        assert np.allclose(vector_from_rotation(rotation_from_vector(vector)), vector)


def _random_commands(rng: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        command = rng.uniform(G1_BODY.action_lower, G1_BODY.action_upper)
        yield from (command, command)


def _random_tokens(rng: np.random.Generator) -> Iterator[np.ndarray]:
    tokenizer = KnotBinTokenizer(
        names=[field.name for field in G1_BODY.action],
        lower=G1_BODY.action_lower,
        upper=G1_BODY.action_upper,
        max_rate=np.where(
            np.isfinite(G1_BODY.action_max_rate), G1_BODY.action_max_rate, 3.0
        ),
        rest=G1_BODY.action_rest,
        rate_hz=G1_BODY.control_hz,
        steps=G1_BODY.chunk_steps,
    )
    player = TokenPlayer(G1_BODY, tokenizer, READY_COMMAND)
    while True:
        player.feed(rng.integers(0, tokenizer.vocab_size, tokenizer.n_tokens))
        for _ in range(G1_BODY.executed_steps):
            yield player.next()


@pytest.mark.slow
@pytest.mark.parametrize("source", [_random_tokens, _random_commands])
def test_ten_minutes_at_random_and_a_median_tick(floor: Floor, source) -> None:
    """Any token string, and commands that jump as none can: no NaN, no joint past its
    limit by more than the degree that a stop gives under a falling robot; falls
    count."""
    commands = source(np.random.default_rng(0))
    limits = floor.model.jnt_range[
        [floor.model.joint(name).id for name in G1_BODY.joints]
    ]
    floor.reset()
    falls, ticks_ms, worst = 0, [], 0.0
    for _ in range(6000):
        command = next(commands)
        for _ in range(5):
            state = floor.link.read()
            start = time.perf_counter()
            answer = floor.controller.tick(state, command)
            ticks_ms.append(1e3 * (time.perf_counter() - start))
            floor.link.write(answer)
            floor.link.advance(10)
            q = floor.link.read().q
            assert np.isfinite(q).all()
            past = np.maximum(limits[:, 0] - q, q - limits[:, 1])
            worst = max(worst, float(past.max()))
        if gravity_in_pelvis(floor.link.read().quaternion)[2] > -0.5:
            falls += 1
            floor.reset()
    print(
        f"falls {falls}, median tick {np.median(ticks_ms):.2f} ms, {worst:.4f} rad past"
    )
    assert worst < 0.02
