"""LeRobotDataset v3.0: which features a body's trajectories have, and where they lie.

The format is LeRobot's; every key of ours starts with `brownfield`.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from brownfield.robot import video_file
from brownfield.robot.body import Body

CODEBASE_VERSION = "v3.0"
SCHEMA_VERSION = 2
"""Version of what Brownfield adds; a reader refuses another one."""

CHUNK_SIZE = 1000
"""Files per folder, and rows per file of episodes."""
DATA_MEGABYTES = 100
VIDEO_MEGABYTES = 200
LONGEST_VIDEO_S = 1024.0
"""Later times do not survive a comparison in float32 within 1e-4 s."""

DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
SEGMENTS_PATH = "segments/chunk-{chunk_index:03d}/file-{file_index:03d}.npz"
"""Beside what the format knows: `segments` (N, h, w) of one episode."""
INFO_PATH = "meta/info.json"
STATS_PATH = "meta/stats.json"
TASKS_PATH = "meta/tasks.parquet"
JOURNAL_PATH = "journal.jsonl"

STATE = "observation.state"
ACTION = "action"
LABEL = "brownfield.label"
PRIVILEGED = "observation.environment_state"
OTHER_LABELS = "brownfield.other_labels"
OTHER_PRIVILEGED = "brownfield.other_environment_states"
REWARD, DONE, SUCCESS = "next.reward", "next.done", "next.success"
DEFAULT_FEATURES = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}

Features = dict[str, dict[str, Any]]


def camera_key(camera: str) -> str:
    """Feature of a camera."""
    return f"observation.images.{camera}"


def frames_per_second(body: Body) -> int:
    """The control rate as the integer that the format asks for [Hz].

    Raises:
        ValueError: the rate is not a positive integer.
    """
    if body.control_hz < 1 or body.control_hz != int(body.control_hz):
        raise ValueError(
            f"a dataset needs an integer control rate, body {body.name!r} has "
            f"{body.control_hz} Hz"
        )
    return int(body.control_hz)


def _video(height: int, width: int, fps: int) -> dict[str, Any]:
    return {
        "dtype": "video",
        "shape": [height, width, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": height,
            "video.width": width,
            "video.codec": video_file.CODEC,
            "video.pix_fmt": video_file.PIXEL_FORMAT,
            "video.fps": fps,
            "video.channels": 3,
            "has_audio": False,
            "is_depth_map": False,
            "video.g": video_file.GOP,
            "video.crf": video_file.CRF,
            "video.preset": video_file.PRESET,
        },
    }


def features_of(
    body: Body, privileged_names: tuple[str, ...], others: int = 0
) -> Features:
    """Features of the trajectories of `body`, in the order of the columns.

    Args:
        body: whose trajectories.
        privileged_names: columns of the simulator's truth; none leaves it out.
        others: slots for counterfactual prompts, side by side in one column.

    Raises:
        ValueError: the control rate is not a positive integer.
    """
    fps = frames_per_second(body)

    def vector(names: list[str]) -> dict[str, Any]:
        return {"dtype": "float32", "shape": [len(names)], "names": names}

    def scalar(dtype: str) -> dict[str, Any]:
        return {"dtype": dtype, "shape": [1], "names": None}

    action = [field.name for field in body.action]
    label = [f"{a}@{step + 1}" for step in range(body.chunk_steps) for a in action]
    features: Features = {
        camera_key(c.name): _video(c.height, c.width, fps) for c in body.cameras
    }
    features[STATE] = vector([field.name for field in body.state])
    features[ACTION] = vector(action)
    features[LABEL] = vector(label)
    if privileged_names:
        features[PRIVILEGED] = vector(list(privileged_names))
    for name, columns in ((OTHER_LABELS, label), (OTHER_PRIVILEGED, privileged_names)):
        if others and columns:
            features[name] = vector(
                [f"{c}|{slot + 1}" for slot in range(others) for c in columns]
            )
    features[REWARD] = scalar("float32")
    features[DONE] = scalar("bool")
    features[SUCCESS] = scalar("bool")
    features |= {name: scalar(dtype) for name, dtype in DEFAULT_FEATURES.items()}
    return features


def video_keys(features: Features) -> list[str]:
    """Features kept as video."""
    return [name for name, feature in features.items() if feature["dtype"] == "video"]


def arrow_type(feature: dict[str, Any]) -> pa.DataType:
    """Type of a feature's column; `video` has none.

    Raises:
        ValueError: a type or shape that has no flat column.
    """
    names = {"float32": "float", "float64": "double"}
    dtype, shape = feature["dtype"], feature["shape"]
    if dtype == "video" or len(shape) != 1:
        raise ValueError(f"no column holds {dtype} of shape {shape}")
    value = pa.type_for_alias(names.get(dtype, dtype))
    return value if shape == [1] else pa.list_(value, shape[0])


def data_schema(features: Features) -> pa.Schema:
    """Columns of the data files."""
    return pa.schema(
        [
            (name, arrow_type(feature))
            for name, feature in features.items()
            if feature["dtype"] != "video"
        ]
    )


def header_of(
    body: Body,
    privileged_names: tuple[str, ...],
    recipe: str,
    others: int = 0,
    segment_names: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What holds for every episode of a dataset: first line of its journal.

    Args:
        body: whose trajectories.
        privileged_names: columns of the simulator's truth.
        recipe: how the episodes are made.
        others: slots for counterfactual prompts.
        segment_names: classes of the pictures beside; none where there are none.
    """
    beside = {"segments": list(segment_names)} if segment_names else {}
    return beside | {
        "kind": "dataset",
        "schema_version": SCHEMA_VERSION,
        "body": body.name,
        "body_schema": body.schema_hash(),
        "chunk_steps": body.chunk_steps,
        "recipe": recipe,
        "others": others,
        "fps": frames_per_second(body),
        "features": features_of(body, privileged_names, others),
    }


