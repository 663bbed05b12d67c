"""Episodes of an evaluation as they end, so that one that is cut short can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from brownfield.policies.results import EpisodeResult

NAME = "episodes.jsonl"
"""Of the journal, in the folder of an evaluation that has not ended."""

Key = tuple[str, int]
"""Actor and seed of an episode."""
Add = Callable[[EpisodeResult, float], None]
"""Writes down an episode and the wall time so far [s]."""


@contextmanager
def journal(
    folder: Path, about: dict[str, Any], before: Iterable[EpisodeResult], spent_s: float
) -> Iterator[Add]:
    """A journal in a folder, which a line is added to for every episode; it is removed
    when all went well.

    Args:
        folder: of the evaluation.
        about: what decides the outcome; whoever goes on must mean the same.
        before: episodes to begin with.
        spent_s: wall time that they took [s].
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    aside = path.with_name(f".{NAME}.{os.getpid()}.tmp")
    with aside.open("w") as file:

        def write(line: dict[str, Any]) -> None:
            file.write(json.dumps(line) + "\n")
            file.flush()

        def add(episode: EpisodeResult, wall_s: float) -> None:
            write({"wall_s": round(wall_s, 1), "episode": asdict(episode)})

        write({"about": about})
        for episode in before:
            add(episode, spent_s)
        os.replace(aside, path)  # The file stays open under its new name.
        yield add
    path.unlink()


def written(
    folder: Path, about: dict[str, Any]
) -> tuple[dict[Key, EpisodeResult], float]:
    """Episodes that a journal holds, and the wall time that they took [s]; none where
    there is no journal.

    Raises:
        ValueError: the journal is of another evaluation, or no journal.
    """
    path = folder / NAME
    if not path.is_file():
        return {}, 0.0
    # Whoever was killed while writing left half a line, which is nothing.
    whole = path.read_text().rpartition("\n")[0]
    if not whole:
        return {}, 0.0
    try:
        first, *lines = (json.loads(line) for line in whole.split("\n"))
        theirs = first["about"]
        episodes = [EpisodeResult(**line["episode"]) for line in lines]
        wall_s = max((float(line["wall_s"]) for line in lines), default=0.0)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: expected the journal of an evaluation, got something else; "
            "remove it, or evaluate without resume"
        ) from error
    if theirs != json.loads(json.dumps(about)):
        other = sorted(name for name in about if theirs.get(name) != about[name])
        raise ValueError(
            f"{path} is of an evaluation with another {' and '.join(other)}: give the "
            "same checkpoint, code and settings, or evaluate without resume"
        )
    return {(e.actor, e.seed): e for e in episodes}, wall_s
