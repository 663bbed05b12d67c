"""A mirror exchanges left and right, in numbers, pictures and words."""

from dataclasses import fields, replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from brownfield.envs.expert_hands import SIDES
from brownfield.envs.kitchen_env import PRIVILEGED_NAMES, KitchenEnv, KitchenEnvConfig
from brownfield.policies.batches import AugmentConfig
from brownfield.policies.lessons import lesson_of
from brownfield.policies.losses import LossConfig
from brownfield.policies.mirror import mirrored
from brownfield.policies.pictures import Pictures
from brownfield.policies.tokenize import TokenizeConfig, fit_tokenizers
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.train import TrainConfig
from brownfield.policies.windows import Windows, command_columns, joined, windows_of
from brownfield.robot.g1.body import G1_TWO_HANDS
from brownfield.robot.g1.upper_body import mirrored_pose
from brownfield.robot.trajectory import Trajectory


@pytest.fixture(scope="module")
def seen() -> Windows:
    """A few ticks of the expert with both hands, and what they were asked."""
    env = KitchenEnv(KitchenEnvConfig(hands="both", start="there"))
    observation, _ = env.reset(seed=3)
    frames, states, actions, truths = [], [], [], []
    for _ in range(12):
        frames.append(observation["head"])
        states.append(observation["state"])
        truths.append(env.privileged())
        actions.append(env.plan(steps=G1_TWO_HANDS.chunk_steps))
        observation = env.step(actions[-1][0])[0]
    length = len(frames)
    segments = np.random.default_rng(0).integers(0, 3, (length, 64, 64))
    episode = Trajectory(
        body=G1_TWO_HANDS.name,
        prompt="pick up the left cup",
        seed=3,
        place="kitchen",
        success=False,
        reason="time",
        control_hz=G1_TWO_HANDS.control_hz,
        frames={"head": np.array(frames)},
        state=np.array(states, np.float32),
        action=np.array([plan[0] for plan in actions], np.float32),
        label=np.array(actions, np.float32),
        privileged=np.array(truths, np.float32),
        privileged_names=PRIVILEGED_NAMES,
        segments=segments.astype(np.uint8),
        segment_names=("rest", "hand", "cup"),
    )
    return windows_of([episode], G1_TWO_HANDS)


def test_twice_is_nothing(seen: Windows) -> None:
    once, twice = mirrored(seen), mirrored(mirrored(seen))
    for name in (field.name for field in fields(Windows)):
        ours, theirs = getattr(seen, name), getattr(twice, name)
        if isinstance(ours, Pictures):
            ours, theirs = ours[:], theirs[:]
        if isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert ours == theirs
    assert (once.frames[:][:, :, 0] == seen.frames[:][:, :, -1]).all()
    assert once.segments is not None and seen.segments is not None
    assert (once.segments[:][:, :, 0] == seen.segments[:][:, :, -1]).all()
    assert once.prompts == ("pick up the right cup",)
    columns = command_columns(G1_TWO_HANDS)
    np.testing.assert_array_equal(once.last, once.state[:, columns])


def test_a_mirrored_state_is_that_of_a_mirrored_body(seen: Windows) -> None:
    """Every part of hands and feet is where the other side's was, beyond a mirror."""
    env = KitchenEnv(KitchenEnvConfig(hands="both", start="there"))
    env.reset(seed=3)
    names = [field.name for field in G1_TWO_HANDS.state]

    def parts(state: np.ndarray) -> dict[str, np.ndarray]:
        """Places of the robot's bodies in the pelvis frame [m]."""
        model, data = env.model, mujoco.MjData(env.model)
        for name, value in zip(names, state, strict=True):
            if name.startswith(("q_", "hand_q_")):
                joint = model.joint(f"g1/{name.split('q_', 1)[1]}")
                data.qpos[joint.qposadr[0]] = value
        data.qpos[model.joint("g1/floating_base_joint").qposadr[0] + 3] = 1.0
        mujoco.mj_kinematics(model, data)
        root = data.body("g1/pelvis").xpos
        found = [model.body(n).name for n in range(model.nbody)]
        return {name: data.body(name).xpos - root for name in found if "g1/" in name}

    state = seen.state[-1]
    before, after = parts(state), parts(mirrored(seen).state[-1])
    swap = {"left": "right", "right": "left"}
    checked = 0
    for name, place in before.items():
        sides = [side for side in swap if side in name]
        other = name.replace(sides[0], swap[sides[0]]) if sides else name
        np.testing.assert_allclose(after[other], place * [1, -1, 1], atol=2e-3)
        checked += bool(sides)
    assert checked >= 2 * (6 + 7 + 7)
    told = mirrored(seen).state[-1]
    for side in ("", "left_"):
        there = [told[names.index(f"{side}palm_fk_{axis}")] for axis in "xyz"]
        other = "" if side else "left_"
        here = [state[names.index(f"{other}palm_fk_{axis}")] for axis in "xyz"]
        np.testing.assert_allclose(there, np.array(here) * [1, -1, 1])


