"""Charts as inline SVG, coloured by the page's own style."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, isfinite, log10

from brownfield.policies.intervals import Share


def interval_bar(share: Share) -> str:
    """A share from 0 to 1 as a dot, with its interval as a line."""
    if not share.n:
        return ""
    lower, upper = share.interval

    def x(value: float) -> str:
        return f"{4 + 192 * value:.1f}"

    return (
        '<svg viewBox="0 0 200 16" width="100%" height="16" role="img" '
        f'aria-label="{escape(str(share))}">'
        '<line x1="4" x2="196" y1="8" y2="8" stroke="var(--line)" stroke-width="2"/>'
        f'<line x1="{x(lower)}" x2="{x(upper)}" y1="8" y2="8" stroke="var(--accent)" '
        'stroke-width="5" stroke-linecap="round" opacity=".45"/>'
        f'<circle cx="{x(share.value)}" cy="8" r="4.5" fill="var(--accent)"/></svg>'
    )


def count_bars(counts: dict[str, int], total: int) -> str:
    """Named counts as horizontal bars, in the order given."""
    most = max(counts.values(), default=0)
    rows = []
    for i, (name, count) in enumerate(counts.items()):
        y = 24 * i
        width = 300 * count / most
        rows.append(
            f'<text x="0" y="{y + 15}">{escape(name)}</text>'
            f'<rect x="250" y="{y + 4}" width="{width:.1f}" height="15" rx="3" '
            'fill="var(--bad)" opacity=".8"/>'
            f'<text x="{256 + width:.1f}" y="{y + 15}">{count} '
            f"({100 * count / total:.1f} %)</text>"
        )
    height = 24 * len(counts)
    return f'<svg viewBox="0 0 640 {height}" width="640">{"".join(rows)}</svg>'


def curve(title: str, steps: Sequence[float], values: Sequence[float]) -> str:
    """One curve over training steps; values that are no numbers are left out."""
    points = [(s, v) for s, v in zip(steps, values, strict=True) if isfinite(v)]
    if len(points) < 2:
        return ""
    # A page needs no more points than it has pixels.
    points = points[:: max(1, len(points) // 300)] + points[-1:]
    low, high = min(v for _, v in points), max(v for _, v in points)
    first, last = points[0][0], points[-1][0]
    height, wide = high - low or 1.0, last - first or 1.0
    path = " ".join(
        f"{44 + 250 * (s - first) / wide:.1f},{118 - 96 * (v - low) / height:.1f}"
        for s, v in points
    )
    return (
        '<svg viewBox="0 0 300 140" width="100%">'
        f'<text x="44" y="12">{escape(title)}</text>'
        '<line x1="44" x2="294" y1="118" y2="118" stroke="var(--line)"/>'
        f'<text x="40" y="26" text-anchor="end">{high:.3g}</text>'
        f'<text x="40" y="118" text-anchor="end">{low:.3g}</text>'
        f'<text x="44" y="134">step {first:.0f}</text>'
        f'<text x="294" y="134" text-anchor="end">{last:.0f}</text>'
        f'<polyline points="{path}" fill="none" stroke="var(--accent)" '
        'stroke-width="1.6" stroke-linejoin="round"/></svg>'
    )


LINES = ("#2f6fde", "#1f9d55", "#d0533a", "#b07d12", "#7a55c7", "#6b7178", "#14939e")


def log_curves(
    title: str, axes: tuple[str, str], lines: dict[str, tuple[list[float], list[float]]]
) -> str:
    """Named lines (x, y), both axes logarithmic; dashed where the name ends in *.

    Args:
        title: above the chart.
        axes: what x and y are.
        lines: x and y of every line; only positive points can be drawn.
    """
    drawn = {
        name: [(a, b) for a, b in zip(x, y, strict=True) if a > 0 and b > 0]
        for name, (x, y) in lines.items()
    }
    xs = [x for line in drawn.values() for x, _ in line]
    ys = [y for line in drawn.values() for _, y in line]
    if not xs:
        return ""
    left, right, bottom, top = map(log10, (min(xs), max(xs), min(ys), max(ys)))
    wide, high = right - left or 1.0, top - bottom or 1.0

    def across(x: float) -> float:
        return 50 + 520 * (log10(x) - left) / wide

    def point(x: float, y: float) -> str:
        return f"{across(x):.1f},{300 - 270 * (log10(y) - bottom) / high:.1f}"

    parts = [f'<text x="50" y="14">{escape(title)}</text>']
    decades = [10.0**power for power in range(ceil(bottom), floor(top) + 1)]
    for tick in decades if len(decades) > 1 else _round_numbers(min(ys), max(ys)):
        y = 300 - 270 * (log10(tick) - bottom) / high
        parts.append(
            f'<line x1="50" x2="570" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>'
            f'<text x="44" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for i, (name, line) in enumerate(drawn.items()):
        colour, dashed = LINES[i % len(LINES)], name.endswith("*")
        path = " ".join(point(x, y) for x, y in line)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        at = 30 + 18 * i
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="1.8"{dash}/>'
            f'<line x1="584" x2="606" y1="{at}" y2="{at}" stroke="{colour}" '
            f'stroke-width="2.5"{dash}/>'
            f'<text x="612" y="{at + 4}">{escape(name.rstrip("*"))}</text>'
        )
    for tick in _round_numbers(min(xs), max(xs)):
        x = across(tick)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="300" y2="304" stroke="var(--dim)"/>'
            f'<text x="{x:.1f}" y="316" text-anchor="middle">{tick:g}</text>'
        )
    parts.append(
        f'<text x="50" y="334">{escape(axes[1])} against {escape(axes[0])}, both '
        "logarithmic</text>"
    )
    return f'<svg viewBox="0 0 780 340" width="100%">{"".join(parts)}</svg>'


def share_curves(
    title: str, axis: str, lines: dict[str, tuple[list[float], list[Share]]]
) -> str:
    """Named lines of shares in per cent, in bands of their Wilson 95 % intervals.

    Args:
        title: above the chart.
        axis: what x is.
        lines: x, rising from 0, and shares of every line; shares of nothing are left
            out.
    """
    drawn = {
        name: [(a, b) for a, b in zip(x, shares, strict=True) if b.n]
        for name, (x, shares) in lines.items()
    }
    ticks = sorted({x for line in drawn.values() for x, _ in line})
    if not ticks:
        return ""
    wide = ticks[-1] or 1.0

    def point(x: float, share: float) -> str:
        return f"{50 + 430 * x / wide:.1f},{200 - 170 * share:.1f}"

    parts = [f'<text x="50" y="14">{escape(title)}</text>']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = 200 - 170 * share
        parts.append(
            f'<line x1="50" x2="480" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>'
            f'<text x="44" y="{y + 4:.1f}" text-anchor="end">{100 * share:g} %</text>'
        )
    for i, (name, line) in enumerate(drawn.items()):
        colour, at = LINES[i % len(LINES)], 30 + 18 * i
        lower = [point(x, share.interval[0]) for x, share in line]
        upper = [point(x, share.interval[1]) for x, share in line]
        middle = [point(x, share.value) for x, share in line]
        dots = [
            f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
            for x, y in (each.split(",") for each in middle)
        ]
        parts.append(
            f'<polygon points="{" ".join(lower + upper[::-1])}" fill="{colour}" '
            'opacity=".16"/>'
            f'<polyline points="{" ".join(middle)}" fill="none" stroke="{colour}" '
            f'stroke-width="1.8"/>{"".join(dots)}'
            f'<line x1="494" x2="516" y1="{at}" y2="{at}" stroke="{colour}" '
            'stroke-width="2.5"/>'
            f'<text x="522" y="{at + 4}">{escape(name)}</text>'
        )
    parts += [
        f'<text x="{50 + 430 * x / wide:.1f}" y="216" text-anchor="middle">{x:g}</text>'
        for x in ticks
    ]
    parts.append(f'<text x="50" y="234">success against {escape(axis)}</text>')
    return f'<svg viewBox="0 0 640 240" width="100%">{"".join(parts)}</svg>'


def _round_numbers(low: float, high: float) -> list[float]:
    """Numbers from low to high with few digits: 1, 2, 5, or more if too few."""
    decades = range(floor(log10(low)), floor(log10(high)) + 1)
    for digits in ((1, 2, 5), range(1, 10), [1 + i / 10 for i in range(90)]):
        ticks = [m * 10.0**power for power in decades for m in digits]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) > 2:
            return inside
    return inside
