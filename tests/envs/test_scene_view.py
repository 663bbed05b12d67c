"""Scenes are filmed from where the robot can be seen."""

import mujoco
import numpy as np
import pytest

from brownfield.envs.scene_view import SHOWN, TOWARDS, clear_view

ROOM = """<mujoco><worldbody>
  <camera name="room" pos="-1.5 -2.5 1.85" xyaxes="0.905 -0.425 0 0.147 0.314 0.938"/>
  <geom type="box" size=".3 .6 .02" pos=".5 0 .88"/>
  {}
</worldbody></mujoco>"""
WALL = '<geom type="box" size="3 .02 3" pos="0 {} 0"/>'


def _room(*walls_y: float) -> mujoco.MjModel:
    text = ROOM.format("".join(WALL.format(y) for y in walls_y))
    return mujoco.MjModel.from_xml_string(text)


def test_where_nothing_is_hidden_the_camera_stays() -> None:
    model, before = _room(), _room()
    clear_view(model)
    for field in ("cam_pos", "cam_quat"):
        np.testing.assert_array_equal(getattr(model, field), getattr(before, field))


@pytest.mark.parametrize(("walls_y", "y"), [((-1.2,), 2.5), ((-0.8, 2.0), 1.6)])
def test_no_wall_stands_before_what_is_filmed(
    walls_y: tuple[float, ...], y: float
) -> None:
    model = _room(*walls_y)
    clear_view(model)
    assert model.camera("room").pos[1] == y
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = data.camera("room")
    right, up, back = camera.xmat.reshape(3, 3).T
    ahead = np.array(TOWARDS) - camera.xpos
    np.testing.assert_allclose(ahead / np.linalg.norm(ahead), -back, atol=1e-6)
    assert abs(right[2]) < 1e-6 and up[2] > 0
    for wall in walls_y:
        for point in SHOWN:
            assert (point[1] - wall) * (camera.xpos[1] - wall) > 0


def test_in_a_corridor_it_stays() -> None:
    model = _room(-0.7, 0.7)
    clear_view(model)
    np.testing.assert_array_equal(model.camera("room").pos, [-1.5, -2.5, 1.85])
