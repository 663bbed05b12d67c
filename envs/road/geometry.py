"""What is drawn of a road network: triangles merged by colour, and houses beside it.

Heights above the ground order what lies on what; they are too small to be seen.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.road.network import Array, Crosswalk, Lane, RoadNetwork, resampled

Faces = NDArray[np.int32]
Paint = Literal[
    "sidewalk", "asphalt", "line", "kerb", "house_0", "house_1", "house_2", "roof"
]
HEIGHT_M: dict[str, float] = {
    "sidewalk": 0.01,
    "asphalt": 0.02,
    "kerb": 0.03,
    "line": 0.035,
}
"""Height of flat colours above the ground [m]."""
DRAWN_M = 0.18
"""No line is drawn narrower: at 64 pixels it would be gone a few metres ahead [m]."""
DASH_M, DASH_GAP_M = 3.0, 4.0
"""Dashes of a dashed line and the gaps between them [m]."""
STRIPE_M = 0.5
"""Stripes of a crosswalk and the gaps between them [m]."""
SIDEWALK_M = 2.5
"""Width [m]."""
HOUSE_EVERY_M = 17.0
"""One house along a lane [m]."""
HOUSE_CLEAR_M = 4.5
"""From any lane's edge to a wall at least [m]."""


@dataclass(frozen=True)
class Mesh:
    """Triangles of one colour."""

    vertices: Array
    """(V, 3) [m]."""
    faces: Faces
    """Corners (F, 3), counter-clockwise from the side that is seen."""


def meshes(network: RoadNetwork) -> dict[str, Mesh]:
    """Everything that stays where it is, by colour."""
    parts: dict[str, list[Mesh]] = defaultdict(list)
    for lane in network.lanes.values():
        parts["asphalt"].append(strip(lane.left, lane.right, HEIGHT_M["asphalt"]))
        outer = beside(lane.right, -SIDEWALK_M)
        # Under the asphalt: where another lane lies, it is not seen.
        parts["sidewalk"].append(strip(lane.right, outer, HEIGHT_M["sidewalk"]))
        parts["sidewalk"].append(
            strip(beside(lane.left, SIDEWALK_M), lane.left, HEIGHT_M["sidewalk"])
        )
        if not network.markings and not lane.junction:
            for line in (lane.left, lane.right):
                parts["line"].append(_painted(line, DRAWN_M, "line"))
    for marking in network.markings:
        width = max(marking.width, DRAWN_M)
        if marking.kind == "kerb":
            parts["kerb"].append(_painted(marking.line, width, "kerb"))
        elif marking.kind == "dashed":
            parts["line"] += [_painted(d, width, "line") for d in _dashes(marking.line)]
        elif marking.kind != "zebra" or not network.crosswalks:
            parts["line"].append(_painted(marking.line, width, "line"))
    for walk in network.crosswalks:
        parts["line"] += _stripes(walk)
    for i, (walls, roof) in enumerate(_houses(network)):
        parts[f"house_{i % 3}"].append(walls)
        parts["roof"].append(roof)
    return {colour: merged(some) for colour, some in parts.items() if some}


def merged(parts: list[Mesh]) -> Mesh:
    """All triangles of several meshes."""
    offsets = np.cumsum([0] + [len(p.vertices) for p in parts[:-1]])
    faces = [p.faces + offset for p, offset in zip(parts, offsets, strict=True)]
    return Mesh(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate(faces).astype(np.int32),
    )


def strip(left: Array, right: Array, height: float) -> Mesh:
    """The area between two lines (N, 2) with as many points, seen from above [m]."""
    count = len(left)
    vertices = np.zeros((2 * count, 3))
    vertices[0::2, :2], vertices[1::2, :2], vertices[:, 2] = left, right, height
    first = 2 * np.arange(count - 1)
    quads = np.stack([first, first + 1, first + 2, first + 3], 1)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [2, 1, 3]]])
    corner = vertices[faces][:, :, :2]
    a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    doubled = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    # Where a strip folds onto itself its triangles would show their backs.
    faces[doubled < 0] = faces[doubled < 0][:, [0, 2, 1]]
    return Mesh(vertices, faces[np.abs(doubled) > 1e-9].astype(np.int32))


