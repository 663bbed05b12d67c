"""Rows of recorded episodes."""

from dataclasses import replace

import numpy as np
import pytest

from brownfield.policies.phases import humanoid_phases
from brownfield.policies.windows import Windows, command_columns, windows_of
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.trajectory import Trajectory


def test_rows_follow_within_their_episode(windows: Windows) -> None:
    n_looks = len(windows.episode)
    assert windows.frames.shape == (n_looks, 64, 64, 3)
    ahead = windows.following - np.arange(n_looks)
    assert ((ahead >= 0) & (ahead <= G1_BODY.executed_steps)).all()
    assert (windows.episode[windows.following] == windows.episode).all()
    first = np.flatnonzero(windows.episode == 1)[0]
    assert windows.following[first] == first + G1_BODY.executed_steps


def test_last_is_the_command_in_the_state(windows: Windows) -> None:
    columns = command_columns(G1_BODY)
    assert np.array_equal(windows.last, windows.state[:, columns])


def test_a_look_has_a_row_for_every_prompt(windows: Windows) -> None:
    """Odd episodes leave one of two slots for other prompts unused."""
    for episode in range(12):
        rows = np.flatnonzero(windows.episode[windows.look] == episode)
        asked = {windows.prompts[i] for i in windows.prompt[rows]}
        assert len(asked) == (2 if episode % 2 else 3)
        per_look = np.bincount(windows.look[rows])
        assert set(per_look[per_look > 0]) == {len(asked)}
        assert windows.given[rows].sum() == len(rows) / len(asked)
    assert "" not in windows.prompts


def test_other_prompts_have_other_labels(windows: Windows) -> None:
    rows = np.flatnonzero(windows.look == 0)
    labels = windows.label[rows, 0, 1]
    assert len(np.unique(labels)) == len(rows) == 3


def test_whole_episodes_are_held_out(windows: Windows) -> None:
    kept = windows.held_out(4)
    assert set(windows.episode[kept]) == {3, 7, 11}
    assert not set(windows.episode[kept]) & set(windows.episode[~kept])
    part = windows.looks(kept)
    assert len(part) == kept[windows.look].sum()
    assert np.array_equal(
        part.frames[part.look], windows.frames[windows.look][kept[windows.look]]
    )
    assert (part.episode[part.following] == part.episode).all()
    assert not windows.held_out(0).any()


def test_rare_phases_are_drawn_more_often(windows: Windows) -> None:
    weights = windows.weights()
    assert weights.sum() == pytest.approx(1)
    phase = humanoid_phases(windows.label, windows.last[windows.look])
    counts = np.bincount(phase)
    rare, common = np.argmin(np.where(counts, counts, 10**9)), np.argmax(counts)
    assert weights[phase == rare][0] >= weights[phase == common][0]


def test_what_a_hand_holds_is_not_dropped_for_another_prompt(windows: Windows) -> None:
    last, label = windows.last.copy(), windows.label.copy()
    last[:, 9], label[:, :, 9] = 1.0, 1.0
    opens = np.arange(len(label)) % 2 == 0
    label[opens, :, 9] = 0.0
    weights = replace(windows, last=last, label=label).weights()
    assert (weights[opens & ~windows.given] == 0).all()
    assert (weights[~opens | windows.given] > 0).all()


def test_foreign_bodies_and_empty_data_are_refused(episode: Trajectory) -> None:
    with pytest.raises(ValueError, match="'g1'"):
        windows_of([replace(episode, body="car")], G1_BODY)
    with pytest.raises(ValueError, match="ends with visible, pixel_x, pixel_y"):
        windows_of([replace(episode, privileged_names=("a",) * 9)], G1_BODY)
    with pytest.raises(ValueError, match="no episode"):
        windows_of([], G1_BODY)


def test_segments_lie_beside_their_frames(episode: Trajectory) -> None:
    classes = np.zeros((len(episode), 64, 64), np.uint8)
    classes[:, 20:24, 20:24] = 2
    seen = replace(episode, segments=classes, segment_names=("rest", "cup", "hand"))
    windows = windows_of([episode, seen], G1_BODY)
    assert windows.segments is not None and windows.segment_names == seen.segment_names
    assert not windows.segments[windows.episode == 0].any()
    last = windows.looks(windows.episode == 1)
    assert last.segments is not None and np.array_equal(last.segments[:], classes)
    assert windows_of([episode], G1_BODY).segments is None
    with pytest.raises(ValueError, match="expected segments of 64x64"):
        windows_of([replace(seen, segments=classes[:, ::2, ::2])], G1_BODY)
    other = replace(seen, segment_names=("rest", "box", "hand"))
    with pytest.raises(ValueError, match="expected segments of rest, cup, hand"):
        windows_of([seen, other], G1_BODY)
