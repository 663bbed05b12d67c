"""Fitting a video tokenizer to datasets, and measuring it, by the command line."""

import importlib
import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from brownfield.configs.cli import main
from brownfield.policies import video_clips
from brownfield.policies.tokenize_video import TokenizeVideoConfig, tokenize_video
from brownfield.policies.video_clips import load_clips
from brownfield.policies.video_quality import held_out_numbers
from brownfield.policies.video_quantisers import QuantiserBenchConfig, quantiser_bench
from brownfield.robot.dataset_writer import DatasetWriter
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import PRESETS, video_preset

sys.path.insert(0, str(Path(__file__).parents[1] / "robot"))
synthetic = importlib.import_module("synthetic_episodes")
segmented = importlib.import_module("test_dataset_segments")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "seen"
    episode_of = synthetic.SyntheticEpisode(steps=66)
    with DatasetWriter(path, synthetic.SMALL_BODY) as writer:
        for seed in range(4):
            writer.commit(episode_of(seed))
    return path


@pytest.fixture
def config(tmp_path: Path) -> TokenizeVideoConfig:
    """A fit to four small episodes of which the simulator tells what they show."""
    with DatasetWriter(tmp_path / "set", synthetic.SMALL_BODY) as writer:
        for seed in range(4):
            writer.commit(segmented.episode(seed))
    return TokenizeVideoConfig(
        datasets=(tmp_path / "set",), network="pico", size=(8, 8), camera="head",
        hz=10, steps=2, batch=2, validation_every_episode=2, threads=1,
        out=tmp_path / "eye", show_progress=False,
    )  # fmt: skip


def test_clips_have_the_rate_and_the_size_asked_for(dataset: Path) -> None:
    whole = load_clips([dataset], size=(32, 32), hz=10, camera="head")
    half = load_clips([dataset], size=(16, 16), hz=5, camera="head")
    assert len(whole) == len(half) == 4 and whole.segments is None
    for long, short in zip(whole.frames, half.frames, strict=True):
        assert len(short) == (len(long) + 1) // 2
        assert short.shape[1:] == (16, 16, 3)
    few = load_clips([dataset], size=(32, 32), hz=10, camera="head", most=2)
    assert len(few) == 2
    np.testing.assert_array_equal(few.frames[1], whole.frames[2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "several cameras.*images.head"),
        ({"camera": "tail"}, "no camera 'tail'"),
        ({"camera": "head", "size": (24, 24)}, "episode 0: expected frames of 24x24"),
        ({"camera": "head", "hz": 20.0}, "episode 0: expected hz"),
    ],
)
def test_what_does_not_fit_is_named(
    dataset: Path, changes: dict[str, Any], message: str
) -> None:
    wanted: dict[str, Any] = {"size": (32, 32)} | changes
    with pytest.raises(ValueError, match=message):
        load_clips([dataset], **wanted)


