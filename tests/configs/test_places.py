"""One option says where; every body looks at its own kind of place."""

from pathlib import Path

import pytest

from brownfield.configs.places import PlaceOptions
from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.places import PLACES, env_for
from brownfield.envs.road.maps import TRAINING_TOWNS
from brownfield.envs.road.network import MapError
from brownfield.envs.road.road_env import RoadEnvConfig


def test_every_kind_of_place_has_its_options() -> None:
    options = PlaceOptions()
    for name, place in PLACES.items():
        assert options.env(place.bodies[0]) == getattr(options, name) == place.config()
        for body in place.bodies:
            assert options.env(body) == env_for(place.config(), body)


def test_a_place_is_a_town_or_a_map() -> None:
    road = PlaceOptions(place=("rowan",), road=RoadEnvConfig(start="wide")).env("car")
    assert road == RoadEnvConfig(place=("rowan",), start="wide")
    assert PlaceOptions().env("car") == RoadEnvConfig(place=TRAINING_TOWNS)
    with pytest.raises(MapError, match="'oak' is neither a shipped town"):
        PlaceOptions(place=("rowan", "oak")).env("car")
    with pytest.raises(MapError, match=r"no map at .*none\.osm"):
        PlaceOptions(place=(str(Path("none.osm")),)).env("car")


def test_a_kitchen_has_no_map() -> None:
    with pytest.raises(ValueError, match="the g1 works in a kitchen, which needs none"):
        PlaceOptions(place=("rowan",), kitchen=KitchenEnvConfig()).env("g1")
    with pytest.raises(ValueError, match="no place for body 'h1'"):
        PlaceOptions().env("h1")
