"""Options of every verb that puts a body somewhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.places import PLACES, EnvConfig, env_for, place_of
from brownfield.envs.road.maps import load_map
from brownfield.envs.road.road_env import RoadEnvConfig
from brownfield.envs.scene_file import load_scene


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """What episodes are drawn from; each body looks at its own kind of place."""

    kitchen: KitchenEnvConfig = field(default_factory=KitchenEnvConfig)
    """What an episode in a kitchen is drawn from."""

    road: RoadEnvConfig = field(default_factory=RoadEnvConfig)
    """What an episode on a road is drawn from."""

    place: tuple[str, ...] = ()
    """Where to drive: shipped towns by name, or maps (.xodr, .osm) by path; which
    kitchens: scenes (.xml) with their sidecar (.kitchen.yaml) by path. For short,
    instead of --road.place or --kitchen.place."""

    def env(self, body: str) -> EnvConfig:
        """What a body's episodes are drawn from.

        Raises:
            ValueError: no place for this body, or hands that it has no commands for.
            MapError: a map that cannot be used.
            SceneError: a scene that cannot be a kitchen.
        """
        kind = place_of(body)
        name = next(name for name, one in PLACES.items() if one is kind)
        config: EnvConfig = getattr(self, name)
        config = env_for(replace(config, place=self.place or config.place), body)
        for place in config.place:
            if isinstance(config, RoadEnvConfig):
                load_map(place)
            else:
                load_scene(place, config.kitchen)
        return config
