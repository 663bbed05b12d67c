"""Recorded episodes as arrays in memory: looks, and what prompts ask for in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.policies.phases import PHASES, opened_hands
from brownfield.policies.pictures import Pictures
from brownfield.robot.bodies import body_named
from brownfield.robot.body import Body
from brownfield.robot.dataset_reader import DatasetReader
from brownfield.robot.trajectory import Trajectory
from brownfield.tokenizers.resize import area_resize

OF_ALL = ("body", "privileged_names", "prompts", "segment_names")
"""Fields of `Windows` that have no entries."""
OF_LOOKS = (
    "frames",
    "state",
    "last",
    "velocity",
    "executed",
    "following",
    "episode",
    "segments",
)
"""Fields of `Windows` with one entry for every look; the others have one a row."""
SIGHT = ("visible", "pixel_x", "pixel_y")
"""Last columns of the simulator's truth; those before are told by an auxiliary head."""
OTHER_WEIGHT = 0.4
"""Weight of a row whose prompt was not given, against one whose was: its labels are as
true, but its states are less like those that the prompt leads to."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """N looks (control ticks) and R rows: a look under one of the scene's prompts."""

    body: str
    """Whose they are."""

    frames: Pictures
    """(N, 64, 64, 3) head camera as the video tokenizer sees it."""

    state: NDArray[np.float32]
    """(N, S) physical units."""

    last: NDArray[np.float32]
    """(N, D) command being executed at the look."""

    velocity: NDArray[np.float32]
    """(N, D) how much it changed in the tick before [unit/s]; 0 at the first look."""

    executed: NDArray[np.float32]
    """(N, T, D) what was executed from here on; the last command repeats at the end."""

    following: NDArray[np.int64]
    """(N,) look after the executed part of the chunk, at most the episode's last."""

    episode: NDArray[np.int64]
    """(N,) number of the episode."""

    segments: Pictures | None = None
    """(N, 64, 64) what each pixel shows, entries of `segment_names`; 0, the rest, in
    episodes without; None where no episode was recorded with segments."""

    segment_names: tuple[str, ...] = ()
    """Classes of the segments."""

    look: NDArray[np.int64]
    """(R,) the row's look."""

    label: NDArray[np.float32]
    """(R, T, D) the expert's chunk under the row's prompt."""

    privileged: NDArray[np.float32]
    """(R, A + 3) simulator truth about what the row's prompt names: A quantities to
    tell, `visible`, `pixel_x`, `pixel_y`. The first two are its horizontal place in the
    body's frame [m]; the last of the A needs no sight of it."""

    privileged_names: tuple[str, ...]
    """Columns of `privileged`."""

    prompt: NDArray[np.int64]
    """(R,) row of `prompts`."""

    given: NDArray[np.bool_]
    """(R,) whether the episode was driven under this prompt."""

    prompts: tuple[str, ...]
    """Distinct prompts."""

    def __len__(self) -> int:
        """Number of rows R."""
        return len(self.look)

    def weights(self) -> NDArray[np.float64]:
        """(R,) chance of each row in training: one over the root of its phase's
        share, so that the few ticks of closing a hand are not drowned by walking.

        What a hand holds is let go of only under a prompt that was given: where every
        other prompt says that it is the wrong thing, a policy that carries something
        comes to believe that."""
        last = self.last[self.look]
        phase = PHASES[self.body](self.label, last)
        taught = self.given | ~opened_hands(self.label, last, body_named(self.body))
        share = np.bincount(phase[taught], minlength=phase.max() + 1) / taught.sum()
        weight = np.where(self.given, 1.0, OTHER_WEIGHT) * taught
        weight[taught] /= np.sqrt(share[phase[taught]])
        return weight / weight.sum()

    def held_out(self, every: int) -> NDArray[np.bool_]:
        """(N,) looks of every `every`-th episode; none when `every` is below 2."""
        if every < 2:
            return np.zeros(len(self.episode), bool)
        return self.episode % every == every - 1

    def looks(self, mask: NDArray[np.bool_]) -> "Windows":
        """The looks where `mask` (N,) holds and their rows; episodes must be taken
        whole."""
        new_look = np.cumsum(mask) - 1
        rows = mask[self.look]
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        taken: dict[str, Any] = {}
        for name, value in values.items():
            kept = mask if name in OF_LOOKS else rows
            if name in OF_ALL or value is None:
                taken[name] = value
            elif isinstance(value, Pictures):
                taken[name] = value.take(kept)
            else:
                taken[name] = value[kept]
        for name in ("following", "look"):
            taken[name] = new_look[taken[name]]
        return Windows(**taken)


