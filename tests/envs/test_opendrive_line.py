"""Reference lines are what their records say, against closed forms."""

from xml.etree import ElementTree

import numpy as np
import pytest

from brownfield.envs.road.network import MapError
from brownfield.envs.road.opendrive_line import ReferenceLine, reference_line


def _line(*records: str) -> ReferenceLine:
    road = ElementTree.fromstring(
        f"<road><planView>{''.join(records)}</planView></road>"
    )
    return reference_line(road, "town.xodr, road 7")


def _record(shape: str, s: float, length: float, start: str = "") -> str:
    start = start or 'x="2" y="3" hdg="0.5"'
    return f'<geometry s="{s}" {start} length="{length}">{shape}</geometry>'


def test_a_straight() -> None:
    x, y, heading = _line(_record("<line/>", 0, 20)).at(np.array([0.0, 10.0])).T
    np.testing.assert_allclose(x, [2, 2 + 10 * np.cos(0.5)])
    np.testing.assert_allclose(y, [3, 3 + 10 * np.sin(0.5)])
    np.testing.assert_allclose(heading, 0.5)


@pytest.mark.parametrize("curvature", [0.1, -0.02])
def test_an_arc_keeps_its_distance_from_its_middle(curvature: float) -> None:
    line = _line(_record(f'<arc curvature="{curvature}"/>', 0, 30))
    placed = line.at(np.linspace(0, 30, 40))
    middle = np.array([2 - np.sin(0.5) / curvature, 3 + np.cos(0.5) / curvature])
    distance = np.linalg.norm(placed[:, :2] - middle, axis=1)
    np.testing.assert_allclose(distance, 1 / abs(curvature), atol=1e-4)
    np.testing.assert_allclose(placed[-1, 2], 0.5 + 30 * curvature)


def test_a_spiral_is_the_fresnel_integral() -> None:
    shape = '<spiral curvStart="0" curvEnd="0.05"/>'
    line = _line(_record(shape, 0, 40, 'x="0" y="0" hdg="0"'))
    (x, y, heading), *_ = line.at(np.array([40.0]))
    # Series of the Fresnel integrals; the heading grows with the square of the way.
    rate = 0.05 / 40
    s, terms_x, terms_y = 40.0, 0.0, 0.0
    for n in range(12):
        k, factorial = rate / 2, 1.0
        for i in range(1, 2 * n + 1):
            factorial *= i
        terms_x += (-1) ** n * k ** (2 * n) * s ** (4 * n + 1) / factorial / (4 * n + 1)
        factorial *= 2 * n + 1
        terms_y += (
            (-1) ** n * k ** (2 * n + 1) * s ** (4 * n + 3) / factorial / (4 * n + 3)
        )
    np.testing.assert_allclose([x, y], [terms_x, terms_y], atol=1e-6)
    np.testing.assert_allclose(heading, rate * s * s / 2)


def test_a_spiral_of_one_curvature_is_an_arc() -> None:
    at = np.linspace(0, 30, 7)
    spiral = _line(_record('<spiral curvStart="0.1" curvEnd="0.1"/>', 0, 30)).at(at)
    arc = _line(_record('<arc curvature="0.1"/>', 0, 30)).at(at)
    np.testing.assert_allclose(spiral, arc, atol=1e-9)


@pytest.mark.parametrize(("p_range", "scale"), [("normalized", 1.0), ("arcLength", 9)])
def test_polynomials(p_range: str, scale: float) -> None:
    # The same straight of 9 m, by a parameter from 0 to 1 or in metres.
    shape = (
        f'<paramPoly3 aU="0" bU="{9 / scale}" cU="0" dU="0" aV="0" bV="0" cV="0" '
        f'dV="0" pRange="{p_range}"/>'
    )
    placed = _line(_record(shape, 0, 9)).at(np.array([4.5]))
    straight = _line(_record("<line/>", 0, 9)).at(np.array([4.5]))
    np.testing.assert_allclose(placed, straight)
    bent = _record('<poly3 a="0" b="0" c="0.01" d="0"/>', 0, 9, 'x="0" y="0" hdg="0"')
    x, y, heading = _line(bent).at(np.array([6.0]))[0]
    np.testing.assert_allclose([x, y, heading], [6, 0.36, np.arctan(0.12)])


def test_records_follow_each_other_and_are_sampled_to_their_ends() -> None:
    line = _line(
        _record("<line/>", 0, 20, 'x="0" y="0" hdg="0"'),
        _record('<arc curvature="0.1"/>', 20, 10, 'x="20" y="0" hdg="0"'),
    )
    assert line.length == 30
    places = line.spacing(0, 30)
    assert places[0] == 0 and places[-1] == 30 and (np.diff(places) > 0).all()
    assert np.diff(places)[places[1:] > 20.01].max() <= 0.5 + 1e-6
    step = np.linalg.norm(np.diff(line.at(places)[:, :2], axis=0), axis=1)
    np.testing.assert_allclose(step, np.diff(places), rtol=2e-3)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ((), "road 7: <planView> holds no geometry"),
        (("<geometry s='1'><clothoid/></geometry>",), r"s = 1: unknown .*<clothoid>"),
        (("<geometry s='1'/>",), "unknown geometry <nothing>; known are line, arc"),
        (
            (_record("<arc/>", 0, 5),),
            "<arc> expected a number curvature, got None",
        ),
        (
            (_record("<line/>", 0, 5, 'x="2" y="north" hdg="0"'),),
            "expected a number y, got 'north'",
        ),
    ],
)
def test_broken_records_are_named(records: tuple[str, ...], message: str) -> None:
    with pytest.raises(MapError, match=message):
        _line(*records)
