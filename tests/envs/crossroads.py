"""A small town for tests: one junction of four arms, with lights and crosswalks."""

import math

import numpy as np

from brownfield.envs.road.network import (
    Crosswalk,
    Lane,
    Marking,
    MarkingKind,
    RoadNetwork,
    TrafficLight,
)

HALF = 1.75
"""Half of a lane [m]."""
MOUTH = 11.0
"""From the middle of the junction to where its lanes begin [m]."""
ARM = 110.0
"""Length of an arm [m]."""


def _lane(name: str, line: np.ndarray, following=(), junction: str = "") -> Lane:
    step = np.gradient(line, axis=0)
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    normal = np.stack([-step[:, 1], step[:, 0]], 1)
    return Lane(
        name=name,
        left=line + HALF * normal,
        right=line - HALF * normal,
        centre=line,
        following=tuple(following),
        junction=junction,
        speed_limit=13.9,
    )


def _turned(points: np.ndarray, quarter: int) -> np.ndarray:
    c, s = math.cos(quarter * math.pi / 2), math.sin(quarter * math.pi / 2)
    return points @ np.array([[c, s], [-s, c]])


def crossroads() -> RoadNetwork:
    """Arms 0 to 3 point east, north, west and south; one drives on the right."""
    lanes: dict[str, Lane] = {}
    markings, lights, walks = [], [], []
    out = np.stack([np.linspace(MOUTH, MOUTH + ARM, 60), np.full(60, -HALF)], 1)
    back = np.stack([np.linspace(MOUTH + ARM, MOUTH, 60), np.full(60, HALF)], 1)
    for arm in range(4):
        ways = [f"{arm}_{(arm + turn) % 4}" for turn in (1, 2, 3)]
        lanes[f"out_{arm}"] = _lane(f"out_{arm}", _turned(out, arm))
        lanes[f"in_{arm}"] = _lane(f"in_{arm}", _turned(back, arm), ways)
        start = np.array([MOUTH, HALF])
        for turn, name in zip((1, 2, 3), ways, strict=True):
            target = (arm + turn) % 4
            end = _turned(np.array([[MOUTH, -HALF]]), turn)[0]
            if turn == 2:
                line = np.linspace(start, end, 30)
            else:
                # A quarter of a circle between two straight ends.
                corner = np.array([end[0], start[1]])
                radius = min(abs(start - corner).max(), abs(end - corner).max())
                angle = np.linspace(0, math.pi / 2, 30)
                side = math.copysign(1, end[1] - start[1])
                centre = np.array([corner[0] + radius, start[1] + side * radius])
                arc = centre + radius * np.stack(
                    [-np.sin(angle), -side * np.cos(angle)], 1
                )
                line = np.concatenate([start[None], arc, end[None]])
                keep = np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-6
                line = line[np.concatenate([[True], keep])]
            lanes[name] = _lane(name, _turned(line, arm), [f"out_{target}"], "middle")
        painted: tuple[tuple[float, MarkingKind], ...] = (
            (0.0, "dashed"),
            (2 * HALF, "solid"),
            (-2 * HALF, "solid"),
        )
        for y, kind in painted:
            line = np.array([[MOUTH + 6, y], [MOUTH + ARM, y]])
            markings.append(Marking(line=_turned(line, arm), kind=kind, width=0.12))
        stop = np.array([[MOUTH + 6, 0.1], [MOUTH + 6, 2 * HALF]])
        markings.append(Marking(line=_turned(stop, arm), kind="stop", width=0.4))
        edges = [
            _turned(np.array([[MOUTH + x, -2 * HALF], [MOUTH + x, 2 * HALF]]), arm)
            for x in (2.0, 5.0)
        ]
        walks.append(Crosswalk(name=f"walk_{arm}", left=edges[0], right=edges[1]))
        post = _turned(np.array([[MOUTH + 5, 2 * HALF + 1]]), arm)
        lights.append(
            TrafficLight(name=f"light_{arm}", positions=post, lanes=(f"in_{arm}",))
        )
    return RoadNetwork(
        name="crossroads",
        lanes=lanes,
        markings=tuple(markings),
        lights=tuple(lights),
        crosswalks=tuple(walks),
    )
