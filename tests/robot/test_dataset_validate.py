"""Every rule finds the fault planted for it, and repair mends what it can."""

import importlib
import json
import shutil
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brownfield.robot.dataset_repair import repair
from brownfield.robot.dataset_validate import validate
from brownfield.robot.dataset_writer import DatasetWriter
from brownfield.robot.video_file import encode_video

sys.path.insert(0, str(Path(__file__).parent))
synthetic = importlib.import_module("synthetic_episodes")

DATA = "data/chunk-000/file-001.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
TASKS = "meta/tasks.parquet"
VIDEO = "videos/observation.images.head/chunk-000/file-001.mp4"
Fault = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "set"
    with DatasetWriter(path, synthetic.SMALL_BODY) as writer:
        for seed in range(3):
            writer.commit(synthetic.SyntheticEpisode()(seed))
    assert validate(path) == []
    return path


@pytest.fixture
def dataset(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "set")


def _json(name: str, change: Callable[[dict[str, Any]], object]) -> Fault:
    def fault(root: Path) -> None:
        value = json.loads((root / name).read_text())
        change(value)
        (root / name).write_text(json.dumps(value))

    return fault


def _info(**changes: object) -> Fault:
    return _json("meta/info.json", lambda info: info.update(changes))


def _feature(name: str, **changes: object) -> Fault:
    return _json("meta/info.json", lambda info: info["features"][name].update(changes))


def _cells(name: str, column: str, change: Callable[[list[Any]], object]) -> Fault:
    """Change values of a column in place."""

    def fault(root: Path) -> None:
        table = pq.read_table(root / name)
        values = table[column].to_pylist()
        change(values)
        index = table.schema.get_field_index(column)
        field = table.schema.field(index)
        table = table.set_column(index, field, pa.array(values, field.type))
        pq.write_table(table, root / name, compression="snappy")

    return fault


def _set(index: int, value: object) -> Callable[[list[Any]], object]:
    return lambda values: values.__setitem__(index, value)


def _table(name: str, change: Callable[[pa.Table], pa.Table], **options: Any) -> Fault:
    options = {"compression": "snappy"} | options
    return lambda root: pq.write_table(
        change(pq.read_table(root / name)), root / name, **options
    )


def _bytes(name: str, change: Callable[[bytes], bytes]) -> Fault:
    return lambda root: (root / name).write_bytes(change((root / name).read_bytes()))


def _touch(name: str) -> Fault:
    def fault(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()

    return fault


def _remove(name: str) -> Fault:
    return lambda root: (root / name).unlink()


def _video(change: Callable[[np.ndarray], np.ndarray], fps: int = 10) -> Fault:
    def fault(root: Path) -> None:
        frames = synthetic.SyntheticEpisode()(1).frames["head"]
        encode_video(root / VIDEO, change(frames), fps)

    return fault


def _raw_video(
    codec: str = "libx264", pixels: str = "yuv420p", late: tuple[int, ...] = ()
) -> Fault:
    """A video written by other means; the frames in `late` come 1/20 s late."""

    def fault(root: Path) -> None:
        frames = synthetic.SyntheticEpisode()(1).frames["head"]
        with av.open(str(root / VIDEO), "w", format="mp4") as container:
            stream: Any = container.add_stream(codec, rate=10)
            stream.height, stream.width, stream.pix_fmt = 32, 32, pixels
            stream.thread_count = 1
            stream.codec_context.time_base = Fraction(1, 20)
            for i, picture in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = 2 * i + (i in late), Fraction(1, 20)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())

    return fault


def _drop_feature(name: str) -> Fault:
    return _json("meta/info.json", lambda info: info["features"].pop(name))


def _slash(info: dict[str, Any]) -> None:
    info["features"]["a/b"] = info["features"].pop("next.reward")


