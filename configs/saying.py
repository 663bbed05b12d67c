"""What a long measurement is doing: a spinner in a terminal, lines in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def saying(console: Console) -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done, while the context lasts."""
    if not console.is_terminal:
        yield lambda text: console.log(text, _stack_offset=2)
        return
    with console.status("") as status:
        yield status.update
