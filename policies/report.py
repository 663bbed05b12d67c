"""An evaluation as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from PIL import Image

from brownfield.policies.charts import count_bars, curve, interval_bar
from brownfield.policies.film import Picture
from brownfield.policies.intervals import Share
from brownfield.policies.results import ACTORS, EpisodeResult, EvaluationResult


@dataclass(frozen=True, kw_only=True)
class Material:
    """What the report shows beside the tables."""

    films: dict[str, Path]
    """Title and MP4 of every film, embedded in the page."""
    pairs: list[tuple[Picture, Picture]]
    """Frames as seen and as their tokens tell them (H, W, 3)."""
    metrics: list[dict[str, float]]
    """Rows of the training's metrics.jsonl."""


KEYS: dict[str, Callable[[EpisodeResult], str]] = {
    "verb": lambda e: e.kind.partition(" ")[0],
    "kind": lambda e: e.kind,
    "asked for": lambda e: e.asked,
    "phrasing": lambda e: e.phrase,
    "map": lambda e: e.map,
}
"""What successes are told apart by."""
MOST_ROWS = 60
"""A table that tells more things apart than these is left out."""
ALWAYS = ("asked for", "phrasing")
"""Tables that are there even for one value."""


def write_report(path: Path, result: EvaluationResult, material: Material) -> None:
    """Write the page; an older one is replaced when this one is whole."""
    page = report_html(result, material)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    aside.write_text(page, encoding="utf-8")
    os.replace(aside, path)


def report_html(result: EvaluationResult, material: Material) -> str:
    """The page."""
    style = files("brownfield.policies").joinpath("report.css").read_text()
    name = escape(result.checkpoint)
    parts = [
        f"<h1>{name}</h1>",
        f'<p class="dim">{_where(result)}</p>',
        _tiles(result),
        _section("Who succeeds", _actors(result)),
    ]
    ours = "policy" if "policy" in result.actors else result.actors[0]
    tables = [
        _by(result, ours, title, key)
        for title, key in KEYS.items()
        if (1 < len(result.by(ours, key)) <= MOST_ROWS or title in ALWAYS)
        # Where every kind is one word they are the same.
        and (title != "verb" or result.by_verb(ours) != result.by(ours, KEYS["kind"]))
    ]
    heeded = result.heeded(ours)
    if heeded:
        rows = [[escape(name), str(share), share] for name, share in heeded.items()]
        tables.append(_table(["met on the way", "heeded"], rows))
    parts.append(_section("By what was asked, and how", "".join(tables)))
    parts.append(_section("Why it failed", _failures(result, ours)))
    if material.films:
        parts.append(_section("Films", _films(material.films)))
    if material.pairs:
        parts.append(_section("What the video tokens keep", _strip(material.pairs)))
    if material.metrics:
        parts.append(_section("Training", _curves(material.metrics)))
    parts.append(_section("To run it again", _provenance(result)))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{style}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _where(result: EvaluationResult) -> str:
    seeds = [e.seed for e in result.episodes]
    env = result.config.get("env", {})
    return escape(
        f"seeds {min(seeds)} to {max(seeds)}, start {env.get('start')}, "
        f"{env.get('phrases')} phrasings, commit {result.commit}, "
        f"{len(seeds)} episodes in {result.wall_s / 60:.1f} min; intervals are "
        "Wilson, 95 %"
    )


