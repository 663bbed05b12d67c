"""Guards of the layout: links, shadowing, import direction, size of files."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("tokenizers", "robot", "envs", "policies", "configs")
"""A folder imports only from itself and from those before it."""


def test_every_folder_is_linked_and_is_a_namespace() -> None:
    linked = sorted(p.name for p in (ROOT / ".src" / "brownfield").iterdir())
    assert linked == sorted(ORDER)
    for name in ORDER:
        link = ROOT / ".src" / "brownfield" / name
        assert link.is_symlink()
        assert link.resolve() == ROOT / name
        assert not (ROOT / name / "__init__.py").exists(), (
            f"{name}/__init__.py would shadow other packages called {name}"
        )


def test_folders_do_not_shadow_installed_packages() -> None:
    try:
        importlib.metadata.distribution("tokenizers")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package `tokenizers` is not installed")
    subprocess.run(
        [sys.executable, "-c", "from tokenizers import Tokenizer"],
        cwd=ROOT,
        check=True,
    )


def foreign_imports(source: str, folder: str, depth: int) -> list[str]:
    """Folders that `source` may not import from.

    Args:
        source: Python code of a file in `folder`.
        folder: one of `ORDER`.
        depth: sub-folders between `folder` and the file.
    """
    allowed = ORDER[: ORDER.index(folder) + 1]
    wrong: list[str] = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            if node.level > depth + 1:
                wrong.append("." * node.level + (node.module or ""))
        elif isinstance(node, ast.ImportFrom) and node.module == "brownfield":
            names = [f"brownfield.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            head, _, rest = name.partition(".")
            if head == "brownfield" and rest.split(".")[0] not in allowed:
                wrong.append(name)
    return wrong


@pytest.mark.parametrize("folder", ORDER)
def test_imports_point_one_way(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        depth = len(path.relative_to(ROOT / folder).parts) - 1
        wrong = foreign_imports(path.read_text(), folder, depth)
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize(
    ("source", "folder"),
    [
        ("from brownfield.envs.kitchen import Kitchen", "robot"),
        ("import brownfield.configs.cli", "policies"),
        ("from brownfield import policies", "envs"),
        ("from ..robot import body", "tokenizers"),
        ("def f():\n    from brownfield.robot.body import Body", "tokenizers"),
    ],
)
def test_a_wrong_import_is_found(source: str, folder: str) -> None:
    assert foreign_imports(source, folder, depth=0)


def test_files_stay_readable() -> None:
    folders = (*ORDER, "tests")
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    }
    long = {str(path): n for path, n in lengths.items() if n > 600}
    assert not long, f"files over 600 lines: {long}"
    assert sorted(lengths.values())[len(lengths) // 2] < 200
