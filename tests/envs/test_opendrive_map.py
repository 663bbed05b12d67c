"""OpenDRIVE roads become lanes that lead somewhere, or an error that names why not."""

from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.network import MapError, RoadNetwork
from brownfield.envs.road.opendrive_map import load_opendrive

LANE = '<lane id="{id}" type="{kind}">{link}<width sOffset="0" a="{a}" b="0" c="0" d="0"/><roadMark sOffset="0" type="solid"/></lane>'  # noqa: E501


def _lane(number: int, kind: str = "driving", width: float = 3.0, onto: int = 0) -> str:
    link = ""
    if onto:
        link = f'<link><predecessor id="{onto}"/><successor id="{onto}"/></link>'
    return LANE.format(id=number, kind=kind, a=width, link=link)


def _road(
    number: int = 1,
    x: float = 0.0,
    lanes: str = "",
    links: str = "",
    extra: str = "",
    length: float = 50.0,
) -> str:
    lanes = lanes or (
        f"<left>{_lane(1, onto=1)}</left>"
        '<center><lane id="0" type="none"><roadMark sOffset="0" type="broken"/></lane>'
        f"</center><right>{_lane(-1, onto=-1)}{_lane(-2, 'sidewalk', 2)}</right>"
    )
    return (
        f'<road id="{number}" junction="-1" length="{length}"><link>{links}</link>'
        f'<planView><geometry s="0" x="{x}" y="0" hdg="0" length="{length}"><line/>'
        f'</geometry></planView><lanes><laneSection s="0">{lanes}</laneSection></lanes>'
        f"{extra}</road>"
    )


def _map(folder: Path, *elements: str) -> RoadNetwork:
    path = folder / "town.xodr"
    path.write_text(f"<OpenDRIVE>{''.join(elements)}</OpenDRIVE>")
    return load_opendrive(path)


def _link(name: str, road: int, contact: str) -> str:
    return f'<{name} elementType="road" elementId="{road}" contactPoint="{contact}"/>'


def test_one_road_has_a_lane_each_way(tmp_path: Path) -> None:
    network = _map(tmp_path, _road())
    assert set(network.lanes) == {"1.0.1", "1.0.-1"}
    right, left = network.lanes["1.0.-1"], network.lanes["1.0.1"]
    # Traffic on the right; the origin is the map's middle.
    np.testing.assert_allclose(right.centre[[0, -1]], [[-25, -1.5], [25, -1.5]])
    np.testing.assert_allclose(left.centre[[0, -1]], [[25, 1.5], [-25, 1.5]])
    np.testing.assert_allclose(right.left[:, 1], 0)
    np.testing.assert_allclose(left.left[:, 1], 0)
    np.testing.assert_allclose(left.right[:, 1], 3)
    kinds = sorted(marking.kind for marking in network.markings)
    assert kinds == ["dashed", "kerb", "solid", "solid", "solid"]


def test_roads_follow_each_other_both_ways(tmp_path: Path) -> None:
    network = _map(
        tmp_path,
        _road(1, links=_link("successor", 2, "start")),
        _road(2, x=50, links=_link("predecessor", 1, "end")),
    )
    assert network.lanes["1.0.-1"].following == ("2.0.-1",)
    assert network.lanes["2.0.1"].following == ("1.0.1",)
    assert network.lanes["2.0.-1"].following == ()
    assert network.entries() == ["1.0.-1", "2.0.1"]


def test_width_speed_stop_line_light_and_crosswalk_are_where_the_file_says(
    tmp_path: Path,
) -> None:
    furniture = (
        '<signals><signal id="s" s="48" t="-1.5" type="294" dynamic="no" '
        'orientation="+"/><signal id="l" s="48" t="-4" type="1000001" dynamic="yes" '
        'orientation="+"/></signals><objects><object id="c" type="crosswalk" s="44" '
        't="0" hdg="1.5707963" orientation="none" length="6" width="3"/></objects>'
    )
    speed = '<type s="0" type="town"><speed max="30" unit="km/h"/></type>'
    network = _map(tmp_path, _road(extra=furniture + speed))
    assert network.lanes["1.0.-1"].speed_limit == pytest.approx(30 / 3.6)
    (stop,) = [m for m in network.markings if m.kind == "stop"]
    np.testing.assert_allclose(stop.line, [[23, 0], [23, -3]], atol=1e-9)
    (light,) = network.lights
    assert light.lanes == ("1.0.-1",)
    np.testing.assert_allclose(light.positions, [[23, -4]])
    (walk,) = network.crosswalks
    corners = np.concatenate([walk.left, walk.right])
    np.testing.assert_allclose(corners.min(0), [17.5, -3], atol=1e-6)
    np.testing.assert_allclose(corners.max(0), [20.5, 3], atol=1e-6)


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ((), "town.xodr has no lane that a car may use"),
        (
            (_road(lanes=f"<right>{_lane(-1, 'sidewalk')}</right>"),),
            "no lane that a car may use",
        ),
        (
            (_road(links=_link("successor", 9, "start")),),
            "road 1: leads to road 9, which does not exist",
        ),
        (
            (_road(links=_link("successor", 2, "side")), _road(2, x=50)),
            "contactPoint of road 2 must be start or end, got 'side'",
        ),
        (
            (_road(links='<successor elementType="junction" elementId="5"/>'),),
            "road 1: leads to junction 5, which does not exist",
        ),
        (
            (_road(links=_link("successor", 2, "start")), _road(2, x=70)),
            "lane 1.0.-1: lane 2.0.-1, which follows it, begins 20.0 m away",
        ),
        (
            (_road().replace("<road ", '<road rule="LHT" '),),
            "road 1: rule 'LHT' is not supported",
        ),
        (
            (_road(), '<junction id="4" type="virtual"/>'),
            "junction 4: type 'virtual' is not supported",
        ),
        (
            (
                _road(
                    lanes='<right><lane id="-1" type="driving"><border/></lane></right>'
                ),
            ),
            "road 1, lane -1: <border> is not supported; only <width>",
        ),
        (
            (_road().replace('a="3.0"', 'a="wide"'),),
            "road 1, lane 1: <width> expected a number a, got 'wide'",
        ),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, elements: tuple[str, ...], message: str
) -> None:
    with pytest.raises(MapError, match=message):
        _map(tmp_path, *elements)


def test_files_that_are_no_maps(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="no map at"):
        load_opendrive(tmp_path / "none.xodr")
    for text in ("<OpenDRIVE>", "<osm/>"):
        (tmp_path / "broken.xodr").write_text(text)
        with pytest.raises(MapError, match=r"broken\.xodr is no OpenDRIVE map"):
            load_opendrive(tmp_path / "broken.xodr")