def _tiles(result: EvaluationResult) -> str:
    tiles = []

    def tile(title: str, share: Share) -> None:
        if share.n:
            lower, upper = share.interval
            tiles.append(
                f'<div class="card"><div class="dim">{title}</div>'
                f'<div class="big">{100 * share.value:.1f} %</div>'
                f'<div class="dim">{100 * lower:.1f} to {100 * upper:.1f} %, '
                f"{share.successes} of {share.n}</div></div>"
            )

    if "policy" in result.actors:
        tile("did what it was told", result.success("policy"))
        tile("of what it did, as asked", result.as_asked("policy"))
    if "policy_swapped" in result.actors:
        tile("asked for something else", result.success("policy_swapped"))
    if "policy_grey" in result.actors:
        tile("with a grey camera", result.success("policy_grey"))
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _actors(result: EvaluationResult) -> str:
    rows = []
    for actor in result.actors:
        share, beside = result.success(actor), ""
        compared = result.against(actor, "expert") if actor != "expert" else None
        if compared is not None:
            lower, upper = compared["interval"]
            beside = (
                f"{100 * compared['difference']:+.1f} [{100 * lower:+.1f}, "
                f"{100 * upper:+.1f}] points, p = {compared['mcnemar_p']:.2g}"
            )
        rows.append([actor, escape(ACTORS[actor]), str(share), beside, share])
    return _table(["who", "", "success", "against the expert, paired"], rows)


def _by(
    result: EvaluationResult,
    actor: str,
    title: str,
    key: Callable[[EpisodeResult], str],
) -> str:
    rows = [
        [escape(value), str(share), share]
        for value, share in result.by(actor, key).items()
    ]
    return _table([title, "success"], rows)


def _table(head: list[str], rows: list[list[str | Share]]) -> str:
    """Cells of text; a share becomes a bar in a column of its own."""
    top = "".join(f"<th>{title}</th>" for title in head) + '<th class="bar"></th>'
    lines = []
    for row in rows:
        cells = [
            f'<td class="bar">{interval_bar(cell)}</td>'
            if isinstance(cell, Share)
            else f"<td>{cell}</td>"
            for cell in row
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="card"><table><tr>{top}</tr>{"".join(lines)}</table></div>'


def _failures(result: EvaluationResult, actor: str) -> str:
    reasons = result.reasons(actor)
    if not reasons:
        return "<p>No episode failed.</p>"
    total = len(result.of(actor))
    seeds = [str(e.seed) for e in result.of(actor) if not e.success]
    shown = ", ".join(seeds[:40]) + (" and more" if len(seeds) > 40 else "")
    return (
        f'<div class="card">{count_bars(reasons, total)}</div>'
        f'<p class="dim">Seeds that failed: {shown}</p>'
    )


def _films(films: dict[str, Path]) -> str:
    parts = []
    for title, path in films.items():
        data = base64.b64encode(path.read_bytes()).decode()
        parts.append(
            f"<p>{escape(title)}</p><video controls loop muted playsinline "
            f'src="data:video/mp4;base64,{data}"></video>'
        )
    return "".join(parts)


def _strip(pairs: list[tuple[Picture, Picture]]) -> str:
    columns = [
        f'<div><img alt="seen" src="{png_uri(seen)}">'
        f'<img alt="decoded" src="{png_uri(told)}"></div>'
        for seen, told in pairs
    ]
    return (
        '<p class="dim">Above what the camera saw (64 by 64), below what its 64 tokens '
        f'tell.</p><div class="card strip">{"".join(columns)}</div>'
    )


def png_uri(picture: Picture) -> str:
    """A picture (H, W, 3) as a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _curves(metrics: list[dict[str, float]]) -> str:
    names = dict.fromkeys(n for row in metrics for n in row if n != "step")
    plots = []
    for name in names:
        rows = [row for row in metrics if name in row]
        plot = curve(name, [r["step"] for r in rows], [r[name] for r in rows])
        if plot:
            plots.append(f'<div class="card">{plot}</div>')
    return f'<div class="plots">{"".join(plots)}</div>'


def _provenance(result: EvaluationResult) -> str:
    facts = {
        "checkpoint": result.checkpoint,
        "sha256 of its config.json": result.checkpoint_sha256,
        "commit": result.commit,
        "versions": result.versions,
        "evaluation": result.config,
        "training": result.facts,
    }
    text = escape(json.dumps(facts, indent=2))
    return f'<div class="card"><pre>{text}</pre></div>'


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>{body}"
