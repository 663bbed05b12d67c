"""Episodes that need no simulator: a coloured blob whose place decides the motion."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.kitchen_env import PRIVILEGED_NAMES
from brownfield.policies.model import ModelConfig
from brownfield.policies.ranks import Ranks
from brownfield.policies.schedule import ScheduleConfig
from brownfield.policies.tokenize import TokenizeConfig, fit_tokenizers
from brownfield.policies.train import TrainConfig, Trainer
from brownfield.policies.windows import Windows, command_columns, windows_of
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.trajectory import Counterfactual, Trajectory

COLOURS = {"coffee cup": (220, 40, 40), "bottle": (40, 200, 60), "box": (60, 70, 230)}


def blob_episode(seed: int, length: int = 12) -> Trajectory:
    """Blobs of three colours; the prompt names one, the label goes to where it is."""
    rng = np.random.default_rng(seed)
    name = list(COLOURS)[seed % 3]
    y, x = np.mgrid[0:128, 0:128]
    places = {key: rng.uniform(20, 108, 2) for key in COLOURS}
    frame = np.full((128, 128, 3), rng.integers(90, 150), np.uint8)
    for key, colour in COLOURS.items():
        near = np.hypot(x - places[key][0], y - places[key][1]) < 12
        frame[near] = colour
    where = (places[name] - 64) / 64
    state = rng.normal(0, 0.1, (length, G1_BODY.state_dim)).astype(np.float32)
    action = np.zeros((length, G1_BODY.action_dim), np.float32)
    action[:, 0] = 0.3 * where[1]
    action[:, 3:6] = (0.3, -0.1, 0.2)
    state[:, command_columns(G1_BODY)] = action

    def wanted(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        label = np.repeat(action[:, None], G1_BODY.chunk_steps, 1)
        label[:, :, 1] = 0.3 * where[0]
        label[:, :, 4] += 0.02 * where[0] * np.arange(1, G1_BODY.chunk_steps + 1)
        privileged = np.zeros((length, 9), np.float32)
        privileged[:, :2], privileged[:, 6], privileged[:, 7:] = where * 0.5, 1, where
        return label.astype(np.float32), privileged

    label, privileged = wanted(where)
    others = []
    for other in (key for key in COLOURS if key != name):
        plan, truth = wanted((places[other] - 64) / 64)
        others.append(
            Counterfactual(prompt=f"pick up the {other}", label=plan, privileged=truth)
        )
    if seed % 2:
        empty = replace(
            others[0],
            prompt="",
            label=np.zeros_like(label),
            privileged=np.zeros_like(privileged),
        )
        others[1] = empty
    return Trajectory(
        body="g1",
        place="kitchen",
        seed=seed,
        prompt=f"pick up the {name}",
        frames={"head": np.repeat(frame[None], length, 0)},
        state=state,
        action=action,
        label=label,
        privileged=privileged,
        privileged_names=PRIVILEGED_NAMES,
        success=True,
        reason="",
        control_hz=10.0,
        others=tuple(others),
    )


def blob_windows(episodes: int = 12, length: int = 12) -> Windows:
    """Rows of several such episodes."""
    return windows_of((blob_episode(s, length) for s in range(episodes)), G1_BODY)


@pytest.fixture(scope="session")
def windows() -> Windows:
    """Twelve episodes of twelve ticks."""
    return blob_windows()


@pytest.fixture(scope="session")
def tokenizer_folder(
    windows: Windows, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Tokenizers fitted to them, the video tokenizer for five steps."""
    config = TokenizeConfig(
        datasets=(),
        out=tmp_path_factory.mktemp("fitted") / "tokenizers",
        steps=5,
        batch=16,
        show_progress=False,
    )
    return fit_tokenizers(config, [windows])


@pytest.fixture
def tiny(tokenizer_folder: Path, tmp_path: Path) -> TrainConfig:
    """A training run that takes about a second."""
    return TrainConfig(
        datasets=(),
        tokenizers=tokenizer_folder,
        out=tmp_path / "checkpoint",
        model=ModelConfig(width=32, layers=2, heads=2),
        steps=6,
        batch=16,
        log_every=2,
        precision="float32",
        schedule=ScheduleConfig(rate=3e-3, warmup_steps=2),
        validation_every_episode=0,
        show_progress=False,
    )


@pytest.fixture(scope="session")
def checkpoint_folder(
    windows: Windows,
    tokenizer_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A checkpoint of two steps."""
    config = TrainConfig(
        datasets=(),
        tokenizers=tokenizer_folder,
        out=tmp_path_factory.mktemp("trained") / "checkpoint",
        model=ModelConfig(width=32, layers=2, heads=2),
        steps=2,
        batch=8,
        precision="float32",
        validation_every_episode=0,
        show_progress=False,
    )
    Trainer(config, [windows], Ranks()).run()
    return config.out


@pytest.fixture
def episode() -> Trajectory:
    """One episode, whose prompt names the cup."""
    return blob_episode(0)
