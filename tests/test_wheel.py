"""The wheel holds everything that runs, and runs away from the repository."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("tokenizers", "robot", "envs", "policies", "configs")


def test_wheel_is_whole_and_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", str(ROOT)]
    command += ["--disable-pip-version-check", "-w", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("brownfield-*.whl")
    listed = subprocess.run(
        ["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    # A file that is deleted but not yet committed is in neither.
    wanted = {f"brownfield/{name}" for name in listed if (ROOT / name).is_file()}
    assert wanted and not wanted - inside
    assert not [n for n in inside if n.startswith("brownfield/tests")]
    # Without the editable installation's path, nothing of the repository is seen.
    code = (
        "import sys; sys.path[:] = [sys.argv[1], *(p for p in sys.path if '.src' not "
        "in p)]; from brownfield.configs.cli import main; "
        "from brownfield.policies.report import report_html; sys.exit(main(['--help']))"
    )
    installed = str(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-c", code, installed],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: brownfield" in done.stdout
