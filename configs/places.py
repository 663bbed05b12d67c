"""Options of every verb that puts a body somewhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.places import PLACES, EnvConfig, place_of
from brownfield.envs.road.maps import load_map
from brownfield.envs.road.road_env import RoadEnvConfig


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """What episodes are drawn from; each body looks at its own kind of place."""

    kitchen: KitchenEnvConfig = field(default_factory=KitchenEnvConfig)
    """What an episode in a kitchen is drawn from."""

    road: RoadEnvConfig = field(default_factory=RoadEnvConfig)
    """What an episode on a road is drawn from."""

    place: tuple[str, ...] = ()
    """Where to drive: shipped towns by name, or maps (.xodr, .osm) by path; for short,
    instead of --road.place."""

    def env(self, body: str) -> EnvConfig:
        """What a body's episodes are drawn from.

        Raises:
            ValueError: no place for this body, or `place` for one that needs no map.
            MapError: a map that cannot be used.
        """
        kind = place_of(body)
        name = next(name for name, one in PLACES.items() if one is kind)
        config: EnvConfig = getattr(self, name)
        if isinstance(config, RoadEnvConfig):
            config = replace(config, place=self.place or config.place)
            for place in config.place:
                load_map(place)
        elif self.place:
            raise ValueError(
                f"--place is for maps to drive in; the {body} works in a {name}, which "
                f"needs none, got {' '.join(self.place)!r}"
            )
        return config