def test_plans_are_those_of_the_other_hand(seen: Windows) -> None:
    """As the expert mirrors what it does with the left hand."""
    for ours, theirs in ((seen, mirrored(seen)), (mirrored(seen), seen)):
        for name in ("label", "executed", "last"):
            here, there = getattr(ours, name), getattr(theirs, name)
            np.testing.assert_array_equal(there[..., :3], here[..., :3] * [1, -1, -1])
            left, right = there[..., SIDES["left"]], here[..., SIDES["right"]]
            np.testing.assert_array_equal(left[..., :6], mirrored_pose(right[..., :6]))
            np.testing.assert_array_equal(left[..., 6], right[..., 6])


def test_what_is_told_is_seen_there(seen: Windows) -> None:
    """The thing's place and its pixel change sides together."""
    column = {name: n for n, name in enumerate(PRIVILEGED_NAMES)}
    ours, theirs = seen.privileged, mirrored(seen).privileged
    for name in ("object_y", "stance_y", "yaw", "pixel_x"):
        np.testing.assert_array_equal(theirs[:, column[name]], -ours[:, column[name]])
    for name in ("object_x", "object_z", "stance_x", "visible", "pixel_y"):
        np.testing.assert_array_equal(theirs[:, column[name]], ours[:, column[name]])


def test_words_are_exchanged_in_capitals_too(seen: Windows) -> None:
    loud = replace(seen, prompts=("Left cup", "the RIGHT one, bright", "cup"))
    assert mirrored(loud).prompts == ("right cup", "the left one, bright", "cup")


def test_joined_windows_stay_whole(seen: Windows) -> None:
    both = joined(seen, mirrored(seen))
    n = len(seen.episode)
    assert len(both) == 2 * len(seen)
    assert set(both.episode[:n]) == {0} and set(both.episode[n:]) == {1}
    assert (both.episode[both.following] == both.episode).all()
    np.testing.assert_array_equal(
        both.frames[both.look][len(seen) :], (mirrored(seen).frames[seen.look])
    )
    asked = [both.prompts[n] for n in both.prompt]
    assert asked == ["pick up the left cup"] * len(seen) + (
        ["pick up the right cup"] * len(seen)
    )


def test_only_what_is_learned_from_is_mirrored(seen: Windows, tmp_path: Path) -> None:
    three = joined(joined(seen, seen), seen)
    config = TokenizeConfig(
        datasets=(),
        out=tmp_path / "tokenizers",
        body=(G1_TWO_HANDS.name,),
        steps=2,
        batch=8,
        show_progress=False,
    )
    lesson = lesson_of(
        three,
        TokenizerSet.load(fit_tokenizers(config, [three])),
        text_bytes=64,
        augment=AugmentConfig(paraphrases=0),
        loss=LossConfig(),
        hold_out_every=3,
        measure=True,
        mirror=True,
    )
    assert lesson.held_out is not None and len(lesson.held_out) == len(seen)
    assert lesson.training.sum() == 4 * len(seen)
    rows = lesson.sampler.draw(2000, np.random.default_rng(0))
    learned = lesson.examples.windows
    episodes = learned.episode[learned.look[rows]]
    assert set(episodes) == {0, 1, 3, 4}
    told = {learned.prompts[n] for n in learned.prompt[rows][episodes > 2]}
    assert told == {"pick up the right cup"}


def test_one_handed_bodies_have_no_mirror(windows: Windows) -> None:
    with pytest.raises(ValueError, match=r"commands for both sides.*got 'g1'"):
        mirrored(windows)
    with pytest.raises(ValueError, match=r"commands for both sides.*got 'g1'"):
        TrainConfig(
            datasets=(), tokenizers=Path("t"), out=Path("o"), steps=1, mirror=True
        )
    with pytest.raises(ValueError, match="expected windows of body g1"):
        joined(windows, Windows(**{**vars(windows), "body": "car"}))
