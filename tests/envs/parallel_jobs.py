"""Jobs that worker processes can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

READY = False


def initialise() -> None:
    """Set a flag in this process."""
    global READY
    READY = True


def square(job: int) -> int:
    """Slow for every third job; job 13 fails, job 17 dies."""
    if job == 13:
        raise ValueError("unlucky")
    if job == 17:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1 if job % 3 == 0 else 0)
    return job * job


def surroundings(job: int) -> tuple[bool, str | None, int]:
    """Whether `initialise` ran, the number of threads, the process."""
    return READY, os.environ.get("OMP_NUM_THREADS"), os.getpid()


def leave_mark(job: tuple[str, int]) -> int:
    """Make a file that tells that the job was begun."""
    folder, number = job
    Path(folder, str(number)).touch()
    if number == 0:
        time.sleep(0.4)
    return number


def hang(job: int) -> int:
    """Never end, except for job 0."""
    while job:
        time.sleep(1)
    return os.getpid()
