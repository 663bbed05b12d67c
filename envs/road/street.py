"""A place that is driven in: a road network and what is worked out of it once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from brownfield.envs.road.junctions import Approach, approaches
from brownfield.envs.road.network import (
    Array,
    MapError,
    RoadNetwork,
    one_way,
    resampled,
    routes,
)

POINT_EVERY_M = 1.0
"""Distance between the points that lanes are looked up by [m]."""


class Street:
    """A road network with its approaches and a look-up of lanes by position."""

    def __init__(self, network: RoadNetwork) -> None:
        """Args: network: the map."""
        self.network = network
        try:
            self.approaches: list[Approach] = approaches(network)
            self.no_approach = ""
        except MapError as error:
            # Routes can be driven all the same.
            self.approaches, self.no_approach = [], str(error)
        points, halves = [], []
        for lane in network.lanes.values():
            count = max(2, int(lane.length / POINT_EVERY_M) + 1)
            centre = resampled(lane.centre, count)
            points.append(centre)
            halves.append(np.linalg.norm(resampled(lane.right, count) - centre, axis=1))
        self._points = np.concatenate(points)
        self._halves = np.concatenate(halves)
        self.middle: Array = (self._points.min(0) + self._points.max(0)) / 2
        self.reach: float = float(np.ptp(self._points, axis=0).max()) / 2

    @cached_property
    def routes(self) -> list[tuple[str, ...]]:
        """Ways through the map, lane by lane; MapError if there is none."""
        return routes(one_way(self.network))

    def off_lanes(self, x: float, y: float) -> float:
        """Distance to the nearest centre line [m]."""
        return float(np.hypot(*(self._points - (x, y)).T).min())

    def half_width(self, x: float, y: float) -> float:
        """From the centre to the right bound of the nearest lane [m]."""
        return float(self._halves[np.hypot(*(self._points - (x, y)).T).argmin()])
