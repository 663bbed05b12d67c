"""A measurement as one HTML page: charts, tables, pictures and films."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from brownfield.policies.charts import log_curves, share_curves
from brownfield.policies.intervals import Share

Lines = dict[str, tuple[list[float], list[float]]]
"""x and y of every line by its name."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under a title."""

    title: str
    """What it is of."""
    head: list[str]
    """Names of the columns."""
    rows: list[list[str]]
    """Cells."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines between two logarithmic axes."""

    title: str
    """Above it."""
    axes: tuple[str, str]
    """What x and y are."""
    lines: Lines
    """Dashed where the name ends in *."""


@dataclass(frozen=True, kw_only=True)
class ShareChart:
    """Lines of shares of successes, with their intervals as bands."""

    title: str
    """Above it."""
    axis: str
    """What x is."""
    lines: dict[str, tuple[list[float], list[Share]]]
    """x and shares of every line by its name."""


def write_page(
    path: Path,
    title: str,
    lead: str,
    charts: Sequence[Chart | ShareChart],
    tables: list[Table],
    films: dict[str, Path] | None = None,
) -> None:
    """Write the page whole or not at all; it needs nothing beside itself.

    Args:
        path: HTML file.
        title: of the page.
        lead: what was measured, in a sentence.
        charts: at the top.
        tables: below.
        films: MP4 by title, embedded between.
    """
    style = files("brownfield.policies").joinpath("report.css").read_text()
    parts = [f"<h1>{escape(title)}</h1><p class=dim>{escape(lead)}</p>"]
    for chart in charts:
        if isinstance(chart, Chart):
            drawn = log_curves(chart.title, chart.axes, chart.lines)
        else:
            drawn = share_curves(chart.title, chart.axis, chart.lines)
        parts.append(f'<div class="card">{drawn}</div>')
    for name, film in (films or {}).items():
        data = base64.b64encode(film.read_bytes()).decode()
        parts.append(
            f"<h2>{escape(name)}</h2><video controls loop muted playsinline "
            f'src="data:video/mp4;base64,{data}"></video>'
        )
    for table in tables:
        head = "".join(f"<th>{escape(h)}</th>" for h in table.head)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>"
            for row in table.rows
        )
        parts.append(
            f"<h2>{escape(table.title)}</h2><div class=card><table><tr>{head}</tr>"
            f"{body}</table></div>"
        )
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        f"{''.join(parts)}</body></html>"
    )
    temporary = path.with_suffix(".tmp")
    temporary.write_text(page)
    os.replace(temporary, path)
