"""What a scene cannot say of itself: a sidecar that makes any MJCF file a kitchen.

`scene.kitchen.yaml` lies beside `scene.xml`; lengths in metres, scene frame:

    floor_z: 0.0                     # where feet are
    worktops:                        # where objects may be put
      counter: {geom: countertop}    # a box of the scene, or
      table: {x: [1, 2], y: [0, 1], top_z: 0.8}
    stand: {x: [-1, 0], y: [-1, 1], facing_deg: 0}   # 0 faces +x, 90 faces +y
    remove: [arm, parent of arm2]    # bodies to take out, optional
    fixtures: {drawer: {joint: slide}, sink: {body: basin}}   # optional
    scene: other.xml                 # optional; or {package: NAME, file: PATH}
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ENDING = ".kitchen.yaml"
"""How the name of a sidecar ends."""
KEYS = ("floor_z", "worktops", "stand", "remove", "fixtures", "scene")
NEEDED = KEYS[:3]
FIXTURES = ("drawer", "sink", "tray", "table")
"""What may be named beside surfaces."""
SHIPPED = {
    path.name.removesuffix(ENDING): path
    for path in sorted((Path(__file__).parent / "kitchens").glob(f"*{ENDING}"))
}
"""Sidecars that ship with the package by name; their scenes come with other ones."""


class SceneError(ValueError):
    """A scene that cannot be a kitchen; names the file and everything wrong in it."""


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """A level rectangle along the axes of its frame."""

    x: tuple[float, float]
    """From and to [m]."""
    y: tuple[float, float]
    """From and to [m]."""


@dataclass(frozen=True, kw_only=True)
class Worktop:
    """A surface: either a box of the scene or a rectangle of the world."""

    geom: str = ""
    """Name of a box; empty for a rectangle."""
    area: Rectangle | None = None
    """Where it is, scene frame; None for a box."""
    top_z: float = 0.0
    """Its height, scene frame [m]; a box tells its own."""


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """The content of a sidecar."""

    path: Path
    """Where it was read from."""
    scene: Path
    """The MJCF file."""
    floor_z: float
    """Height of the floor, scene frame [m]."""
    worktops: dict[str, Worktop]
    """Where objects may be put, by name."""
    stand: Rectangle
    """Where people stand, scene frame."""
    facing_deg: float
    """Heading of who stands there, from +x to +y [deg]."""
    remove: tuple[str, ...] = ()
    """Bodies to take out; `parent of NAME` for one without a name."""
    fixtures: dict[str, dict[str, str]] = field(default_factory=dict)
    """Body or joint of what else there is, by kind."""


def find_sidecar(place: str) -> Path:
    """The sidecar of a place.

    Args:
        place: name of a shipped one, path of a scene (`.xml`) or of a sidecar.

    Raises:
        SceneError: there is none; tells what it needs.
    """
    if place in SHIPPED:
        return SHIPPED[place]
    path = Path(place)
    if path.suffix == ".xml":
        if not path.is_file():
            raise SceneError(f"no scene at {path}")
        path = path.with_suffix(ENDING)
    elif not place.endswith(ENDING):
        raise SceneError(
            f"--place for the g1: the g1 works in a kitchen, which needs none, got "
            f"{place!r}; it may be the path of a scene (.xml), of its sidecar "
            f"({ENDING}), or one of {', '.join(SHIPPED)}"
        )
    if not path.is_file():
        raise SceneError(
            f"no sidecar {path}: beside the scene it must give {', '.join(NEEDED)}"
        )
    return path


def load_sidecar(place: str) -> Sidecar:
    """Reads the sidecar of a place, see `find_sidecar`.

    Raises:
        SceneError: names the file and everything that is missing, unknown or wrong.
    """
    path = find_sidecar(place)
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SceneError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise SceneError(f"{path} must give {', '.join(NEEDED)}")
    reader = _Reader()
    reader.keys("", content, KEYS, NEEDED)
    stand = reader.fields(
        "stand", content.get("stand", {}), ("x", "y", "facing_deg"), ("x", "y")
    )
    tops = content.get("worktops", {})
    if not isinstance(tops, dict) or ("worktops" in content and not tops):
        reader.wrong.append("worktops must name at least one surface")
        tops = {}
    sidecar = Sidecar(
        path=path,
        scene=_scene_of(path, content.get("scene"), reader),
        floor_z=reader.number("floor_z", content.get("floor_z", 0.0)),
        worktops={
            str(name): reader.worktop(f"worktops.{name}", top)
            for name, top in tops.items()
        },
        stand=reader.area("stand", stand),
        facing_deg=reader.number("stand.facing_deg", stand.get("facing_deg", 0.0)),
        remove=reader.names("remove", content.get("remove", [])),
        fixtures=reader.fixtures(content.get("fixtures", {})),
    )
    if reader.wrong:
        raise SceneError(f"{path}: {'; '.join(reader.wrong)}")
    return sidecar


def _scene_of(path: Path, given: Any, reader: _Reader) -> Path:
    beside = path.with_name(path.name.removesuffix(ENDING) + ".xml")
    if isinstance(given, dict):
        given = reader.fields("scene", given, ("package", "file"), ("package", "file"))
        name = str(given.get("package", ""))
        found = importlib.util.find_spec(name) if name.isidentifier() else None
        if found is None or not found.submodule_search_locations:
            reader.wrong.append(
                f"scene: the package {name!r} is not installed; the optional extra "
                "`scenes` installs those of shipped sidecars"
            )
            return beside
        scene = Path(found.submodule_search_locations[0]) / str(given.get("file", ""))
    else:
        scene = beside if given is None else path.parent / str(given)
    if not scene.is_file():
        reader.wrong.append(f"scene: no file {scene}")
    return scene


class _Reader:
    """Reads values and collects what is wrong, so that one look tells everything."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def keys(
        self, where: str, given: dict, valid: tuple[str, ...], needed: tuple[str, ...]
    ) -> None:
        dot = f"{where}." if where else ""
        self.wrong += [
            f"unknown {dot}{key}, valid are {', '.join(valid)}"
            for key in given
            if key not in valid
        ]
        self.wrong += [f"{dot}{key} is missing" for key in needed if key not in given]

    def fields(
        self, where: str, given: Any, valid: tuple[str, ...], needed: tuple[str, ...]
    ) -> dict[str, Any]:
        if not isinstance(given, dict):
            self.wrong.append(f"{where} must hold {', '.join(valid)}")
            return {}
        if given or where != "stand":
            self.keys(where, given, valid, needed)
        return given

    def number(self, where: str, given: Any) -> float:
        if isinstance(given, bool) or not isinstance(given, int | float):
            self.wrong.append(f"{where} must be a number, got {given!r}")
            return 0.0
        return float(given)

    def span(self, where: str, given: Any) -> tuple[float, float]:
        if not isinstance(given, list) or len(given) != 2:
            self.wrong.append(f"{where} must be [from, to], got {given!r}")
            return 0.0, 1.0
        low, high = (self.number(where, value) for value in given)
        if low >= high:
            self.wrong.append(f"{where} must rise, got {given!r}")
        return low, high

    def area(self, where: str, given: dict[str, Any]) -> Rectangle:
        x, y = (self.span(f"{where}.{a}", given.get(a, [0.0, 1.0])) for a in ("x", "y"))
        return Rectangle(x=x, y=y)

    def worktop(self, where: str, given: Any) -> Worktop:
        if isinstance(given, dict) and "geom" in given:
            given = self.fields(where, given, ("geom",), ("geom",))
            return Worktop(geom=str(given["geom"]))
        box = ("x", "y", "top_z")
        given = self.fields(where, given, box, box)
        top = self.number(f"{where}.top_z", given.get("top_z", 0.0))
        return Worktop(area=self.area(where, given), top_z=top)

    def names(self, where: str, given: Any) -> tuple[str, ...]:
        if not isinstance(given, list):
            self.wrong.append(f"{where} must be a list of bodies, got {given!r}")
            return ()
        return tuple(map(str, given))

    def fixtures(self, given: Any) -> dict[str, dict[str, str]]:
        given = self.fields("fixtures", given, FIXTURES, ())
        for kind, parts in given.items():
            self.fields(f"fixtures.{kind}", parts, ("body", "joint"), ())
        return {k: dict(v) for k, v in given.items() if isinstance(v, dict)}
