"""`brownfield bench`: how fast the stations of the stack are on this machine."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import mujoco
import numpy as np
import torch

from brownfield.envs.kitchen_env import (
    CONTROLLER_HZ,
    PHYSICS_HZ,
    PRIVILEGED_NAMES,
    KitchenEnv,
)
from brownfield.envs.road.road_env import RoadEnv
from brownfield.envs.road.scene import TIMESTEP_S
from brownfield.envs.rollout import ExpertActor
from brownfield.envs.scene_renderer import SceneRenderer
from brownfield.policies.agent import PolicyAgent
from brownfield.policies.checkpoint import load_checkpoint
from brownfield.policies.pictures import Pictures
from brownfield.policies.policy import pixels_of
from brownfield.policies.ranks import Ranks
from brownfield.policies.results import package_versions, source_revision
from brownfield.policies.tokenize import fit_action, fit_state
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.train import Trainer
from brownfield.policies.train_config import TrainConfig
from brownfield.policies.windows import Windows
from brownfield.robot.body import Body
from brownfield.robot.g1.body import G1_BODY
from brownfield.tokenizers.frame_tokenizers import FrameTokenizer
from brownfield.tokenizers.resize import area_resize
from brownfield.tokenizers.text import ByteTokenizer
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import video_preset
from brownfield.tokenizers.video_fsq import VideoFSQ
from brownfield.tokenizers.video_state import VideoState

PROMPT = "pick up the coffee cup"
SEED = 1_000_000
SEEING = {"g1_kitchens": "g1_two_hands", "car_lights": "car"}
"""Shipped policies whose eyes are measured, and the body of each."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One measured quantity."""

    name: str
    """What was measured."""
    unit: str
    """Its unit."""
    median: float
    """Median."""
    p10: float
    """10 % of the repetitions were below."""
    p90: float
    """90 % were below."""
    n: int
    """Repetitions."""


