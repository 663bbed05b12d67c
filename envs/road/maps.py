"""Places to drive in, by the name of a shipped town or by the path of a map."""

from __future__ import annotations

import functools
from pathlib import Path

from brownfield.envs.road.lanelet2_map import load_lanelet2
from brownfield.envs.road.network import MapError, RoadNetwork
from brownfield.envs.road.opendrive_map import load_opendrive

TOWNS_FOLDER = Path(__file__).parent / "towns"
TRAINING_TOWNS = ("alder", "birch", "cedar", "elm", "hazel")
"""Shipped towns to record and learn in."""
UNSEEN_TOWN = "rowan"
"""Shipped town that nothing is recorded or tuned in: it is for measuring alone."""
READERS = {".xodr": load_opendrive, ".osm": load_lanelet2}
"""How a map is read, by the end of its file's name."""


def load_map(place: str) -> RoadNetwork:
    """The road network of a place, read once in a process until its file changes.

    Args:
        place: name of a shipped town, or path of an OpenDRIVE (`.xodr`) or Lanelet2
            (`.osm`) map.

    Raises:
        MapError: no such town or file, another format, or a map that cannot be used.
    """
    shipped = place in (*TRAINING_TOWNS, UNSEEN_TOWN)
    path = TOWNS_FOLDER / f"{place}.xodr" if shipped else Path(place)
    if path.suffix not in READERS:
        raise MapError(
            f"{place!r} is neither a shipped town "
            f"({', '.join((*TRAINING_TOWNS, UNSEEN_TOWN))}) nor the path of a map that "
            f"ends in {' or '.join(READERS)}"
        )
    if not path.is_file():
        raise MapError(f"no map at {path}")
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _read(path: Path, changed_ns: int) -> RoadNetwork:
    del changed_ns  # part of the key alone
    return READERS[path.suffix](path)
