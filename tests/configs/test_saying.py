"""Logs get lines, terminals do not fill up with them."""

import io

from rich.console import Console

from brownfield.configs.saying import saying


def _said(terminal):
    out = io.StringIO()
    with saying(Console(file=out, force_terminal=terminal, width=80)) as say:
        say("first")
        say("second")
    return out.getvalue()


def test_a_log_gets_lines():
    lines = _said(terminal=False).splitlines()
    assert ["first" in lines[0], "second" in lines[1]] == [True, True]
    assert len(lines) == 2


def test_a_terminal_is_left_as_it_was():
    said = _said(terminal=True)
    assert "second" in said
    # The line is erased in the end.
    assert said.rstrip("\r").endswith("\x1b[2K")
