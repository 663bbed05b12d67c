"""The verb `place`: what can be used is drawn, what cannot is told."""

from pathlib import Path

import pytest
from PIL import Image

from brownfield.configs.cli import main
from brownfield.configs.places import PlaceOptions

SCENE = """
<mujoco><worldbody>
  <geom name="top" type="box" size="0.4 1 0.45" pos="1 0 0.45"/>
</worldbody></mujoco>
"""
SIDECAR = """
floor_z: 0
worktops: {counter: {x: [0.6, 1.4], y: [-1, 1], top_z: 0.9}}
stand: {x: [-1, 0.4], y: [-1, 1]}
"""


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    (tmp_path / "room.xml").write_text(SCENE)
    (tmp_path / "room.kitchen.yaml").write_text(SIDECAR)
    return tmp_path / "room.xml"


def test_check_tells_and_draws(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = scene.parent / "pictures" / "room.png"
    assert main(["place", "check", str(scene), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "worktop counter: 0.80 x 2.00 m, 0.90 m above the floor" in said
    assert "not named, optional: drawer, sink, tray, table" in said
    with Image.open(out) as picture:
        assert picture.size == (1120, 480)


def test_what_cannot_be_used_ends_with_2(
    scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sidecar = scene.with_suffix(".kitchen.yaml")
    sidecar.write_text("floor_z: 0\n")
    assert main(["place", "check", str(scene)]) == 2
    said = capsys.readouterr().err
    assert "worktops is missing; stand is missing" in said and str(sidecar) in said


def test_place_is_taken_as_the_car_takes_maps(scene: Path) -> None:
    config = PlaceOptions(place=(str(scene),)).env("g1")
    assert config.place == (str(scene),)
