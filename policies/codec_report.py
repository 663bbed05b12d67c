"""Comparisons of action tokenizers as tables and as one HTML page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from brownfield.policies.charts import log_curves

MOST = 130
"""Ids that the chart has room for."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under a title."""

    title: str
    """What it is of."""
    head: list[str]
    """Names of the columns."""
    rows: list[list[str]]
    """Cells."""


def codec_tables(result: dict[str, Any]) -> list[Table]:
    """Tables of what `codec_bench` measured."""
    tokens = result["tokens"]
    heads = [f"RMSE {error:g}" for error in tokens["rmse"]]
    rows = [[name, *map(_number, row)] for name, row in tokens["ids"].items()]
    for name, cells in tokens["ratio"].items():
        rows.append([f"{name} / FAST, strongest", *map(_ratio, cells)])
    tables = [
        Table(title="Ids per window at equal error", head=["", *heads], rows=rows),
        Table(
            title="RMSE of the first ids",
            head=["", *(f"{k} ids" for k in result["prefix"]["ids"])],
            rows=[
                [name, *(f"{x:.3f}" for x in row)]
                for name, row in result["prefix"]["rmse"].items()
            ],
        ),
    ]
    rows = []
    for name, own in result["edits"].items():
        learn = result["learnability"][name]
        rows.append(
            [
                name,
                f"{result['seam'][name]:.2f}",
                *(f"{own[k][0]:.3f} / {own[k][1]:.3f}" for k in own),
                f"{learn['neighbour_rank']:.4f}",
                f"{100 * learn['overlap']:.0f} %",
            ]
        )
    edits = ["no edit", "one id replaced", "one id by 1"]
    tables.append(
        Table(
            title="Seams (times the true second difference); largest error after an "
            "edit (median / 90 %); rank of neighbours; ids shared by adjacent windows",
            head=["", "seam", *edits, "rank", "shared"],
            rows=rows,
        )
    )
    strings, failed = result["strings"], result["curves"]["FAST as published"]["failed"]
    random = [str(strings["broken"]), str(strings["decoded"])]
    own = [str(max(failed)), str(result["windows"])]
    tables.append(
        Table(
            title="Strings that are no motion",
            head=["", "broken", "of"],
            rows=[
                ["ladder, random strings", *random],
                ["FAST as published, its own true windows", *own],
            ],
        )
    )
    tables.append(
        Table(
            title="Microseconds per window, one thread",
            head=["", "us"],
            rows=[[name, f"{us:.1f}"] for name, us in result["speed_us"].items()],
        )
    )
    return tables


def write_codec_report(path: Path, result: dict[str, Any]) -> None:
    """One page: the curve, and the tables; written whole or not at all."""
    bound = result["bound"]
    lines = _lines(result["curves"])
    lines["Gaussian bound*"] = (bound["tokens"], bound["rmse"])
    lead = (
        f"{result['windows']} held-out windows, {len(result['folds'])} folds that "
        f"share no kind of motion, vocabulary of {result['vocab_size']}."
    )
    _write_page(path, "Action tokens", lead, lines, codec_tables(result))


def lever_tables(result: dict[str, Any]) -> list[Table]:
    """Tables of what `codec_levers` measured."""
    heads = [f"RMSE {error:g}" for error in result["rmse"]]
    told = [[n, f"{100 * x:.0f} %"] for n, x in result["told"].items()]
    return [
        Table(
            title="Ids per window at equal error (packed: bits / log2 of the vocabulary)",
            head=["", *heads],
            rows=[[name, *map(_number, row)] for name, row in result["ids"].items()],
        ),
        Table(
            title=f"Over {result['peer']}",
            head=["", *heads],
            rows=[[n, *map(_ratio, cells)] for n, cells in result["ratio"].items()],
        ),
        Table(
            title="Of the motion that the braking base does not tell, the past tells",
            head=["", "power"],
            rows=told,
        ),
    ]


def write_lever_report(path: Path, result: dict[str, Any]) -> None:
    """One page: the curves, and the tables; written whole or not at all."""
    lead = f"{result['windows']} held-out windows; one change at a time."
    lines = _lines(result["curves"])
    _write_page(path, "Shorter action tokens", lead, lines, lever_tables(result))


Lines = dict[str, tuple[list[float], list[float]]]


def _lines(curves: dict[str, Any]) -> Lines:
    """Ids and errors of every curve, as far as the chart has room for them."""
    lines = {}
    for name, curve in curves.items():
        # A failed round trip can err by more than a picture shows.
        shown = [
            (ids, error)
            for ids, error in zip(curve["tokens"], curve["rmse"], strict=True)
            if error < 1 and ids <= MOST
        ]
        if shown:
            lines[name] = ([x for x, _ in shown], [y for _, y in shown])
    return lines


def _write_page(
    path: Path, title: str, lead: str, lines: Lines, tables: list[Table]
) -> None:
    style = files("brownfield.policies").joinpath("report.css").read_text()
    chart = log_curves(
        "Error against ids", ("ids per window", "RMSE, normalised"), lines
    )
    parts = [
        f"<h1>{title}</h1><p class=dim>{lead}</p>",
        f'<div class="card">{chart}</div>',
    ]
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
        f"<title>{title}</title><style>{style}</style></head><body>"
        f"{''.join(parts)}</body></html>"
    )
    temporary = path.with_suffix(".tmp")
    temporary.write_text(page)
    os.replace(temporary, path)


def _ratio(cell: dict[str, float]) -> str:
    return f"{cell['value']:.2f} [{cell['low']:.2f}, {cell['high']:.2f}]"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.1f}"