def test_a_damaged_frame_is_named(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", synthetic.SMALL_BODY) as writer:
        for seed in range(2):
            writer.commit(synthetic.SyntheticEpisode(steps=30)(seed))
    film = next((tmp_path / "set/videos/observation.images.head").rglob("file-001.mp4"))
    data = bytearray(film.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 2000] = b"\0" * 2000
    film.write_bytes(bytes(data[: len(data)]))
    with pytest.raises(ValueError, match=r"episode 1: .*frame"):
        load_clips([tmp_path / "set"], size=(32, 32), hz=10, camera="head")


def test_fit_and_measure_by_the_command_line(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "eye", tmp_path / "bench"
    words = ["--network", "pico", "--size", "32", "32", "--camera", "head"]
    words += ["--hz", "10", "--steps", "3", "--batch", "2", "--no-show-progress"]
    words += ["--validation-every-episode", "2", "--out", str(out)]
    assert main(["tokenize", "video", str(dataset), *words]) == 0
    video = VideoTokenizer.load(out)
    assert video.config.size == (32, 32) and video.frames_per_block == 4
    rows = [json.loads(x) for x in (out / "metrics.jsonl").read_text().splitlines()]
    assert {"loss", "ids/entropy_bits", "ids/used_codes", "ids/saturation"} <= set(
        rows[0]
    )
    assert {"held_out/psnr_db/all", "held_out/bits_per_pixel"} <= set(rows[-1])
    words = ["--tokenizers", str(out), "--camera", "head", "--hz", "10", "--most", "2"]
    words += ["--out", str(report)]
    assert main(["bench", "video-tokens", str(dataset), *words]) == 0
    result = json.loads((report / "results.json").read_text())
    found = result["sources"][dataset.name]
    assert found["clips"] == 2 and set(found["tokenizers"]) == {"eye"}
    row = found["tokenizers"]["eye"]
    assert row["bits_per_pixel"] <= row["bits_per_pixel_fixed"]
    for points in found["codecs"].values():
        bits = [point["bits_per_pixel"] for point in points]
        assert bits == sorted(bits)
    page = (report / "report.html").read_text()
    assert "data:video/mp4" in page and "H.264" in page and "eye" in page
    assert "eye" in capsys.readouterr().out


def test_things_are_weighed_where_they_are_known(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", synthetic.SMALL_BODY) as writer:
        for seed in range(3):
            writer.commit(segmented.episode(seed))
    clips = load_clips([tmp_path / "set"], size=(8, 8), hz=10, camera="head")
    assert clips.names == segmented.NAMES and clips.segments is not None
    for frames, segments in zip(clips.frames, clips.segments, strict=True):
        assert frames.shape[:3] == segments.shape
    with pytest.raises(ValueError, match="expected segments of"):
        load_clips([tmp_path / "set"], size=(16, 16), hz=10, camera="head")


def test_places_are_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DatasetWriter(tmp_path / "set", synthetic.SMALL_BODY) as writer:
        writer.commit(segmented.episode(0))
    read = partial(load_clips, [tmp_path / "set"], size=(8, 8), hz=10, camera="head")
    before = np.concatenate(read().segments or [])
    monkeypatch.setattr(video_clips, "PLACES", segmented.NAMES[1:2])
    clips = read()
    after = np.concatenate(clips.segments or [])
    assert clips.names == (segmented.NAMES[0], *segmented.NAMES[2:])
    assert (before == 1).any() and (after[before == 1] == 0).all()
    for entry in range(2, len(segmented.NAMES)):
        assert (after[before == entry] == entry - 1).all()


def test_who_is_told_what_matters_tells_it_in_detail(
    config: TokenizeVideoConfig,
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # These frames have a single part.
    monkeypatch.setitem(PRESETS, "eye", video_preset("eye", shares=1))
    config = replace(config, network="eye")
    tokenize_video(config)
    assert VideoTokenizer.load(tmp_path / "eye").config.detail > 0
    told = json.loads((tmp_path / "eye/metrics.jsonl").read_text().splitlines()[-1])
    assert 0 <= told["held_out/gaze_recall"] <= 1
    assert 0 <= told["held_out/gaze_precision"] <= 1
    tokenize_video(replace(config, salient=False))
    assert VideoTokenizer.load(tmp_path / "eye").config.detail == 0
    with pytest.warns(UserWarning, match="tells all alike"):
        tokenize_video(replace(config, datasets=(dataset,), size=(32, 32)))
    assert VideoTokenizer.load(tmp_path / "eye").config.detail == 0


def test_goes_on_with_another_camera_from_what_it_knew(
    config: TokenizeVideoConfig, tmp_path: Path
) -> None:
    config = replace(config, out=tmp_path / "first")
    tokenize_video(config)
    clips = tmp_path / "loose"
    clips.mkdir()
    rng = np.random.default_rng(0)
    for name in "abcd":
        frames = rng.integers(0, 256, (9, 16, 16, 3), np.uint8)
        np.savez(clips / f"{name}.npz", image=frames)
    seen = load_clips([clips], size=(8, 8))
    assert len(seen) == 4 and seen.segments is None
    assert seen.frames[0].shape == (9, 8, 8, 3)
    assert load_clips([tmp_path / "set", clips], camera="head", size=(8, 8)).names == ()
    on = replace(
        config, datasets=(clips,), init=tmp_path / "first", size=None, network="cosmos",
        validation_every_episode=2, out=tmp_path / "second",
    )  # fmt: skip
    assert on.fit().rate < config.fit().rate and replace(on, rate=1.0).fit().rate == 1
    tokenize_video(on)
    first, second = (VideoTokenizer.load(tmp_path / n) for n in ("first", "second"))
    assert first.config == second.config
    lines = (tmp_path / "second/metrics.jsonl").read_text().splitlines()
    before, after = json.loads(lines[0]), json.loads(lines[-1])
    assert before["step"] == 0 and after["step"] == 2
    held_out = seen.split(2)[1]
    assert before["held_out/psnr_db/all"] == pytest.approx(
        held_out_numbers(first, held_out)["held_out/psnr_db/all"]
    )
    assert before["held_out/psnr_db/all"] != after["held_out/psnr_db/all"]
    with pytest.raises(ValueError, match="sizes are those of its tokenizer"):
        replace(on, size=(8, 8))


def test_a_clip_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "e.npz"
    wrong = (np.zeros((2, 8, 8, 3)), np.uint8(1), np.zeros((0, 8, 8, 3), np.uint8))
    for image in wrong:
        np.savez(file, image=image)
        with pytest.raises(ValueError, match=r"e\.npz: expected uint8 `image` \(T"):
            load_clips([tmp_path], size=(8, 8))
    np.savez(file, picture=np.zeros(1))
    with pytest.raises(ValueError, match=r"e\.npz: expected uint8 `image` .*'image"):
        load_clips([tmp_path], size=(8, 8))
    file.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ValueError, match=r"e\.npz: expected uint8 `image` \(T"):
        load_clips([tmp_path], size=(8, 8))
    with pytest.raises(
        FileNotFoundError, match=r"no LeRobotDataset and holds no \.npz"
    ):
        load_clips([tmp_path / "nothing"], size=(8, 8))


def test_a_camera_need_not_be_square(config: TokenizeVideoConfig) -> None:
    camera = config.out.parent / "wide"
    camera.mkdir()
    frames = np.random.default_rng(0).integers(0, 256, (2, 33, 32, 48, 3), np.uint8)
    for number, image in enumerate(frames):
        np.savez(camera / f"{number}.npz", image=image)
    out = tokenize_video(
        replace(config, datasets=(camera,), camera=None, hz=5, size=(16, 24))
    )
    video = VideoTokenizer.load(out)
    seen = load_clips([camera], size=(16, 24), hz=5).frames[0][None, :9]
    ids = video.encode(seen)
    assert ids.shape[-2:] == video.config.grid and ids.shape[-2] != ids.shape[-1]
    assert video.decode(ids).shape == seen.shape
    with pytest.raises(ValueError, match=r"0\.npz: expected frames of 16x16"):
        load_clips([camera], size=(16, 16), hz=5)


def test_curves_are_sent_where_they_are_watched(
    config: TokenizeVideoConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[int, dict[str, float]] = {}
    run = SimpleNamespace(
        log=lambda data, step: sent.setdefault(step, {}).update(data),
        finish=lambda: sent.setdefault(-1, {}),
    )
    asked: dict[str, Any] = {}
    wandb = SimpleNamespace(init=lambda **words: asked.update(words) or run)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    out = tokenize_video(replace(config, wandb="offline"))
    assert asked["mode"] == "offline" and asked["config"]["network"] == "pico"
    rows = [json.loads(x) for x in (out / "metrics.jsonl").read_text().splitlines()]
    assert -1 in sent and {row["step"] for row in rows} == set(sent) - {-1}
    assert {"ids/entropy_bits", "ids/used_codes", "ids/saturation"} <= set(sent[1])
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ValueError, match="wandb is not installed"):
        tokenize_video(replace(config, wandb="online"))


def test_says_what_it_keeps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        np.savez(tmp_path / f"{name}.npz", image=np.zeros((5, 64, 64, 3), np.uint8))
    fit = ["tokenize", "video", str(tmp_path), "--network", "pico", "--steps", "1"]
    fit += ["--batch", "1", "--validation-every-episode", "2", "--no-show-progress"]
    first, second = tmp_path / "first", tmp_path / "second"
    assert main([*fit, "--out", str(first)]) == 0
    assert capsys.readouterr().out.count("held-out frames after 1 updates") == 1
    assert main([*fit, "--init", str(first), "--out", str(second)]) == 0
    said = capsys.readouterr().out
    assert said.index("after 0 updates") < said.index("after 1 updates")


def test_a_fit_needs_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenize", "video", "somewhere"]) == 2
    assert "steps or seconds" in capsys.readouterr().err


def test_other_quantisers_learn_in_the_same_network(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(
        "vector_quantize_pytorch", reason="the extra `peers` is not installed"
    )
    table = quantiser_bench(
        QuantiserBenchConfig(
            data=(dataset,), network="pico", camera="head", hz=10, steps=2,
            size=(32, 32), threads=1, show_progress=False,
        )
    )  # fmt: skip
    assert [row[0] for row in table.rows] == ["FSQ", "VQ", "SimVQ", "LFQ"]
    for row in table.rows:
        assert float(row[1]) > 5 and int(row[5]) >= 1
        assert len(row) == len(table.head)
    assert capsys.readouterr().err == ""


def test_codes_tell_segments_where_they_are_known(
    dataset: Path, config: TokenizeVideoConfig
) -> None:
    plain = VideoTokenizer.load(tokenize_video(config))
    told = VideoTokenizer.load(tokenize_video(replace(config, telling=0.5)))
    states = (plain.network.state_dict(), told.network.state_dict())
    assert states[0].keys() == states[1].keys()
    assert any(not np.array_equal(states[0][n], states[1][n]) for n in states[0])
    unknown = replace(config, datasets=(dataset,), size=(32, 32), telling=0.5)
    with pytest.raises(ValueError, match="telling needs datasets with segments"):
        tokenize_video(unknown)
