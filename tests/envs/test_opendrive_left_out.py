"""What a map holds and is driven in without is told, once and by name."""

import importlib
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.network import MapError
from brownfield.envs.road.opendrive_map import MapWarning

sys.path.insert(0, str(Path(__file__).parent))
files = importlib.import_module("opendrive_files")


def _flat(kind: str, **value: float) -> str:
    """A profile of one record that is 0 but for `value`."""
    numbers = " ".join(f'{name}="{value.get(name, 0)}"' for name in "abcd")
    return f'<{kind} s="0" t="0" {numbers}/>'


def test_hills_and_banks_are_told_once(tmp_path: Path) -> None:
    def hill(**value: float) -> str:
        return f"<elevationProfile>{_flat('elevation', **value)}</elevationProfile>"

    def bank(kind: str, **value: float) -> str:
        return f"<lateralProfile>{_flat(kind, **value)}</lateralProfile>"

    elements = [
        files.road(1, extra=hill() + bank("superelevation")),
        files.road(2, x=60, extra=hill(b=0.02)),
        files.road(3, x=120, extra=hill(a=6) + bank("superelevation", a=0.05)),
        files.road(4, x=180, extra=bank("shape", b=-0.02)),
        files.road(5, x=240),
    ]
    with pytest.warns(MapWarning) as caught:
        network = files.load(tmp_path, *elements)
    assert [str(one.message) for one in caught] == [
        "town.xodr: roads are drawn flat and level, without <elevationProfile> of road "
        "2, 3 and <lateralProfile> of road 3, 4"
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        level = files.load(
            tmp_path, *(files.road(n, x=60 * n - 60) for n in range(1, 6))
        )
    for name, lane in level.lanes.items():
        np.testing.assert_array_equal(network.lanes[name].centre, lane.centre)
    # A plateau is as flat as the sea.
    files.load(
        tmp_path, files.road(1, extra=hill(a=90)), files.road(2, x=60, extra=hill(a=90))
    )


def test_a_warning_does_not_name_a_thousand_roads(tmp_path: Path) -> None:
    slope = f"<elevationProfile>{_flat('elevation', b=0.1)}</elevationProfile>"
    with pytest.warns(MapWarning, match=r"of road 0, 1, .*, 19 and 5 more$"):
        files.load(tmp_path, *(files.road(n, x=60 * n, extra=slope) for n in range(25)))


def test_a_broken_profile_is_named(tmp_path: Path) -> None:
    slope = '<elevationProfile><elevation s="0" a="high"/></elevationProfile>'
    message = "town.xodr, road 1: <elevation> expected a number a, got 'high'"
    with pytest.raises(MapError, match=message):
        files.load(tmp_path, files.road(extra=slope))


def test_dynamic_signals_that_hold_up_no_car_are_told(tmp_path: Path) -> None:
    signal = '<signal id="{}" s="48" t="-4" type="{}" dynamic="{}" orientation="+"/>'
    signals = (
        signal.format("car", "1000001", "yes"),
        signal.format("walk", "1000002", "yes"),
        signal.format("sign", "274", "no"),
        signal.format("tram", "9", "yes"),
    )
    with pytest.warns(MapWarning) as caught:
        network = files.load(
            tmp_path, files.road(extra=f"<signals>{''.join(signals)}</signals>")
        )
    assert [light.name for light in network.lights] == ["car"]
    (said,) = [str(one.message) for one in caught]
    assert said.startswith(
        "town.xodr: dynamic signals hold up no car unless their type"
    )
    assert "1000001" in said and said.endswith(
        "left out: road 1, signal walk (type '1000002'); road 1, signal tram (type '9')"
    )