FAULTS: dict[str, tuple[Fault, str]] = {
    # The tree.
    "no info": (_remove("meta/info.json"), "meta/info.json is missing"),
    "no stats": (_remove("meta/stats.json"), "meta/stats.json is missing"),
    "no tasks": (_remove(TASKS), "meta cannot be read"),
    "no data": (_remove(DATA), f"{DATA} is missing"),
    "no video": (_remove(VIDEO), f"{VIDEO} is missing"),
    "stray data": (_touch("data/chunk-000/file-009.parquet"), "unknown file data/"),
    "stray video": (_touch("videos/x/chunk-000/file-000.mp4"), "unknown file videos/"),
    "temporary": (_touch(DATA + ".tmp"), "left-over file data/"),
    "staging": (_touch("images/x/episode-000000/frame-000000.png"), "unknown file im"),
    "changed": (_bytes(VIDEO, lambda b: b + b"\0"), "not what was committed"),
    "order": (
        _cells(EPISODES, "data/file_index", lambda v: v.reverse()),
        "order of the data files",
    ),
    "file index": (
        _cells(EPISODES, "data/file_index", _set(2, 1000)),
        "must be in [0, 1000)",
    ),
    # info.json.
    "not JSON": (_bytes("meta/info.json", lambda b: b[:-9]), "meta/info.json or"),
    "stats a list": (_bytes("meta/stats.json", lambda b: b"[]"), "must hold an object"),
    "version": (_info(codebase_version="v2.1"), "codebase_version is 'v2.1'"),
    "our version": (_info(brownfield_schema_version=9), "brownfield_schema_version"),
    "body": (_info(brownfield_body=None), "brownfield_body is None"),
    "rate type": (_info(fps=10.0), "fps is 10.0"),
    "rate": (_info(fps=0), "fps is 0, must be positive"),
    "unknown key": (_info(total_videos=3), "unknown key 'total_videos'"),
    "missing key": (_json("meta/info.json", lambda i: i.pop("splits")), "splits is mi"),
    "splits": (_info(splits={"train": "0:2"}), "splits is"),
    "data path": (_info(data_path="data/{episode}.parquet"), "data_path is"),
    "video path": (_info(video_path=None), "video_path is None"),
    "episodes": (
        _info(total_episodes=2, splits={"train": "0:2"}),
        "total_episodes is 2, there are 3",
    ),
    "frames": (_info(total_frames=1), "total_frames is 1"),
    "task count": (_info(total_tasks=9), "info.json says 9"),
    # Features and their columns.
    "slash": (_json("meta/info.json", _slash), "must not contain '/'"),
    "no default": (_drop_feature("timestamp"), "feature 'timestamp' must be"),
    "no state": (_drop_feature("observation.state"), "'observation.state' is missing"),
    "dtype": (_feature("action", dtype="float8"), "dtype 'float8' is none of"),
    "names": (_feature("action", names=["one"]), "1 names for 3 columns"),
    "shape": (_feature("action", shape=[0]), "must hold positive integers"),
    "not flat": (_feature("brownfield.label", shape=[4, 3]), "has no flat column"),
    "keys": (
        _json("meta/info.json", lambda i: i["features"]["action"].pop("names")),
        "['names'] missing",
    ),
    "video names": (_feature("observation.images.head", names=None), "expected shape"),
    "video info": (_feature("observation.images.head", info={}), "info video.codec"),
    "column type": (
        _table(
            DATA,
            lambda t: t.set_column(
                t.schema.get_field_index("index"), "index", t["index"].cast("int32")
            ),
        ),
        "column index is not int64",
    ),
    "no column": (_table(DATA, lambda t: t.drop(["action"])), "column action is not"),
    "more columns": (
        _table(DATA, lambda t: t.append_column("extra", t["index"])),
        "unknown column extra",
    ),
    "row groups": (_table(DATA, lambda t: t, row_group_size=5), "3 row groups for 1"),
    "compression": (_table(DATA, lambda t: t, compression="zstd"), "compression"),
    "truncated": (_bytes(DATA, lambda b: b[:-8]), "cannot be read"),
    "time": (_cells(DATA, "timestamp", _set(2, 0.21)), "frame 2: timestamp is 0.2"),
    "frame index": (_cells(DATA, "frame_index", _set(2, 3)), "frame_index is 3"),
    "index": (_cells(DATA, "index", _set(0, 0)), "index is 0, expected 10"),
    "episode index": (_cells(DATA, "episode_index", _set(0, 0)), "episode_index is 0"),
    "done": (_cells(DATA, "next.done", _set(0, True)), "next.done is True"),
    "success": (_cells(DATA, "next.success", _set(0, True)), "next.success is True"),
    "reward": (_cells(DATA, "next.reward", _set(0, 2.0)), "next.reward is 2.0"),
    "gap": (_cells(DATA, "next.reward", _set(0, None)), "next.reward has gaps"),
    "NaN": (
        _cells(DATA, "action", _set(4, [0.0, float("nan"), 0.0])),
        "'action' is NaN or infinite in episode 1, frame 4",
    ),
    "task": (_cells(DATA, "task_index", _set(0, 7)), "no task 7"),
    # Tasks.
    "task index": (_cells(TASKS, "task_index", _set(0, 5)), "row i must hold task_ind"),
    "empty task": (_cells(TASKS, "task", _set(0, "")), "distinct and not empty"),
    "task columns": (
        _table(TASKS, lambda t: t.drop(["task_index"])),
        "expected columns",
    ),
    "pandas": (_table(TASKS, lambda t: t.replace_schema_metadata({})), "pandas index"),
    # Episodes.
    "episode number": (_cells(EPISODES, "episode_index", _set(1, 5)), "holds index 5"),
    "length": (
        _cells(EPISODES, "length", _set(1, 2)),
        "episode 1: 11 rows, expected 2",
    ),
    "span": (_cells(EPISODES, "dataset_from_index", _set(1, 2)), "frames 2:"),
    "episode task": (
        _cells(EPISODES, "tasks", _set(1, ["dance"])),
        "its row ['dance']",
    ),
    "no task at all": (_cells(EPISODES, "tasks", _set(1, [])), "episode 1: no task"),
    "begin": (
        _cells(EPISODES, "videos/observation.images.head/from_timestamp", _set(1, 0.1)),
        "begins at 0.1 s",
    ),
    "end": (
        _cells(EPISODES, "videos/observation.images.head/to_timestamp", _set(1, 9.0)),
        "lasts 0.0:9.0 s",
    ),
    "own place": (
        _cells(EPISODES, "meta/episodes/file_index", _set(1, 1)),
        "episode 1: lies in",
    ),
    "outcome": (
        _cells(EPISODES, "brownfield_success", _set(0, False)),
        "with reason ''",
    ),
    "seeds": (
        _cells(EPISODES, "brownfield_seed", _set(0, 1)),
        "seeds occur twice: [1]",
    ),
    "missing statistics": (
        _table(EPISODES, lambda t: t.drop(["stats/action/q01"])),
        "column stats/action/q01 is missing",
    ),
    "episode column type": (
        _table(
            EPISODES,
            lambda t: t.set_column(
                t.schema.get_field_index("length"), "length", t["length"].cast("int32")
            ),
        ),
        "column length is int32",
    ),
    "episode gap": (_cells(EPISODES, "length", _set(0, None)), "length has gaps"),
    # Statistics.
    "quantile": (
        _json("meta/stats.json", lambda s: s["action"]["q99"].__setitem__(0, 9.0)),
        "stats.json: 'action': q99",
    ),
    "no feature": (
        _json("meta/stats.json", lambda s: s.pop("action")),
        "'action': min",
    ),
    "unknown feature": (
        _json("meta/stats.json", lambda s: s.update(x={})),
        "unknown f",
    ),
    "picture": (
        _json("meta/stats.json", lambda s: s["observation.images.head"].update(mean=0)),
        "'observation.images.head': mean",
    ),
    "episode quantile": (
        _cells(EPISODES, "stats/action/mean", _set(1, [0.0, 0.0, 0.0])),
        "statistics of 'action' in episode 1: mean",
    ),
    "episode picture": (
        _cells(
            EPISODES,
            "stats/observation.images.head/max",
            _set(1, [[[0.0]], [[0.0]], [[0.0]]]),
        ),
        "statistics of 'observation.images.head' in episode 1: max",
    ),
    # Videos.
    "fewer frames": (_video(lambda f: f[:-1]), "10 frames, its episodes have 11"),
    "size": (_video(lambda f: f[:, :16]), "height is 16, expected 32"),
    "video rate": (_video(lambda f: f, fps=20), "rate is 20, expected 10"),
    "uneven": (_raw_video(late=(4,)), "expected yuv420p frame 4 at 4/10 s"),
    "lagging": (_raw_video(late=(9, 10)), "frame 9 at 9/10 s"),
    "pixel format": (_raw_video(pixels="yuv444p"), "pixel format is yuv444p"),
    "codec": (_raw_video(codec="mpeg4"), "codec is mpeg4"),
    "not a video": (_bytes(VIDEO, lambda b: b"nothing"), "cannot be decoded"),
    "cut video": (_bytes(VIDEO, lambda b: b[: len(b) // 2]), "cannot be decoded"),
    "other pictures": (_video(lambda f: 255 - f), "episode 1: mean is missing or not"),
    # The journal.
    "no journal": (_remove("journal.jsonl"), "journal.jsonl is missing"),
    "unfinished line": (_bytes("journal.jsonl", lambda b: b + b"{"), "unfinished line"),
    "broken line": (
        _bytes("journal.jsonl", lambda b: b"!" + b),
        "journal.jsonl line 1",
    ),
    "lost line": (
        _bytes("journal.jsonl", lambda b: b[: b[:-1].rindex(b"\n") + 1]),
        "names 3 episodes, the journal 2",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, dataset: Path) -> None:
    plant, message = FAULTS[name]
    plant(dataset)
    problems = validate(dataset)
    assert any(message in problem for problem in problems), problems
    assert all("\n" not in problem for problem in problems)


MENDED = (
    "no info,no stats,no tasks,stray data,stray video,temporary,staging,order,version,"
    "splits,frames,task index,pandas,length,span,quantile,episode quantile,"
    "missing statistics,unfinished line"
).split(",")


@pytest.mark.parametrize("name", MENDED)
def test_repair_mends_what_the_journal_knows(
    name: str, dataset: Path, whole: Path
) -> None:
    FAULTS[name][0](dataset)
    repair(dataset)
    assert validate(dataset) == []
    for path in whole.rglob("*"):
        if path.is_file():
            assert (dataset / path.relative_to(whole)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["no data", "changed", "NaN", "fewer frames"])
def test_repair_leaves_alone_what_it_cannot_mend(name: str, dataset: Path) -> None:
    FAULTS[name][0](dataset)
    before = validate(dataset)
    with pytest.raises(ValueError, match="bring it back first"):
        repair(dataset)
    assert validate(dataset) == before


def test_what_the_journal_does_not_know_is_put_aside(dataset: Path) -> None:
    shutil.copy(dataset / DATA, dataset / "data/chunk-000/file-003.parquet")
    done = repair(dataset)
    kept = dataset / "quarantine/data/chunk-000/file-003.parquet"
    assert kept.read_bytes() == (dataset / DATA).read_bytes()
    assert any(str(kept.relative_to(dataset)) in line for line in done)


def test_folders_that_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no dataset"):
        validate(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"holds no journal\.jsonl"):
        repair(tmp_path)
    assert any("missing" in problem for problem in validate(tmp_path))
