"""Processes that train together end together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WORK = """
import os, signal, sys, time
from pathlib import Path
from brownfield.policies.ranks import Ranks, run_ranks

def work(folder: str, ranks: Ranks) -> None:
    Path(folder, f"{ranks.rank}.pid").write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    # As in a job that a script puts into the background.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_ranks(work, sys.argv[1], 2, 1)
"""


def _runs(pid: int) -> bool:
    """Whether a process is there and not only waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_ranks_end_with_who_started_them(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(WORK)
    path = os.pathsep.join(sys.path)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": path},
    )
    pids: list[int] = []
    try:
        for _ in range(600):
            files = sorted(tmp_path.glob("*.pid"))
            pids = [int(file.read_text() or 0) for file in files]
            if len(pids) == 2 and all(pids):
                break
            assert parent.poll() is None
            time.sleep(0.1)
        assert len(pids) == 2 and all(_runs(pid) for pid in pids)
        parent.kill()
        parent.wait()
        for _ in range(100):
            if not any(_runs(pid) for pid in pids):
                break
            time.sleep(0.1)
        assert not any(_runs(pid) for pid in pids)
    finally:
        parent.kill()
        for pid in filter(_runs, pids):
            os.kill(pid, signal.SIGKILL)
