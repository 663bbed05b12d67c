"""Recording: the same rows however many processes, kills and resumptions."""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.parallel import JobError
from brownfield.envs.record import record
from brownfield.robot.dataset_reader import DatasetReader
from brownfield.robot.dataset_repair import repair
from brownfield.robot.dataset_validate import validate

sys.path.insert(0, str(Path(__file__).parents[1] / "robot"))
synthetic = importlib.import_module("synthetic_episodes")
BODY = synthetic.SMALL_BODY
EPISODES = 10


def _record(out: Path, seeds: range | list[int], workers: int = 0, **options: object):
    return record(
        out,
        seeds,
        synthetic.SyntheticEpisode(**options),
        workers,
        body=BODY,
        resume=out.exists(),
        progress=False,
    )


def _bytes(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "quarantine" not in path.parts
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("whole") / "set"
    _record(path, range(EPISODES))
    assert validate(path) == []
    return _bytes(path)


def test_the_number_of_processes_changes_nothing(
    uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    summary = _record(tmp_path / "set", range(EPISODES), 3, sleep_s=0.05)
    assert _bytes(tmp_path / "set") == uninterrupted
    assert (summary.episodes, summary.recorded, summary.skipped) == (10, 10, 0)
    reader = DatasetReader(tmp_path / "set", body=BODY)
    assert summary.successes == sum(e.success for e in reader.episodes)
    assert summary.frames == sum(e.length for e in reader.episodes)


def test_resuming_leaves_out_what_is_there(
    uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "set"
    _record(out, range(4))
    summary = _record(out, range(EPISODES))
    assert (summary.recorded, summary.skipped) == (6, 4)
    assert _bytes(out) == uninterrupted
    assert _record(out, range(EPISODES)).recorded == 0
    assert _bytes(out) == uninterrupted


def _process(out: Path, workers: int, writes: int) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("record_until_killed.py")
    paths = [str(p) for p in sys.path if p]
    return subprocess.Popen(
        [
            sys.executable,
            str(script),
            str(out),
            str(EPISODES),
            str(workers),
            str(writes),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _check_repaired(out: Path, copy: Path) -> None:
    """What a kill left can be repaired without recording on."""
    if not (out / "journal.jsonl").exists():
        return
    shutil.copytree(out, copy)
    try:
        repair(copy)
    except ValueError as error:
        assert "no committed episode" in str(error)
        return
    assert validate(copy) == []
    for index, episode in enumerate(DatasetReader(copy, body=BODY)):
        want = synthetic.SyntheticEpisode()(index)
        np.testing.assert_array_equal(episode.state, want.state)


@pytest.mark.parametrize("seed", range(2))
def test_killed_between_any_two_writes(
    seed: int, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    rng = np.random.default_rng(seed)
    out = tmp_path / "set"
    attempt = 0
    for attempt in range(40):
        # An episode takes about ten such calls, sealing about nine.
        process = _process(out, 0, int(rng.integers(1, 60)))
        _, errors = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors
        _check_repaired(out, tmp_path / f"copy{attempt}")
    assert attempt > 1
    assert validate(out) == []
    assert _bytes(out) == uninterrupted


def test_killed_at_any_time_with_processes_at_work(
    uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "set"
    rng = np.random.default_rng(0)
    for attempt in range(3):
        process = _process(out, 2, 0)
        # Half a second and more goes into imports.
        time.sleep(0.6 + 0.8 * rng.random())
        process.kill()
        process.communicate()
        _check_repaired(out, tmp_path / f"copy{attempt}")
    process = _process(out, 2, 0)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert _bytes(out) == uninterrupted


def _running(group: int) -> list[str]:
    """Processes of a group that still run; dead ones may wait for their burial."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        state, _, process_group = text.rpartition(")")[2].split()[:3]
        if int(process_group) == group and state != "Z":
            found.append(text)
    return found


def test_ctrl_c_keeps_what_was_committed(tmp_path: Path) -> None:
    out = tmp_path / "set"
    process = _process(out, 2, 0)
    while not any(out.glob("videos/*/*/*-001.mp4")):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode != 0
    # One story, told once: the interrupt may come while another error is handled.
    chained = errors.count("During handling of the above exception")
    assert errors.count("Traceback") - chained == 1, errors
    assert validate(out) == []
    until = time.monotonic() + 5
    while _running(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _running(process.pid)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failing_episode_is_named_and_the_others_stay(
    workers: int, tmp_path: Path
) -> None:
    with pytest.raises(JobError, match="job 3: RuntimeError: the robot lost its head"):
        _record(tmp_path / "set", range(6), workers, fails=3)
    assert validate(tmp_path / "set") == []
    assert len(DatasetReader(tmp_path / "set", body=BODY)) == 3


def test_bad_seeds_leave_nothing(tmp_path: Path) -> None:
    for seeds, message in (
        ([3, 4, 3], "got 3 twice"),
        ([-1], r"in \[0, 2\*\*63\)"),
    ):
        with pytest.raises(ValueError, match=message):
            _record(tmp_path / "set", seeds)
    with pytest.raises(JobError):
        _record(tmp_path / "set", [0], fails=0)
    assert not (tmp_path / "set").exists()


def test_another_dataset_is_not_overwritten(tmp_path: Path) -> None:
    _record(tmp_path / "set", range(1))
    with pytest.raises(FileExistsError, match="resume it"):
        record(tmp_path / "set", [1], synthetic.SyntheticEpisode(), 0, body=BODY)


def test_the_bar_shows_rate_and_share(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path / "set", range(3), synthetic.SyntheticEpisode(), 0, body=BODY)
    shown = capsys.readouterr().out
    assert "3/3" in shown
    episodes = DatasetReader(tmp_path / "set", body=BODY).episodes
    assert f"success {100 * sum(e.success for e in episodes) / 3:.1f} %" in shown