def joined(one: Windows, other: Windows) -> Windows:
    """The episodes of both, of one body, those of `other` last.

    Raises:
        ValueError: bodies, truths or classes differ, or only one has segments.
    """
    for name in ("body", "privileged_names", "segment_names"):
        ours, theirs = getattr(one, name), getattr(other, name)
        if ours != theirs:
            raise ValueError(f"expected windows of {name} {ours}, got {theirs}")
    if (one.segments is None) != (other.segments is None):
        raise ValueError("expected segments in both windows or in none")
    prompts = {prompt: n for n, prompt in enumerate(one.prompts)}
    renamed = [prompts.setdefault(prompt, len(prompts)) for prompt in other.prompts]
    after = {f.name: getattr(other, f.name) for f in fields(other)}
    after["prompt"] = np.array(renamed, np.int64)[other.prompt]
    for name in ("look", "following"):
        after[name] = after[name] + len(one.episode)
    after["episode"] = other.episode + one.episode.max() + 1
    values: dict[str, Any] = {"body": one.body, "prompts": tuple(prompts)}
    values |= {n: getattr(one, n) for n in ("privileged_names", "segment_names")}
    for name in after.keys() - values.keys():
        mine = getattr(one, name)
        if mine is None:
            values[name] = None
        elif isinstance(mine, Pictures):
            values[name] = mine.joined(after[name])
        else:
            values[name] = np.concatenate([mine, after[name]])
    return Windows(**values)


FRAME_SIZE = 64
"""Side of the pictures that an eye gives back, of segments, and of the frames that it
sees unless it sees more finely [pixels]."""


def command_columns(body: Body) -> NDArray[np.int64]:
    """Columns of the state that hold the executed command (D,).

    Raises:
        ValueError: the body's state lacks one of them.
    """
    names = [field.name for field in body.state]
    wanted = [f"command_{field.name}" for field in body.action]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(f"{body.name} has no state field {missing[0]!r}")
    return np.array([names.index(name) for name in wanted])


def windows_of(
    trajectories: Iterable[Trajectory], body: Body, size: int = FRAME_SIZE
) -> Windows:
    """Lay trajectories out as looks and rows.

    Args:
        trajectories: episodes of `body`, read once.
        body: gives the chunk's length, the executed part and the state's columns.
        size: side of the frames kept [pixels].

    Raises:
        ValueError: no episode, or one of another body.
    """
    columns = command_columns(body)
    camera = body.cameras[0].name
    parts: dict[str, list[np.ndarray]] = {
        f.name: [] for f in fields(Windows) if f.name not in (*OF_ALL, "segments")
    }
    classes: list[np.ndarray | None] = []
    classes_names: tuple[str, ...] = ()
    prompts: dict[str, int] = {}
    names: tuple[str, ...] = ()
    start = 0
    for number, one in enumerate(trajectories):
        if one.body != body.name:
            raise ValueError(f"expected episodes of {body.name!r}, got {one.body!r}")
        names = names or one.privileged_names
        if one.privileged_names != names:
            raise ValueError(
                f"expected simulator truth {', '.join(names)}, got "
                f"{', '.join(one.privileged_names)}"
            )
        if names[-len(SIGHT) :] != SIGHT:
            raise ValueError(
                f"expected simulator truth that ends with {', '.join(SIGHT)}, got "
                f"{', '.join(one.privileged_names)}"
            )
        length = len(one.state)
        ahead = np.arange(length)[:, None] + np.arange(body.chunk_steps)
        following = np.minimum(np.arange(length) + body.executed_steps, length - 1)
        last = one.state[:, columns]
        looks = {
            "frames": area_resize(one.frames[camera], size),
            "state": one.state,
            "last": last,
            "velocity": np.diff(last, axis=0, prepend=last[:1]) * body.control_hz,
            "executed": one.action[np.minimum(ahead, length - 1)],
            "following": following + start,
            "episode": np.full(length, number),
        }
        for name, value in looks.items():
            parts[name].append(value)
        if one.segments is not None:
            classes_names = classes_names or one.segment_names
            _check_segments(one, classes_names)
        classes.append(one.segments)
        asked = [(one.prompt, one.label, one.privileged, True)]
        asked += [
            (other.prompt, other.label, other.privileged, False)
            for other in one.others
            if other.prompt
        ]
        for prompt, label, privileged, given in asked:
            index = prompts.setdefault(prompt, len(prompts))
            parts["look"].append(np.arange(start, start + length))
            parts["label"].append(label)
            parts["privileged"].append(privileged)
            parts["prompt"].append(np.full(length, index))
            parts["given"].append(np.full(length, given))
        start += length
    if not start:
        raise ValueError("there is no episode to learn from")
    # Frames fill the memory: let go of each list as soon as it is joined.
    frames = Pictures.of(np.concatenate(parts.pop("frames")))
    joined = {name: np.concatenate(parts.pop(name)) for name in list(parts)}
    for name in ("state", "last", "velocity", "label", "executed", "privileged"):
        joined[name] = joined[name].astype(np.float32, copy=False)
    for name in ("prompt", "following", "episode", "look"):
        joined[name] = joined[name].astype(np.int64, copy=False)
    return Windows(
        body=body.name,
        privileged_names=names,
        prompts=tuple(prompts),
        frames=frames,
        segments=_all_segments(classes, joined["episode"]),
        segment_names=classes_names,
        **joined,
    )  # type: ignore[arg-type]