def info_of(header: dict[str, Any], lengths: list[int], tasks: int) -> dict[str, Any]:
    """`meta/info.json` of a dataset whose episodes have these lengths [frames]."""
    names = header.get("segments")
    beside = {"brownfield_segments": names} if names else {}
    return beside | {
        "codebase_version": CODEBASE_VERSION,
        "robot_type": header["body"],
        "total_episodes": len(lengths),
        "total_frames": sum(lengths),
        "total_tasks": tasks,
        "chunks_size": CHUNK_SIZE,
        "data_files_size_in_mb": DATA_MEGABYTES,
        "video_files_size_in_mb": VIDEO_MEGABYTES,
        "fps": header["fps"],
        "splits": {"train": f"0:{len(lengths)}"},
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH if video_keys(header["features"]) else None,
        "features": header["features"],
        "brownfield_schema_version": header["schema_version"],
        "brownfield_body": header["body"],
        "brownfield_body_schema": header["body_schema"],
        "brownfield_chunk_steps": header["chunk_steps"],
        "brownfield_recipe": header["recipe"],
        "brownfield_others": header["others"],
    }


def episode_paths(features: Features, episode: int) -> dict[str, PurePosixPath]:
    """Files of one episode while recording, one each: `data` and the video keys."""
    chunk, file = divmod(episode, CHUNK_SIZE)
    place = {"chunk_index": chunk, "file_index": file}
    paths = {"data": PurePosixPath(DATA_PATH.format(**place))}
    for key in video_keys(features):
        paths[key] = PurePosixPath(VIDEO_PATH.format(video_key=key, **place))
    return paths


def segments_path(episode: int) -> PurePosixPath:
    """File of an episode's classes."""
    chunk, file = divmod(episode, CHUNK_SIZE)
    return PurePosixPath(SEGMENTS_PATH.format(chunk_index=chunk, file_index=file))
