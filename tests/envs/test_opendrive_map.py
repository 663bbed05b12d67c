"""OpenDRIVE roads become lanes that lead somewhere, or an error that names why not."""

import importlib
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.network import MapError
from brownfield.envs.road.opendrive_map import load_opendrive
from brownfield.envs.road.opendrive_road import DRIVEN, NOT_DRIVEN

sys.path.insert(0, str(Path(__file__).parent))
files = importlib.import_module("opendrive_files")


def test_one_road_has_a_lane_each_way(tmp_path: Path) -> None:
    network = files.load(tmp_path, files.road())
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
    network = files.load(
        tmp_path,
        files.road(1, links=files.link("successor", 2, "start")),
        files.road(2, x=50, links=files.link("predecessor", 1, "end")),
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
    network = files.load(tmp_path, files.road(extra=furniture + speed))
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
            (files.road(lanes=f"<right>{files.lane(-1, 'sidewalk')}</right>"),),
            "no lane that a car may use",
        ),
        (
            (files.road(links=files.link("successor", 9, "start")),),
            "road 1: leads to road 9, which does not exist",
        ),
        (
            (files.road(links=files.link("successor", 2, "side")), files.road(2, x=50)),
            "contactPoint of road 2 must be start or end, got 'side'",
        ),
        (
            (files.road(links='<successor elementType="junction" elementId="5"/>'),),
            "road 1: leads to junction 5, which does not exist",
        ),
        (
            (
                files.road(links=files.link("successor", 2, "start")),
                files.road(2, x=70),
            ),
            "lane 1.0.-1: lane 2.0.-1, which follows it, begins 20.0 m away",
        ),
        (
            (files.road().replace("<road ", '<road rule="LHT" '),),
            "road 1: rule 'LHT' is not supported",
        ),
        (
            (files.road(), '<junction id="4" type="virtual"/>'),
            "junction 4: type 'virtual' is not supported",
        ),
        (
            (
                files.road(
                    lanes='<right><lane id="-1" type="driving"><border/></lane></right>'
                ),
            ),
            "road 1, lane -1: <border> is not supported; only <width>",
        ),
        (
            (files.road().replace('a="3.0"', 'a="wide"'),),
            "road 1, lane 1: <width> expected a number a, got 'wide'",
        ),
        (
            (files.road(7), files.road(7, x=90)),
            "town.xodr, road 7: expected an id of its own, got one twice",
        ),
        (
            (files.road(), '<junction id="4"/><junction id="4"/>'),
            "town.xodr, junction 4: expected an id of its own, got one twice",
        ),
        (
            (files.road(lanes=f"<right>{files.lane(-1)}{files.lane(-1)}</right>"),),
            "town.xodr, road 1, lane -1: expected an id of its own, got one twice",
        ),
        (
            (files.road().replace('laneSection s="0"', 'laneSection s="60"'),),
            "town.xodr, road 1: no laneSection begins before the road ends at 50.00 m",
        ),
        (
            (files.road(lanes=f"<right>{files.lane(-1, 'drivign')}</right>"),),
            "town.xodr, road 1, lane -1: unknown type 'drivign'; driven on are driving,"
            " entry, .*; known and not driven on are none, shoulder, ",
        ),
        (
            (
                files.road(
                    lanes=f"<right>{files.lane(-1)}</right>".replace(
                        'type="driving"', ""
                    )
                ),
            ),
            "town.xodr, road 1, lane -1: unknown type None",
        ),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, elements: tuple[str, ...], message: str
) -> None:
    with pytest.raises(MapError, match=message):
        files.load(tmp_path, *elements)


def test_files_that_are_no_maps(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="no map at"):
        load_opendrive(tmp_path / "none.xodr")
    for text in ("<OpenDRIVE>", "<osm/>"):
        (tmp_path / "broken.xodr").write_text(text)
        with pytest.raises(MapError, match=r"broken\.xodr is no OpenDRIVE map"):
            load_opendrive(tmp_path / "broken.xodr")


def _crossing(link: str = '<laneLink from="-1" to="-1"/>') -> tuple[str, ...]:
    """A road that leads into a junction of one way."""
    return (
        files.road(1, links='<successor elementType="junction" elementId="5"/>'),
        files.road(2, x=50).replace('junction="-1"', 'junction="5"'),
        '<junction id="5"><connection id="8" incomingRoad="1" connectingRoad="2" '
        f'contactPoint="start">{link}</connection></junction>',
    )


