import importlib
import os
import sys
import time
from pathlib import Path

import pytest

from brownfield.envs.parallel import JobError, ordered_map

sys.path.insert(0, str(Path(__file__).parent))
jobs = importlib.import_module("parallel_jobs")


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_the_order_of_the_jobs(workers: int) -> None:
    assert list(ordered_map(jobs.square, range(8), workers)) == [i**2 for i in range(8)]


def test_processes_compute_with_one_thread_after_their_initializer() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    seen = list(ordered_map(jobs.surroundings, range(6), 2, jobs.initialise))
    assert {s[:2] for s in seen} == {(True, "1")}
    assert os.getpid() not in {s[2] for s in seen}
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_a_failure_is_named_when_its_turn_comes() -> None:
    results = ordered_map(jobs.square, [1, 2, 13, 4], 2)
    assert [next(results), next(results)] == [1, 4]
    with pytest.raises(JobError, match="job 13: ValueError: unlucky") as caught:
        next(results)
    assert "parallel_jobs.py" in caught.value.__notes__[0]


def test_a_death_is_named() -> None:
    results = ordered_map(jobs.square, [1, 17, 2, 3], 2)
    assert next(results) == 1
    with pytest.raises(JobError, match="job 17: its process died with exit code -9"):
        list(results)


def test_no_more_is_begun_than_the_look_ahead(tmp_path: Path) -> None:
    work = [(str(tmp_path), number) for number in range(12)]
    results = ordered_map(jobs.leave_mark, work, 2, look_ahead=4)
    assert next(results) == 0
    # Job 0 was the slow one: all that may be begun before it ends, was.
    time.sleep(0.05)
    assert len(list(tmp_path.iterdir())) == 4
    assert list(results) == list(range(1, 12))


def test_ending_early_ends_the_processes() -> None:
    results = ordered_map(jobs.hang, range(3), 2)
    pid = next(results)
    results.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="expected workers >= 0"):
        ordered_map(jobs.square, [1], -1)
    with pytest.raises(ValueError, match="look_ahead >= 1"):
        ordered_map(jobs.square, [1], 1, look_ahead=0)
    assert list(ordered_map(jobs.square, [], 2)) == []