def _check_segments(one: Trajectory, names: tuple[str, ...]) -> None:
    assert one.segments is not None
    if one.segments.shape[1:] != (FRAME_SIZE, FRAME_SIZE):
        raise ValueError(
            f"expected segments of {FRAME_SIZE}x{FRAME_SIZE}, got those of seed "
            f"{one.seed} with {one.segments.shape[1:]}"
        )
    if one.segment_names != names:
        raise ValueError(
            f"expected segments of {', '.join(names)}, got "
            f"{', '.join(one.segment_names)}"
        )


def _all_segments(
    classes: list[NDArray[np.uint8] | None], episode: NDArray[np.int64]
) -> Pictures | None:
    """Segments of all looks, nothing but the rest where an episode has none."""
    if all(each is None for each in classes):
        return None
    whole = np.zeros((len(episode), FRAME_SIZE, FRAME_SIZE), np.uint8)
    for number, each in enumerate(classes):
        if each is not None:
            whole[episode == number] = each
    return Pictures.of(whole)


def load_windows(
    paths: Sequence[Path],
    bodies: Sequence[str],
    *,
    rank: int = 0,
    ranks: int = 1,
    size: int = FRAME_SIZE,
) -> list[Windows]:
    """Read datasets; with several ranks each reads every `ranks`-th episode.

    Args:
        paths: datasets, each of one of the bodies.
        bodies: names, one or more.
        rank: of this process.
        ranks: how many processes share the episodes.
        size: side of the frames kept [pixels].

    Returns:
        the windows of each body, in their order.

    Raises:
        ValueError: no dataset was named, one is of another body, or a body has none.
    """
    if not paths:
        raise ValueError("name at least one dataset")
    readers: dict[str, list[DatasetReader]] = {body: [] for body in bodies}
    for path in paths:
        reader = DatasetReader(path)
        if reader.body.name not in readers:
            raise ValueError(
                f"dataset {path} is of body {reader.body.name!r}, expected "
                f"{', '.join(bodies)}"
            )
        readers[reader.body.name].append(reader)
    for body, found in readers.items():
        if not found:
            raise ValueError(f"no dataset is of body {body!r}")

    def episodes(body: str) -> Iterable[Trajectory]:
        number = 0
        for reader in readers[body]:
            for index in range(len(reader)):
                if number % ranks == rank:
                    yield reader.episode(index, size=size)
                number += 1

    return [windows_of(episodes(body), body_named(body), size) for body in bodies]