def box(centre: Array, half: Array, yaw: float, bottom: float = 0.0) -> Mesh:
    """Walls and lid of a box; every side has its own corners, so that edges are sharp.

    Args:
        centre: (2,) [m].
        half: half length, half width and height (3,) [m].
        yaw: heading [rad].
        bottom: height of its bottom [m].
    """
    c, s = np.cos(yaw), np.sin(yaw)
    square = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half[:2]
    corners = square @ np.array([[c, s], [-s, c]]) + centre
    low = np.column_stack([corners, np.full(4, bottom)])
    high = np.column_stack([corners, np.full(4, bottom + half[2])])
    sides = [high]
    for i in range(4):
        j = (i + 1) % 4
        sides.append(np.array([low[i], low[j], high[j], high[i]]))
    quad = np.array([[0, 1, 2], [0, 2, 3]])
    return Mesh(
        np.concatenate(sides),
        np.concatenate([quad + 4 * i for i in range(5)]).astype(np.int32),
    )


def beside(line: Array, left: float) -> Array:
    """The line (N, 2) moved to the left [m]."""
    step = np.gradient(line, axis=0)
    length = np.linalg.norm(step, axis=1, keepdims=True)
    step = step / np.maximum(length, 1e-9)
    return line + left * np.stack([-step[:, 1], step[:, 0]], 1)


def _painted(line: Array, width: float, colour: str) -> Mesh:
    return strip(beside(line, width / 2), beside(line, -width / 2), HEIGHT_M[colour])


def _dashes(line: Array) -> list[Array]:
    along = np.concatenate(
        [[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
    )
    dashes = []
    for start in np.arange(0, max(along[-1] - DASH_M / 2, 0.1), DASH_M + DASH_GAP_M):
        at = np.linspace(start, min(start + DASH_M, along[-1]), 3)
        dashes.append(np.stack([np.interp(at, along, line[:, i]) for i in range(2)], 1))
    return dashes


def _stripes(walk: Crosswalk) -> list[Mesh]:
    length = np.linalg.norm(np.diff(walk.left, axis=0), axis=1).sum()
    count = max(2, int(length / STRIPE_M))
    left, right = resampled(walk.left, count), resampled(walk.right, count)
    return [
        strip(left[i : i + 2], right[i : i + 2], HEIGHT_M["line"])
        for i in range(0, count - 1, 2)
    ]


def _houses(network: RoadNetwork) -> list[tuple[Mesh, Mesh]]:
    """Walls and roof of every house; the same map has the same houses."""
    rng = np.random.default_rng(zlib.crc32(network.name.encode()))
    edges = np.concatenate(
        [
            resampled(line, max(2, int(lane.length / 2)))
            for lane in network.lanes.values()
            for line in (lane.left, lane.right)
        ]
    )
    houses: list[tuple[Mesh, Mesh]] = []
    centres: list[tuple[Array, float]] = []
    for lane in network.lanes.values():
        if not lane.junction:
            for centre, half, yaw in _plots(lane, rng):
                radius = float(np.hypot(*half[:2]))
                reach = np.linalg.norm(edges - centre, axis=1).min()
                if reach < radius + HOUSE_CLEAR_M - 2:
                    continue
                if any(np.hypot(*(centre - c)) < radius + r for c, r in centres):
                    continue
                centres.append((centre, radius))
                lid = np.array([half[0] + 0.3, half[1] + 0.3, 0.5])
                houses.append(
                    (box(centre, half, yaw), box(centre, lid, yaw, float(half[2])))
                )
    return houses


def _plots(lane: Lane, rng: np.random.Generator) -> list[tuple[Array, Array, float]]:
    """Where houses might stand along a lane: centre, half sizes, heading."""
    plots = []
    count = int(lane.length / HOUSE_EVERY_M)
    line = resampled(lane.right, max(2 * count + 2, 4))
    for i in range(count):
        a, b = line[2 * i], line[2 * i + 1]
        ahead = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
        half = rng.uniform([3.5, 3.0, 3.0], [6.5, 5.5, 9.0])
        off = SIDEWALK_M + HOUSE_CLEAR_M + half[1] + rng.uniform(0, 4)
        centre = a - off * np.array([-ahead[1], ahead[0]])
        plots.append((centre, half, float(np.arctan2(ahead[1], ahead[0]))))
    return plots
