"""Both hands of the G1: the left one is the right one in a mirror."""

import mujoco
import numpy as np
import pytest

from brownfield.robot.g1.body import G1_BODY, G1_TWO_HANDS
from brownfield.robot.g1.controller import (
    READY_BOTH,
    READY_COMMAND,
    WholeBodyController,
    gravity_in_pelvis,
)
from brownfield.robot.g1.joints import (
    DEFAULT_POSE,
    HAND_CLOSED,
    HAND_JOINTS,
    HAND_MIRROR,
    HAND_OPEN,
)
from brownfield.robot.g1.model import g1_spec
from brownfield.robot.g1.upper_body import MIRROR, ArmKinematics, mirrored_pose
from brownfield.robot.mujoco_link import MujocoLink

WAIST = np.zeros(3)


def _mirrored_waist(waist: np.ndarray) -> np.ndarray:
    return waist * np.array([-1.0, -1.0, 1.0])


def test_the_left_arm_is_the_right_one_in_a_mirror() -> None:
    right, left = ArmKinematics("right"), ArmKinematics("left")
    rng = np.random.default_rng(0)
    for _ in range(20):
        waist, arm = rng.uniform(-0.2, 0.2, 3), rng.uniform(-0.8, 0.8, 7)
        p, r = right.palm(waist, arm)
        q, s = left.palm(_mirrored_waist(waist), MIRROR * arm)
        flip = np.diag([1.0, -1.0, 1.0])
        np.testing.assert_allclose(q, flip @ p, atol=1e-4)
        np.testing.assert_allclose(s, flip @ r @ flip, atol=1e-4)
    np.testing.assert_allclose(right.lower[[0, 3, 5]], left.lower[[0, 3, 5]])
    np.testing.assert_allclose(
        np.sort([MIRROR * right.lower, MIRROR * right.upper], 0),
        [left.lower, left.upper],
        atol=1e-3,
    )


def test_mirrored_poses_have_mirrored_solutions() -> None:
    right, left = ArmKinematics("right"), ArmKinematics("left")
    pose = np.array([0.35, -0.2, 0.25, 0.1, -0.2, 0.4])
    other = mirrored_pose(pose)
    np.testing.assert_array_equal(mirrored_pose(other), pose)
    one = two = np.zeros(7)
    for _ in range(120):
        one = right.solve(WAIST, pose[:3], pose[3:])
        two = left.solve(WAIST, other[:3], other[3:])
    np.testing.assert_allclose(MIRROR * one, two, atol=2e-3)
    assert np.linalg.norm(left.palm(WAIST, two)[0] - other[:3]) < 0.01


def test_fingers_of_both_hands_have_mirrored_ranges() -> None:
    model = g1_spec().compile()
    ranges = np.array([model.joint(name).range for name in HAND_JOINTS])
    mirrored = np.sort(HAND_MIRROR[:, None] * ranges[7:], 1)
    np.testing.assert_allclose(mirrored, ranges[:7], atol=1e-4)
    for pose in (HAND_OPEN, HAND_CLOSED):
        left = HAND_MIRROR * pose
        assert (left >= ranges[:7, 0] - 1e-6).all()
        assert (left <= ranges[:7, 1] + 1e-6).all()


@pytest.fixture(scope="module")
def controller() -> WholeBodyController:
    return WholeBodyController(body=G1_TWO_HANDS)


def test_the_robot_stands_and_holds_both_palms(controller: WholeBodyController) -> None:
    spec = g1_spec()
    spec.option.timestep = 0.002
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[50, 50, 0.1])
    model = spec.compile()
    data = mujoco.MjData(model)
    link = MujocoLink(model, data)
    base = model.joint("floating_base_joint").qposadr[0]
    data.qpos[base : base + 7] = [0, 0, 0.755, 1, 0, 0, 0]
    pose = DEFAULT_POSE.copy()
    pose[15:22], pose[22:] = controller.ready_left_arm, controller.ready_arm
    data.qpos[link.q_address] = pose
    mujoco.mj_forward(model, data)
    controller.reset()
    command = controller.ready
    command[10:13] += [0.15, 0.0, -0.1]
    command[16] = 1.0
    for _ in range(200):
        link.write(controller.tick(link.read(), command))
        link.advance(10)
    state = link.read()
    assert gravity_in_pelvis(state.quaternion)[2] < -0.95
    assert controller.left is not None
    right, _ = controller.kinematics.palm(state.q[12:15], state.q[22:29])
    left, _ = controller.left.palm(state.q[12:15], state.q[15:22])
    assert np.linalg.norm(right - command[3:6]) < 0.025
    assert np.linalg.norm(left - command[10:13]) < 0.025
    assert np.abs(state.hand_q[:7]).max() > 0.5 > np.abs(state.hand_q[9:]).max()


def test_state_and_commands_have_the_fields_that_they_claim(
    controller: WholeBodyController,
) -> None:
    assert G1_TWO_HANDS.action_dim == 17 and len(READY_BOTH) == 17
    assert [f.name for f in G1_TWO_HANDS.action[:10]] == [
        f.name for f in G1_BODY.action
    ]
    np.testing.assert_array_equal(READY_BOTH[:10], READY_COMMAND)
    inside = (READY_BOTH >= G1_TWO_HANDS.action_lower) & (
        READY_BOTH <= G1_TWO_HANDS.action_upper
    )
    assert inside.all()
    names = [f.name for f in G1_TWO_HANDS.state]
    assert len(set(names)) == len(names) == G1_TWO_HANDS.state_dim
    with pytest.raises(ValueError, match="expected 17 finite command values"):
        controller.tick(None, READY_COMMAND)  # type: ignore[arg-type]
