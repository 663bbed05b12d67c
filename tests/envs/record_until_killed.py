"""Records synthetic episodes in a process of its own, which may be told to die.

Arguments: folder, number of episodes, workers, and after how many more writes to disk
the process kills itself (0: never).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "robot"))

from synthetic_episodes import SMALL_BODY, SyntheticEpisode  # type: ignore[import]

from brownfield.envs.record import record


def die_after(writes: int) -> None:
    """Let the process end just before one of its next calls that reach the disk."""
    left = writes

    def deadly(call):  # type: ignore[no-untyped-def]
        def wrapped(*arguments, **options):  # type: ignore[no-untyped-def]
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return wrapped

    os.fsync = deadly(os.fsync)
    os.replace = deadly(os.replace)
    os.unlink = deadly(os.unlink)


if __name__ == "__main__":
    folder, episodes, workers, writes = sys.argv[1], *map(int, sys.argv[2:])
    if writes:
        die_after(writes)
    record(
        Path(folder),
        range(episodes),
        SyntheticEpisode(sleep_s=0.2 if workers else 0),
        workers,
        body=SMALL_BODY,
        resume=True,
        progress=False,
    )
