"""Command lines and presets: strict, and told in one line."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
from tyro.conf import Positional

from brownfield.configs.arguments import (
    UsageError,
    parse_arguments,
    preset_words,
    seed_range,
)


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Nested fields."""

    rate: float = 0.5
    """A rate."""
    on: bool = False
    """A switch."""


@dataclass(frozen=True, kw_only=True)
class Outer:
    """A verb."""

    target: Annotated[Path, Positional]
    """What it is about."""
    names: tuple[str, ...] = ("a",)
    """A list."""
    steps: int | None = None
    """A number, or none."""
    inner: Inner = field(default_factory=Inner)
    """Nested."""

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 0:
            raise ValueError(f"steps must not be negative, got {self.steps}")


def parse(*words: str) -> Outer:
    return parse_arguments(Outer, words, verb="outer", summary="does it")


def preset(folder: Path, text: str) -> str:
    path = folder / "run.yaml"
    path.write_text(text)
    return str(path)


def test_words_override_the_preset_and_lists_do_not_swallow(tmp_path: Path) -> None:
    text = "steps: 3\ninner: {rate: 2, on: true}\nnames: [x, y]\n"
    path = preset(tmp_path, text)
    expected = Outer(
        target=Path("here"), names=("x", "y"), steps=3, inner=Inner(rate=2, on=True)
    )
    assert parse("here", "--preset", path) == expected
    words = (f"--preset={path}", "--steps", "4", "--inner.no-on", "here")
    changed = parse(*words)
    assert changed.steps == 4 and not changed.inner.on
    assert changed.names == ("x", "y") and changed.target == Path("here")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz: 3", "unknown key stepz; valid ones are target, names, steps, inner"),
        ("inner: {rat: 1}", "unknown key inner.rat; valid ones are rate, on"),
        ("inner: 3", "inner must hold fields"),
        ("steps: {a: 1}", "steps has no fields"),
        ("target: x", "target belongs on the command line"),
        ("- 1", "must hold fields and values"),
        ("a: [", "is not YAML"),
    ],
)
def test_presets_are_strict(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        preset_words(Outer, Path(preset(tmp_path, text)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "target|TARGET|PATH"),
        (("here", "--nonsense", "3"), "--nonsense"),
        (("here", "--steps", "many"), "many"),
        (("here", "--steps", "-4"), "steps must not be negative, got -4"),
        (("here", "--preset"), "needs a name"),
        (("here", "--preset", "none"), "unknown preset 'none'"),
        (("here", "--preset", "none.yaml"), "no preset file"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse(*words)
    assert "\n" not in str(caught.value)


def test_seed_ranges() -> None:
    assert seed_range("1000000:1000200") == range(1_000_000, 1_000_200)
    for wrong in ("", "5", "5:5", "6:5", "-1:5", "a:b", "1:2:3"):
        with pytest.raises(ValueError, match="A:B"):
            seed_range(wrong)
