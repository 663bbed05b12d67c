"""Comparisons of action tokenizers as tables and as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brownfield.policies.bench_page import Chart, Lines, Table, write_page

CODECS = ("ladder", "FAST, strongest", "B-spline bins", "uniform bins")
"""Whose behaviour is measured."""


def codec_tables(result: dict[str, Any]) -> list[Table]:
    """Tables of what `codec_bench` measured; a dash where there is nothing."""
    tokens = result["tokens"]
    heads = [f"RMSE {error:g}" for error in tokens["rmse"]]
    rows = [[name, *map(_number, row)] for name, row in tokens["ids"].items()]
    for name in ("ladder", "ladder, stopped"):
        cells = tokens["ratio"].get(name)
        told = [_ratio(c) for c in cells] if cells else ["-"] * len(heads)
        rows.append([f"{name} / FAST, strongest", *told])
    equal = Table(title="Ids per window at equal error", head=["", *heads], rows=rows)
    return [equal, _fold_table(result, heads), *_behaviour_tables(result)]


def _fold_table(result: dict[str, Any], heads: list[str]) -> Table:
    rows = []
    for number, own in enumerate(result["per_fold"], 1):
        for name, ids in own["ids"].items():
            rows.append([f"{number}: {name}", *map(_number, ids)])
        for name, ratio in own["ratio"].items():
            told = ["-" if x != x else f"{x:.2f}" for x in ratio]
            rows.append([f"{number}: {name} / FAST", *told])
    title = "The same on every fold by itself"
    return Table(title=title, head=["fold", *heads], rows=rows)


def _behaviour_tables(result: dict[str, Any]) -> list[Table]:
    prefix = result["prefix"]
    rows = [
        [name, *("-" if x != x else f"{x:.3f}" for x in row)]
        for name, row in prefix["rmse"].items()
    ]
    rows.append(["ladder / FAST, strongest", *map(_ratio, prefix["ratio"])])
    tables = [
        Table(
            title="RMSE of the first ids",
            head=["", *(f"{k} ids" for k in prefix["ids"])],
            rows=rows,
        )
    ]
    known = [name for name in CODECS if name in result["edits"]]
    rows, sure = [], []
    for name in CODECS:
        if name not in known:
            rows.append([name, *["-"] * 7])
            continue
        own, learn = result["edits"][name], result["learnability"][name]
        bits = learn.get("slot_bits")
        rows.append(
            [
                name,
                f"{result['seam'][name]:.2f}",
                *(f"{own[k][0]:.3f} / {own[k][1]:.3f}" for k in own),
                f"{learn['neighbour_rank']:.4f}",
                f"{100 * learn['overlap']:.0f} %",
                f"{sum(bits) / len(bits):.1f}" if bits else "-",
            ]
        )
        between = result["intervals"]
        medians = between["edits"][name].values()
        seam = _ratio(between["seam"][name])
        sure.append([name, seam, *(_ratio(cell, 3) for cell in medians)])
    edits = ["no edit", "one id replaced", "one id by 1"]
    tables += [
        Table(
            title="Seams (times the true second difference); largest error after an "
            "edit (median / 90 %); rank of neighbours; ids shared by adjacent windows; "
            "entropy of a slot",
            head=["", "seam", *edits, "rank", "shared", "bits"],
            rows=rows,
        ),
        Table(
            title="Seams and medians of edits, bootstrap over kinds",
            head=["", "seam", *edits],
            rows=sure,
        ),
        _broken_table(result),
        _speed_table(result["speed_us"]),
    ]
    return tables


def _broken_table(result: dict[str, Any]) -> Table:
    strings, windows = result["strings"], str(result["windows"])
    published = result["curves"].get("FAST as published")
    failed = str(max(published["failed"])) if published else "-"
    states, beyond = (
        str(sum(fold[what] for fold in result["clamped"]))
        for what in ("states", "windows")
    )
    return Table(
        title="Strings that are no motion, and true motion that limits do not allow",
        head=["", "count", "of"],
        rows=[
            [
                "ladder, random strings broken",
                str(strings["broken"]),
                str(strings["decoded"]),
            ],
            ["FAST as published, its own true windows", failed, windows],
            ["hand-over states that were clamped", states, windows],
            ["windows with rows beyond limits", beyond, windows],
        ],
    )


def _speed_table(speed: dict[str, float]) -> Table:
    """Times, and those of the ladder over FAST's of the same run."""
    rows = []
    for name, us in speed.items():
        fast = speed.get("FAST encode" if "encode" in name else "FAST decode")
        share = "-" if fast is None else f"{us / fast:.3g}"
        rows.append([name, f"{us:.1f}", share])
    title = "Microseconds per window, one thread"
    return Table(title=title, head=["", "us", "/ FAST's"], rows=rows)


def write_codec_report(path: Path, result: dict[str, Any]) -> None:
    """One page: the curve, and the tables; written whole or not at all."""
    bound = result["bound"]
    lines = _lines(result["curves"])
    lines["Gaussian bound*"] = (bound["tokens"], bound["rmse"])
    lead = (
        f"{result['windows']} held-out windows, {len(result['folds'])} folds that "
        f"share no {result['kinds']}, vocabulary of {result['vocab_size']}."
    )
    write_page(path, "Action tokens", lead, [_chart(lines)], codec_tables(result))


def lever_tables(result: dict[str, Any]) -> list[Table]:
    """Tables of what `codec_levers` measured."""
    heads = [f"RMSE {error:g}" for error in result["rmse"]]
    told = [[n, f"{100 * x:.0f} %"] for n, x in result["told"].items()]
    return [
        Table(
            title="Ids per window at equal error (packed: bits / log2 of the "
            "vocabulary)",
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
    write_page(
        path, "Shorter action tokens", lead, [_chart(lines)], lever_tables(result)
    )


def _chart(lines: Lines) -> Chart:
    axes = "ids per window", "RMSE, normalised"
    return Chart(title="Error against ids", axes=axes, lines=lines)


def _lines(curves: dict[str, Any]) -> Lines:
    """Ids and errors of every curve, as far as a chart can show them."""
    lines = {}
    for name, curve in curves.items():
        # A failed round trip can err by more than a picture shows, and less than one
        # id has no end on a logarithmic axis.
        shown = [
            (ids, error)
            for ids, error in zip(curve["tokens"], curve["rmse"], strict=True)
            if error < 1 and ids >= 1
        ]
        if shown:
            lines[name] = ([x for x, _ in shown], [y for _, y in shown])
    return lines


def _ratio(cell: dict[str, float], digits: int = 2) -> str:
    if cell["value"] != cell["value"]:
        return "-"
    value, low, high = (f"{cell[k]:.{digits}f}" for k in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.1f}"