def bench(out: Path, *, repeats: int = 60) -> list[Speed]:
    """Measure everything and write it to `out`.

    Args:
        out: JSON file to write.
        repeats: repetitions of the quick measures; the slow ones take fewer.

    Raises:
        ValueError: fewer than 5 repeats.
    """
    if repeats < 5:
        raise ValueError(f"repeats must be at least 5, got {repeats}")
    speeds = [*_physics(repeats), *_seeing(repeats), *_eyes(repeats)]
    speeds += _learning(max(5, repeats // 10), repeats)
    content = {
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
        },
        "versions": package_versions(),
        "commit": source_revision(),
        "speeds": [asdict(speed) for speed in speeds],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.tmp")
    aside.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(aside, out)
    return speeds


def _physics(repeats: int) -> list[Speed]:
    """Bare physics, the environments, their cameras and a controller."""
    kitchen, road = KitchenEnv(), RoadEnv()
    try:
        observation, _ = kitchen.reset(seed=SEED)
        speeds = _stepped(kitchen, observation, PHYSICS_HZ, repeats)
        controller, state = kitchen.controller, kitchen.robot_state()

        def tick() -> None:
            controller.tick(state, kitchen.command)

        title = f"controller tick ({CONTROLLER_HZ} Hz)"
        speeds.append(_speed(title, "us", 1000 * _ms(tick, 5 * repeats)))
        observation, _ = road.reset(seed=SEED)
        return speeds + _stepped(road, observation, 1 / TIMESTEP_S, repeats)
    finally:
        kitchen.close()
        road.close()


def _stepped(
    env: KitchenEnv | RoadEnv, observation: dict, physics_hz: float, repeats: int
) -> list[Speed]:
    """An environment that was just reset, beside bare physics of the same model."""
    model, data = env.model, mujoco.MjData(env.model)
    per_step, expert = round(physics_hz / env.body.control_hz), ExpertActor()
    bare, whole = [], []
    # In turns, so that both see the same machine and the same contacts.
    for _ in range(repeats):
        command = expert.act(env, observation)
        data.qpos[:], data.qvel[:] = env.data.qpos, env.data.qvel
        data.ctrl[:] = env.data.ctrl
        start = time.perf_counter()
        mujoco.mj_step(model, data, per_step)
        middle = time.perf_counter()
        observation = env.step(command)[0]
        bare.append(per_step / (middle - start))
        whole.append(per_step / (time.perf_counter() - middle))
    share, place = np.array(whole) / np.array(bare), env.place
    return [
        _speed(f"{place}: physics steps, bare mj_step", "1/s", bare),
        _speed(f"{place}: physics steps in the environment, camera on", "1/s", whole),
        _speed(f"{place}: the environment's share of bare speed", "%", 100 * share),
        _speed(f"{place}: environment steps", "1/s", np.array(whole) / per_step),
        *_drawn(env),
    ]


def _drawn(env: KitchenEnv | RoadEnv) -> list[Speed]:
    """Pictures of an environment beside those of `mujoco.Renderer`."""
    camera, ours = env.body.cameras[0], SceneRenderer()
    seen_by = {"kitchen": "g1/head", "road": "ego/front"}[env.place]
    size = camera.height, camera.width

    def theirs() -> mujoco.Renderer:
        renderer = mujoco.Renderer(env.model, *size)
        flags = mujoco.mjtRndFlag
        for flag in (flags.mjRND_SHADOW, flags.mjRND_REFLECTION):
            renderer.scene.flags[flag] = 0
        return renderer

    def draw(renderer: mujoco.Renderer) -> None:
        renderer.update_scene(env.data, seen_by)
        renderer.render()

    def first() -> None:
        ours.forget()
        ours.picture(env.data, seen_by, *size)

    def first_of_theirs() -> None:
        with theirs() as renderer:
            draw(renderer)

    with theirs() as kept:
        title = f"{env.place}: {camera.name} camera {size[1]}x{size[0]}"
        anew = f"{env.place}: first picture of a new scene"
        speeds = [
            _speed(title, "ms", _ms(lambda: ours.picture(env.data, seen_by, *size))),
            _speed(f"{title}, mujoco.Renderer", "ms", _ms(lambda: draw(kept))),
            _speed(anew, "ms", _ms(first, 10)),
            _speed(f"{anew}, mujoco.Renderer", "ms", _ms(first_of_theirs, 10)),
        ]
    ours.close()
    return speeds


def _seeing(repeats: int) -> list[Speed]:
    """What the eyes of shipped policies take for a look; the camera's time is what they
    have to stay below."""
    speeds, rng = [], np.random.default_rng(0)
    for name, body in SEEING.items():
        checkpoint = load_checkpoint(name)
        camera = checkpoint.body(body).cameras[0]
        frame = rng.integers(0, 256, (1, camera.height, camera.width, 3), np.uint8)
        eye = checkpoint.policy.eval().video

        @torch.inference_mode()
        def see(eye: FrameTokenizer = eye, frame: np.ndarray = frame) -> None:
            small = torch.from_numpy(area_resize(frame, eye.seen))
            eye.encode_codes(pixels_of(small))

        title = f"eye of {name}: a look"
        speeds.append(_speed(title, "ms", _ms(see, repeats)))
    return speeds


def _eyes(repeats: int) -> list[Speed]:
    """Video tokenizers, as a robot streams and as a dataset is read; the camera's time
    lies beside."""
    speeds, rng = [], np.random.default_rng(0)
    for name, k in (("eye", 1), ("nano", 1), ("nano", 4)):
        video = VideoTokenizer(video_preset(name, frames_per_block=k))
        block = rng.integers(0, 256, (1, k, *video.config.size, 3), np.uint8)
        clips = rng.integers(0, 256, (16, 1 + 4 * k, *video.config.size, 3), np.uint8)
        _, state = video.encode_step(block[:, :1], video.init_state(1))

        def stream(
            video: VideoTokenizer = video,
            block: np.ndarray = block,
            state: VideoState = state,
        ) -> None:
            video.encode_step(block, state)

        def batch(video: VideoTokenizer = video, clips: np.ndarray = clips) -> None:
            video.encode(clips)

        frames = clips.shape[0] * clips.shape[1]
        title = f"video tokenizer {name}, {k} frame{'s' if k > 1 else ''} a block"
        per_second = 1000 * frames / _ms(batch, max(5, repeats // 10))
        speeds += [
            _speed(f"{title}: a frame of a stream", "ms", _ms(stream, repeats) / k),
            _speed(f"{title}: frames of 16 clips", "1/s", per_second),
        ]
    return speeds


def _learning(steps: int, repeats: int) -> list[Speed]:
    """Training and acting of a policy of the default size, on made-up rows."""
    rows = 512
    windows = made_up_windows(rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fit_quickly(windows).save(folder / "tokenizers")
        config = TrainConfig(
            datasets=(),
            tokenizers=folder / "tokenizers",
            out=folder / "policy",
            steps=steps + 2,
            validation_every_episode=0,
            show_progress=False,
        )
        trainer = Trainer(config, [windows], Ranks())
        tokens = tokens_per_row(trainer.tokenizers.action["g1"].n_tokens) * config.batch
        trained = []
        for i in range(steps + 2):
            start = time.perf_counter()
            trainer.one_step(0.0)
            if i >= 2:
                trained.append(tokens / (time.perf_counter() - start))
        trainer.save()
        agent = PolicyAgent(folder / "policy")
    agent.reset(PROMPT)
    observation = {
        "head": np.zeros((128, 128, 3), np.uint8),
        "state": windows.state[0],
        "prompt": PROMPT,
    }
    precision = "bf16" if trainer.bfloat16 else "fp32"
    title = f"training, batch {config.batch}, {precision}"
    return [
        _speed(f"{title}: tokens", "1/s", trained),
        _speed("a chunk of actions from a look", "ms", _ms(_act(agent, observation))),
    ]


def _act(agent: PolicyAgent, observation: dict) -> Callable[[], object]:
    return lambda: agent.act(observation)


def tokens_per_row(action_ids: int) -> int:
    """Tokens that a row of training holds: prompt, look, and action."""
    return len(PROMPT.encode()) + 64 + G1_BODY.state_dim + action_ids


def made_up_windows(rows: int, body: Body = G1_BODY, prompt: str = PROMPT) -> Windows:
    """Random rows that have the shapes and the limits of a body's."""
    rng = np.random.default_rng(0)
    dim, steps = body.action_dim, body.chunk_steps
    lower, upper = np.maximum(body.action_lower, -9), np.minimum(body.action_upper, 9)
    commands = rng.uniform(lower, upper, (rows, steps, dim)).astype(np.float32)
    return Windows(
        body=body.name,
        frames=Pictures.of(rng.integers(0, 256, (rows, 64, 64, 3), dtype=np.uint8)),
        state=rng.normal(0, 0.3, (rows, body.state_dim)).astype(np.float32),
        last=commands[:, 0].copy(),
        velocity=rng.normal(0, 0.1, (rows, dim)).astype(np.float32),
        label=commands,
        executed=commands,
        privileged_names=PRIVILEGED_NAMES,
        privileged=rng.normal(0, 0.3, (rows, 9)).astype(np.float32),
        look=np.arange(rows),
        given=np.ones(rows, bool),
        prompt=np.zeros(rows, np.int64),
        prompts=(prompt,),
        following=np.minimum(np.arange(rows) + 2, rows - 1),
        episode=np.arange(rows) // 64,
    )


def fit_quickly(windows: Windows) -> TokenizerSet:
    """Tokenizers of the right sizes; the video tokenizer has learned nothing."""
    return TokenizerSet(
        text=ByteTokenizer(),
        video=VideoFSQ(),
        state={windows.body: fit_state(windows)},
        action={windows.body: fit_action(windows, "knots")},
    )


def _ms(call: Callable[[], object], n: int = 60) -> np.ndarray:
    """Wall time of `n` calls [ms], after three that warm up."""
    for _ in range(3):
        call()
    times = []
    for _ in range(n):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return np.array(times)


def _speed(name: str, unit: str, values: np.ndarray | list[float]) -> Speed:
    p10, median, p90 = (float(x) for x in np.quantile(values, (0.1, 0.5, 0.9)))
    return Speed(name=name, unit=unit, median=median, p10=p10, p90=p90, n=len(values))
