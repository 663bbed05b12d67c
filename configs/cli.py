"""The command `brownfield`: one verb, one call into one folder."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from brownfield.configs.arguments import UsageError, parse_arguments
from brownfield.configs.graphics import choose_renderer
from brownfield.envs.parallel import JobError

VERBS = {
    "record": "record demonstrations of the expert as a dataset",
    "validate": "check a dataset against every rule of its format",
    "repair": "make a dataset whole whose writer was killed",
    "tokenize": "fit the tokenizers of state, action and video",
    "tokenize video": "fit the causal video tokenizer to any camera's datasets",
    "train": "train a policy",
    "aggregate": "let the policy drive and record what the expert would have done",
    "evaluate": "run a policy on held-out seeds beside its baselines",
    "prompt": "tell a robot what to do, and film it",
    "place": "check a place by path and draw it",
    "probe": "compare what tokens tell with what the frames show",
    "probe video": "the same of the video tokenizer's codes",
    "demo": "obey a prompt; then record, train and evaluate from nothing",
    "bench": "measure speed, and action tokens",
    "bench video-tokens": "measure video tokenizers beside video codecs",
    "bench video-quantisers": "fit the video tokenizer with other quantisers",
    "bench disturbance": "measure success against pushes, latency and more",
}
"""Verbs in the order of the work. `configs/<verb>.py` holds a verb's dataclass under
the verb's name, capitalised, and a function `run` (`tokenize video` is `TokenizeVideo`
in `tokenize_video.py`); only that module is imported, since torch alone takes
seconds."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    0: done; 1: done, and what was checked is not in order; 2: a mistake of the caller,
    told in one line; 130: interrupted. `BROWNFIELD_DEBUG=1` shows the traceback.
    """
    words = list(sys.argv[1:] if words is None else words)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if words else 2
    verb, *rest = words
    if " ".join(words[:2]) in VERBS:
        verb, *rest = " ".join(words[:2]), *words[2:]
    if verb not in VERBS:
        print(
            f"brownfield: unknown verb {verb[:40]!r}; the verbs are {', '.join(VERBS)}",
            file=sys.stderr,
        )
        return 2
    choose_renderer()
    try:
        config, run = verb_of(verb)
        parsed = parse_arguments(config, rest, verb=verb, summary=VERBS[verb])
        return int(run(parsed) or 0)
    except KeyboardInterrupt:
        print("brownfield: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output, `head` perhaps, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as stop:
        return int(stop.code or 0)
    except (UsageError, ValueError, OSError, JobError, FloatingPointError) as error:
        if os.environ.get("BROWNFIELD_DEBUG") == "1":
            raise
        print(f"brownfield {verb}: {_one_line(error)}", file=sys.stderr)
        return 2


def verb_of(verb: str) -> tuple[type[Any], Callable[[Any], int]]:
    """The dataclass of a verb and what runs it."""
    name = verb.replace(" ", "_").replace("-", "_")
    module = importlib.import_module(f"brownfield.configs.{name}")
    return getattr(module, name.title().replace("_", "")), module.run


def _help() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {summary}" for verb, summary in VERBS.items()]
    return "\n".join(
        [
            "usage: brownfield VERB [OPTIONS]",
            "",
            *lines,
            "",
            "brownfield VERB --help tells the options of a verb.",
        ]
    )


def _one_line(error: BaseException) -> str:
    message = " ".join(str(error).split()) or type(error).__name__
    return message if len(message) <= 600 else message[:600] + " …"


if __name__ == "__main__":
    sys.exit(main())
