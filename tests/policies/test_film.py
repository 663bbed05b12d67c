"""Films play, have the frames they should have, and appear whole or not at all."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from brownfield.policies.film import FilmWriter, with_inset, write_grid
from brownfield.policies.prompt_film import FPS, HEIGHT, WIDTH, Look, PromptFilm
from brownfield.robot.g1.body import G1_BODY, G1_TWO_HANDS


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        return [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]


def look(seed: int) -> Look:
    rng = np.random.default_rng(seed)
    return Look(
        seen=rng.integers(0, 256, (128, 128, 3), dtype=np.uint8),
        pointing=rng.uniform(0, 1, (8, 8)).astype(np.float32),
        decoded=rng.integers(0, 256, (64, 64, 3), dtype=np.uint8),
        video_ids=rng.integers(0, 1000, (8, 8)),
        state_ids=rng.integers(0, 256, 95),
        action_ids=rng.integers(0, 127, 20),
    )


def test_frames_come_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "film.mp4"
    with FilmWriter(path, height=32, width=48, fps=10) as film:
        for value in (20, 120, 220):
            film.add(np.full((32, 48, 3), value, np.uint8))
    means = [frame.mean() for frame in frames_of(path)]
    assert means == pytest.approx([20, 120, 220], abs=4)
    assert [p.name for p in path.parent.iterdir()] == ["film.mp4"]


def test_a_film_that_fails_leaves_nothing(tmp_path: Path) -> None:
    film = FilmWriter(tmp_path / "film.mp4", height=32, width=48, fps=10)
    with pytest.raises(ValueError, match=r"\(32, 48, 3\)"), film:
        film.add(np.zeros((32, 48, 3), np.uint8))
        film.add(np.zeros((48, 32, 3), np.uint8))
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="even sides"):
        FilmWriter(tmp_path / "film.mp4", height=31, width=48, fps=10)


def test_grid_holds_every_clip(tmp_path: Path) -> None:
    clips = [[np.full((40, 60, 3), 30 * i, np.uint8)] * (i + 1) for i in range(5)]
    write_grid(tmp_path / "g.mp4", clips, ["a"] * 5, columns=3, fps=10)
    shown = frames_of(tmp_path / "g.mp4")
    assert len(shown) == 5 + 10
    assert shown[0].shape == (2 * 60, 3 * 60, 3)
    assert shown[0][10:30, 70:110].mean() == pytest.approx(30, abs=4)
    with pytest.raises(ValueError, match="as many captions"):
        write_grid(tmp_path / "h.mp4", clips, ["success"])


def test_grid_tells_what_came_of_a_clip_once_it_is_over(tmp_path: Path) -> None:
    clips = [[np.zeros((40, 60, 3), np.uint8)] * 4, [np.zeros((40, 60, 3), np.uint8)]]
    told = ["failed: b", "success: a"]
    write_grid(tmp_path / "g.mp4", clips, ["b", "a"], told, fps=10)
    lines = [f[40:].astype(int) for f in frames_of(tmp_path / "g.mp4")]
    # How much more red than green is in either line.
    red = np.array(
        [[(x[..., 0] - x[..., 1]).sum() for x in (y[:, :60], y[:, 60:])] for y in lines]
    )
    assert abs(red[0]).max() < 0.2 * abs(red[-1]).min()
    assert red[2, 1] < 0 and red[-1, 0] > 0
    assert abs(red[2, 0]) < 0.2 * red[-1, 0]
    with pytest.raises(ValueError, match="as many outcomes"):
        write_grid(tmp_path / "h.mp4", clips, ["b", "a"], ["success"])


def test_inset_covers_a_corner_and_nothing_else() -> None:
    room = np.zeros((90, 120, 3), np.uint8)
    both = with_inset(room, np.full((128, 128, 3), 255, np.uint8))
    assert (both[4:34, 86:116] == 255).all()
    assert both.sum() == 30 * 30 * 3 * 255 and room.sum() == 0


def test_prompt_film_shows_tokens_as_they_come(tmp_path: Path) -> None:
    room = np.full((480, 640, 3), 90, np.uint8)
    looks = [look(0), look(1)]
    with PromptFilm(
        tmp_path / "p.mp4",
        G1_BODY,
        prompt="pick up the coffee cup",
        levels=(8, 5, 5, 5),
        n_bins=127,
        origin="a policy",
    ) as film:
        for step in range(4):
            film.add(room, looks[step // 2], step / 10, "walking", step % 2)
        film.finish(room, looks[1], 0.4, "")
    shown = frames_of(tmp_path / "p.mp4")
    assert len(shown) == 4 * FPS // 10 + 2 * FPS
    assert shown[0].shape == (HEIGHT, WIDTH, 3)
    tokens = [frame[600:690, 24:-24].astype(float) for frame in shown[4:8]]
    ink = [float((t > 128).sum()) for t in tokens]
    assert ink == sorted(ink) and ink[0] < ink[-1]


def test_every_field_of_two_hands_is_shown(tmp_path: Path) -> None:
    room = np.full((480, 640, 3), 90, np.uint8)
    dim, frames = G1_TWO_HANDS.action_dim, []
    for last in (0, 126):
        ids = np.full(2 * dim, 63)
        ids[[dim - 1, 2 * dim - 1]] = last
        path = tmp_path / f"{last}.mp4"
        with PromptFilm(
            path,
            G1_TWO_HANDS,
            prompt="pick up the coffee cup",
            levels=(8, 5, 5, 5),
            n_bins=127,
            origin="a policy",
        ) as film:
            film.finish(room, replace(look(0), action_ids=ids), 0.4, "")
        frames.append(frames_of(path)[-1].astype(float))
    # The last field's bar, above the line of tokens.
    changed = np.abs(frames[0] - frames[1])[304:590, 800:1150].max(-1) > 40
    assert changed.sum() > 500
