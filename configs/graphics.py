"""Choose how MuJoCo renders on a machine without a screen."""

import ctypes.util
import os
import sys


def choose_renderer() -> None:
    """Set `MUJOCO_GL` unless it is set: EGL where it is installed, else OSMesa.

    Must run before MuJoCo is imported; worker processes inherit the choice.
    """
    if "MUJOCO_GL" in os.environ or not sys.platform.startswith("linux"):
        return
    found = ctypes.util.find_library("EGL")
    os.environ["MUJOCO_GL"] = "egl" if found else "osmesa"
