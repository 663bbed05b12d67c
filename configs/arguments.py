"""Command-line words and preset files into one typed dataclass, strictly."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import tyro
import yaml

Config = TypeVar("Config")


class _Loader(yaml.SafeLoader):
    """YAML whose only truths are `true` and `false`, so that `off` stays a word."""


_BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|false)$"), list("tf"))

_SHARED = {"aggregate": "record"}
"""Verbs that take the presets of another one."""


class UsageError(ValueError):
    """The command line is wrong; the message is one line."""


def parse_arguments(
    config: type[Config], words: Sequence[str], *, verb: str, summary: str
) -> Config:
    """The run that the words of a command line describe.

    `--preset NAME` reads `configs/<verb>_NAME.yaml`, or NAME itself when it is a file;
    words override it.

    Args:
        config: dataclass of the verb.
        words: of the command line, behind the verb.
        verb: for help and for finding presets.
        summary: a line for help.

    Raises:
        UsageError: unknown or malformed words, an unknown preset or key of a preset.
        SystemExit: help was asked for.
    """
    words, preset = _take_preset(list(words))
    names = ", ".join(sorted(preset_files(verb)))
    if names:
        summary += f"\n\n--preset NAME reads a preset; there are: {names}."
    if preset is not None:
        path = find_preset(verb, preset)
        given = preset_words(config, path)
        # Behind the leading positional words, so that a list does not swallow them.
        ahead = next((i for i, w in enumerate(words) if w.startswith("-")), len(words))
        words = [*words[:ahead], *given, *words[ahead:]]
    heard = io.StringIO()
    try:
        with contextlib.redirect_stderr(heard):
            return tyro.cli(
                config, args=words, prog=f"brownfield {verb}", description=summary
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise UsageError(_one_line(heard.getvalue())) from None


def preset_files(verb: str) -> dict[str, Path]:
    """Presets of a verb by name, those that it shares with another one included."""
    folder = Path(__file__).parent
    prefix = f"{_SHARED.get(verb, verb).replace(' ', '_')}_"
    # `bench_disturbance_kitchens` is of `bench disturbance`, not of `bench`.
    longer = tuple(f"{path.stem}_" for path in folder.glob(f"{prefix}*.py"))
    return {
        path.stem.removeprefix(prefix): path
        for path in sorted(folder.glob(f"{prefix}*.yaml"))
        if not path.stem.startswith(longer)
    }


def find_preset(verb: str, name: str) -> Path:
    """The file of a preset.

    Raises:
        UsageError: there is none; lists those that there are.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        if Path(name).is_file():
            return Path(name)
        raise UsageError(f"there is no preset file {name}")
    known = preset_files(verb)
    if name not in known:
        valid = ", ".join(sorted(known)) or "none"
        raise UsageError(f"unknown preset {name!r} of {verb}; there are: {valid}")
    return known[name]


def preset_words(config: type[Any], path: Path) -> list[str]:
    """A preset as words of a command line.

    Raises:
        UsageError: not readable, or a key that is no field.
    """
    try:
        content = yaml.load(path.read_text(), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"preset {path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"preset {path} must hold fields and values")
    return _words(config, content, "", path)


def _words(
    config: type[Any], content: dict[str, Any], prefix: str, path: Path
) -> list[str]:
    hints = get_type_hints(config, include_extras=True)
    names = [f.name for f in dataclasses.fields(config)]
    words: list[str] = []
    for name, value in content.items():
        if name not in names:
            raise UsageError(
                f"preset {path}: unknown key {prefix}{name}; "
                f"valid ones are {', '.join(names)}"
            )
        kind = hints[name]
        if tyro.conf.Positional in getattr(kind, "__metadata__", ()):
            raise UsageError(f"preset {path}: {name} belongs on the command line")
        flag = (prefix + str(name)).replace("_", "-")
        if dataclasses.is_dataclass(kind):
            if not isinstance(value, dict):
                raise UsageError(f"preset {path}: {prefix}{name} must hold fields")
            words += _words(kind, value, f"{prefix}{name}.", path)  # type: ignore[arg-type]
        elif isinstance(value, dict):
            raise UsageError(f"preset {path}: {prefix}{name} has no fields")
        elif isinstance(value, bool):
            dotted, _, last = flag.rpartition(".")
            off = f"--{dotted}.no-{last}" if dotted else f"--no-{last}"
            words.append(f"--{flag}" if value else off)
        elif isinstance(value, list):
            words += [f"--{flag}", *(str(v) for v in value)]
        else:
            words += [f"--{flag}", str(value)]
    return words


def _take_preset(words: list[str]) -> tuple[list[str], str | None]:
    """Words without `--preset NAME`, and the name."""
    for i, word in enumerate(words):
        if word == "--preset":
            if i + 1 == len(words):
                raise UsageError("--preset needs a name or a file")
            return words[:i] + words[i + 2 :], words[i + 1]
        if word.startswith("--preset="):
            return words[:i] + words[i + 1 :], word.removeprefix("--preset=")
    return words, None


def _one_line(boxed: str) -> str:
    """The parser's boxed message without its box, its advice, and its length."""
    lines = []
    for line in boxed.splitlines():
        text = line.strip("│ ").strip()
        if not text or text[0] in "╭╰":
            continue
        if set(text) <= {"─"}:
            break
        lines.append(text)
    message = re.sub(r"\s+", " ", " ".join(lines))
    message = re.sub(r"^Error parsing [A-Z]\w*: ", "", message)
    return message if len(message) <= 400 else message[:400] + " …"


def seed_range(text: str) -> range:
    """`A:B` as the seeds A to B - 1.

    Raises:
        ValueError: anything else, or no seed.
    """
    found = re.fullmatch(r"(\d+):(\d+)", text.replace("_", ""))
    if found is None or int(found[1]) >= int(found[2]):
        raise ValueError(
            f"seeds must be A:B with 0 <= A < B, meaning A to B - 1; got {text!r}"
        )
    return range(int(found[1]), int(found[2]))