def test_lanes_lead_through_a_junction(tmp_path: Path) -> None:
    lanes = files.load(tmp_path, *_crossing()).lanes
    assert lanes["1.0.-1"].following == ("2.0.-1",) and lanes["2.0.-1"].junction == "5"


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ('<laneLink to="-1"/>', "a number from, got None"),
        ('<laneLink from="x" to="-1"/>', "a number from, got 'x'"),
        ('<laneLink from="-1.5" to="-1"/>', "a whole number from, got '-1.5'"),
        ('<laneLink from="-1"/>', "a number to, got None"),
        ('<laneLink from="-1" to="x"/>', "a number to, got 'x'"),
    ],
)
def test_broken_links_through_a_junction_are_named(
    tmp_path: Path, link: str, message: str
) -> None:
    where = "town.xodr, junction 5, connection 8: <laneLink> expected "
    with pytest.raises(MapError, match=re.escape(where + message)):
        files.load(tmp_path, *_crossing(link))


@pytest.mark.parametrize("end", ["predecessor", "successor"])
@pytest.mark.parametrize(
    ("given", "got"),
    [("", "number id, got None"), ('id="x"', "number id, got 'x'")],
)
def test_broken_links_of_a_lane_are_named(
    tmp_path: Path, end: str, given: str, got: str
) -> None:
    lane = files.lane(-1, onto=-1).replace(f'<{end} id="-1"/>', f"<{end} {given}/>")
    where = f"town.xodr, road 1, lane -1: <{end}> expected a "
    with pytest.raises(MapError, match=re.escape(where + got)):
        files.load(tmp_path, files.road(lanes=f"<right>{lane}</right>"))


BROKEN = '<validity toLane="-1"/>', '<validity fromLane="x" toLane="-1"/>'


@pytest.mark.parametrize("validity", BROKEN)
@pytest.mark.parametrize(
    ("furniture", "named"),
    [
        (
            '<signals><signal id="s" s="48" t="0" type="294">{}</signal></signals>',
            "signal s",
        ),
        (
            '<signals><signal id="l" s="48" t="0" type="1000001" dynamic="yes">{}'
            "</signal></signals>",
            "signal l",
        ),
        (
            '<signals><signal id="l" s="48" t="0" type="1000001" dynamic="yes"/>'
            '<signalReference id="l" s="9" t="0">{}</signalReference></signals>',
            "signalReference l",
        ),
        (
            '<objects><object id="o" s="48" t="0" type="stopLine">{}</object>'
            "</objects>",
            "object o",
        ),
    ],
)
def test_what_is_valid_for_no_lanes_is_named(
    tmp_path: Path, furniture: str, named: str, validity: str
) -> None:
    where = rf"town\.xodr, road 1, {named}: <validity> expected a number fromLane, got "
    with pytest.raises(MapError, match=where):
        files.load(tmp_path, files.road(extra=furniture.format(validity)))


@pytest.mark.parametrize(
    ("furniture", "named"),
    [
        ('<signals><signal id="s" t="0" type="294"/></signals>', "signal s: <signal>"),
        (
            '<objects><object id="o" t="0" type="stopLine"/></objects>',
            "object o: <object>",
        ),
    ],
)
def test_a_stop_line_at_no_place_is_named(
    tmp_path: Path, furniture: str, named: str
) -> None:
    message = rf"town\.xodr, road 1, {named} expected a number s, got None"
    with pytest.raises(MapError, match=message):
        files.load(tmp_path, files.road(extra=furniture))


@pytest.mark.parametrize("sections", [1, 2])
def test_a_light_on_a_ring_holds_up_its_end(tmp_path: Path, sections: int) -> None:
    around = 2 * math.pi * 20
    lanes = f"<right>{files.lane(-1, onto=-1)}</right>"
    ring = files.road(
        lanes=lanes,
        links=files.link("predecessor", 1, "end") + files.link("successor", 1, "start"),
        extra=f'<signals><signal id="l" s="{around - 5}" t="-4" type="1000001" '
        'dynamic="yes" orientation="+"/></signals>',
        length=around,
    ).replace("<line/>", '<arc curvature="0.05"/>')
    if sections == 2:
        second = f'</laneSection><laneSection s="60">{lanes}</laneSection>'
        ring = ring.replace("</laneSection>", second)
    network = files.load(tmp_path, ring)
    last = f"1.{sections - 1}.-1"
    assert network.lanes[last].following == ("1.0.-1",)
    (light,) = network.lights
    assert light.lanes == (last,)


@pytest.mark.parametrize("kind", NOT_DRIVEN)
def test_lanes_of_other_known_types_are_not_driven_on(
    tmp_path: Path, kind: str
) -> None:
    lanes = f"<right>{files.lane(-1)}{files.lane(-2, kind)}</right>"
    assert set(files.load(tmp_path, files.road(lanes=lanes)).lanes) == {"1.0.-1"}


@pytest.mark.parametrize("kind", DRIVEN)
def test_lanes_of_driven_types_are(tmp_path: Path, kind: str) -> None:
    lanes = f"<right>{files.lane(-1)}{files.lane(-2, kind)}</right>"
    assert set(files.load(tmp_path, files.road(lanes=lanes)).lanes) == {
        "1.0.-1",
        "1.0.-2",
    }
