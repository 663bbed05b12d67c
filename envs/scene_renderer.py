"""Pictures of simulated scenes, all of them through one GL context.

`mujoco.Renderer` opens a context for every model and size. In software the first scene
of a context takes .3 to .6 s to upload and every further one a tenth of that, so an
environment whose every episode is another model keeps its context. Geoms that a camera
cannot see are not sent to GL at all: from the eyes of a humanoid that is most of its
own body, and half of the time of a frame.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

MAX_GEOMS = 10_000
"""Of one picture."""
HIDDEN_GROUP = 5
"""Group of geoms that MuJoCo does not draw unless it is told to."""


class _Upload(NamedTuple):
    """A model where the GL context can draw it."""

    model: mujoco.MjModel
    scene: mujoco.MjvScene
    context: mujoco.MjrContext


def unseen(
    data: mujoco.MjData, camera: int, height: int, width: int
) -> NDArray[np.bool_]:
    """Geoms (G,) of which a camera's picture can show nothing.

    Their bounding spheres lie outside of it; a geom that was made larger since its
    model was compiled has the sphere of its sizes. Planes have no such sphere, so none
    of them is left out, and nothing is for cameras that are given by a sensor or look
    in parallel.
    """
    model = data.model
    # No shape that is drawn from its sizes reaches farther than all of them together;
    # of others the spheres are those of their vertices.
    radius = np.maximum(model.geom_rbound, model.geom_size.sum(1))
    if model.cam_sensorsize[camera].any() or model.cam_projection[camera]:
        return np.zeros(model.ngeom, bool)
    upward = np.tan(np.deg2rad(model.cam_fovy[camera]) / 2)
    turn = data.cam_xmat[camera].reshape(3, 3)
    right, up, back = ((data.geom_xpos - data.cam_xpos[camera]) @ turn).T
    out = back > radius
    for aside, slope in ((right, upward * width / height), (up, upward)):
        # How far the centre is beyond the nearer of two opposite edges.
        out |= np.abs(aside) + slope * back > radius * np.hypot(1, slope)
    return out & (model.geom_rbound > 0)


@functools.cache
def _owned_context() -> type:
    """mujoco's GL context that is freed by who owns it, never by the garbage collector:
    what was uploaded through it has to go first."""
    return type("OwnedGLContext", (mujoco.GLContext,), {"__del__": lambda self: None})


class SceneRenderer:
    """Draws any number of models in any size up to their offscreen buffer's.

    Without shadows and reflections: in software they cost fifty times the rest of a
    frame. To be used by the thread that drew its first picture.
    """

    def __init__(self) -> None:
        self._gl: Any = None
        self._uploads: dict[int, _Upload] = {}
        self._options = mujoco.MjvOption()

    def picture(
        self, data: mujoco.MjData, camera: str, height: int, width: int
    ) -> NDArray[np.uint8]:
        """A frame (height, width, 3) of a named camera.

        Raises:
            ValueError: the model has no such camera, or its offscreen buffer is
                smaller.
        """
        return self._draw(data, camera, height, width)

    def geoms(
        self, data: mujoco.MjData, camera: str, height: int, width: int
    ) -> NDArray[np.int32]:
        """Which geom each pixel (height, width) of a named camera shows, -1 for none.

        Raises:
            ValueError: as for `picture`.
        """
        numbers = [mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR]
        flags = np.array([flag.value for flag in numbers])
        scene = self._upload(data.model).scene
        scene.flags[flags] = 1
        try:
            colours = self._draw(data, camera, height, width).astype(np.int32)
        finally:
            scene.flags[flags] = 0
        # A colour is the number of what was drawn, from 1 on.
        drawn = colours @ np.array([1, 2**8, 2**16], np.int32)
        names = np.full(scene.ngeom + 1, -1, np.int32)
        for geom in scene.geoms[: scene.ngeom]:
            if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                names[geom.segid + 1] = geom.objid
        return names[drawn]

    def forget(self) -> None:
        """Free what was uploaded of models, and keep the GL context."""
        if self._uploads:
            with self._gl.as_current():
                for upload in self._uploads.values():
                    upload.context.free()
        self._uploads.clear()

    def close(self) -> None:
        """Free everything; the next picture begins anew."""
        self.forget()
        if self._gl is not None:
            self._gl.free()
        self._gl = None

    def __del__(self) -> None:
        """Free everything before GL does."""
        self.close()

    def _upload(self, model: mujoco.MjModel) -> _Upload:
        # Who is uploaded is alive, so nobody else has its id.
        upload = self._uploads.get(id(model))
        if upload is None:
            size = model.vis.global_
            if self._gl is None:
                self._gl = _owned_context()(size.offwidth, size.offheight)
            self._gl.make_current()
            scene = mujoco.MjvScene(model, MAX_GEOMS)
            for off in (
                mujoco.mjtRndFlag.mjRND_SHADOW,
                mujoco.mjtRndFlag.mjRND_REFLECTION,
            ):
                scene.flags[off] = 0
            font = mujoco.mjtFontScale.mjFONTSCALE_100
            context = mujoco.MjrContext(model, font.value)
            upload = self._uploads[id(model)] = _Upload(model, scene, context)
        return upload

    def _draw(
        self, data: mujoco.MjData, camera: str, height: int, width: int
    ) -> NDArray[np.uint8]:
        model = data.model
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        view.fixedcamid = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, camera)
        room = model.vis.global_
        if view.fixedcamid < 0:
            there = ", ".join(model.camera(i).name for i in range(model.ncam))
            raise ValueError(f"expected a camera of {there}; got {camera!r}")
        if not (0 < height <= room.offheight and 0 < width <= room.offwidth):
            raise ValueError(
                f"expected a picture of at most {room.offheight} x {room.offwidth} "
                f"pixels, the model's offscreen buffer; got {height} x {width}"
            )
        upload = self._upload(model)
        self._gl.make_current()
        every = mujoco.mjtCatBit.mjCAT_ALL.value
        groups = model.geom_group.copy()
        model.geom_group[unseen(data, view.fixedcamid, height, width)] = HIDDEN_GROUP
        try:
            mujoco.mjv_updateScene(
                model, data, self._options, None, view, every, upload.scene
            )
        finally:
            model.geom_group[:] = groups
        frame = mujoco.MjrRect(0, 0, width, height)
        # Every model has a buffer of its own, and rendering draws into the last one
        # that was set, reading reads its own.
        offscreen = mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value
        mujoco.mjr_setBuffer(offscreen, upload.context)
        mujoco.mjr_render(frame, upload.scene, upload.context)
        pixels = np.empty((height, width, 3), np.uint8)
        mujoco.mjr_readPixels(pixels, None, frame, upload.context)
        # GL's first row is the lowest.
        return np.ascontiguousarray(pixels[::-1])
