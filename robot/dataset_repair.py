"""A dataset whose writer was killed, made whole again."""

from __future__ import annotations

import os
from pathlib import Path

from brownfield.robot.dataset_journal import (
    Journal,
    clear_leftovers,
    lock,
    sha256_of,
)
from brownfield.robot.dataset_meta import meta_files, seal
from brownfield.robot.dataset_schema import JOURNAL_PATH


def repair(path: Path) -> list[str]:
    """Make `meta/` anew from the journal and put aside what the journal does not name.

    Args:
        path: folder of the dataset.

    Returns:
        what was done, a line each.

    Raises:
        FileNotFoundError: there is no journal.
        BlockingIOError: a writer is at work.
        ValueError: a committed file is missing or altered, or no episode was committed;
            then nothing has been changed.
    """
    root = Path(path)
    if not (root / JOURNAL_PATH).is_file():
        raise FileNotFoundError(f"{root} holds no {JOURNAL_PATH}: not our dataset")
    claim = lock(root)
    try:
        journal = Journal(root)
        if not journal.episodes:
            raise ValueError(
                f"{root} holds no committed episode: record it anew or resume"
            )
        for name, file in journal.files().items():
            if not (root / name).is_file():
                raise ValueError(f"{root}: {name} is missing; bring it back first")
            if sha256_of(root / name) != file["sha256"]:
                raise ValueError(
                    f"{root}: {name} is not what was committed; bring it back first"
                )
        done = clear_leftovers(root, journal, set(meta_files(journal)))
        seal(root, journal)
        done.append(f"made meta/ for {len(journal.episodes)} episodes")
        return done
    finally:
        os.close(claim)
