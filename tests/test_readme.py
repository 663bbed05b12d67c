"""The README's Python runs, its verbs exist, its tree is the tree."""

import re
from pathlib import Path

from brownfield.configs.arguments import preset_files
from brownfield.configs.cli import VERBS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_python_examples_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        scope: dict[str, object] = {}
        exec(block, scope)
        for value in scope.values():
            if hasattr(value, "reset") and hasattr(value, "close"):
                value.close()  # type: ignore[attr-defined]


def test_verbs_and_presets_exist() -> None:
    rows = re.findall(r"^\| `([a-z -]+?)(?: [A-Z\"]| check|`)", README, re.MULTILINE)
    assert rows == list(VERBS)
    told = re.findall(r"brownfield (\w.*)--preset ([a-z]\w*)", README)
    assert told
    for words, preset in told:
        # The longest: `bench disturbance` has presets, `bench` has none.
        verb = max((v for v in VERBS if f"{words} ".startswith(f"{v} ")), key=len)
        assert preset in preset_files(verb), f"{verb} --preset {preset}"


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_tree_is_the_tree() -> None:
    for folder in re.findall(r"^    ├── (\S+)/", README, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
