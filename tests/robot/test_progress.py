"""A bar says something where nobody watches, too, and not too often."""

from io import StringIO

from rich.console import Console
from rich.progress import MofNCompleteColumn

from brownfield.robot.progress import EVERY_S, LoggedProgress


def lines(seconds: list[float], **options: bool) -> list[str]:
    """What is written before the end when a task advances at these times."""
    clock = [0.0]
    file = StringIO()
    console = Console(file=file, force_terminal=options.pop("terminal", False))
    bar = LoggedProgress(
        MofNCompleteColumn(), console=console, get_time=lambda: clock[0], **options
    )
    task = bar.add_task("work", total=len(seconds))
    for clock[0] in seconds:
        bar.update(task, advance=1)
    return file.getvalue().split()


def test_a_log_gets_a_line_a_minute() -> None:
    often = [EVERY_S * i / 4 for i in range(9)]
    assert lines(often) == ["5/9", "9/9"]


def test_terminals_and_the_disabled_get_none() -> None:
    often = [EVERY_S * i for i in range(4)]
    assert lines(often) != []
    assert lines(often, terminal=True) == lines(often, disable=True) == []
