"""The car through the same verbs as the humanoid, on episodes of half a second."""

import re
from dataclasses import replace
from pathlib import Path

import av
import pytest

from brownfield.configs.shipped import default_checkpoint
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig
from brownfield.envs.road.traffic import TrafficConfig
from brownfield.policies.evaluate import EvaluateConfig, evaluate
from brownfield.policies.prompt import PromptConfig, run_prompt

SHORT = RoadEnvConfig(place=("elm",), time_limit_s=0.5)
PARTS = ("lead", "parked", "lights", "pedestrians", "bays")


def test_evaluation_tells_turns_from_straights_and_shows_the_map(
    tmp_path: Path,
) -> None:
    config = EvaluateConfig(
        checkpoint=Path(default_checkpoint("car")),
        out=tmp_path / "evaluation",
        first_seed=1_000_000,
        episodes=4,
        actors=("policy", "policy_swapped", "random"),
        env=SHORT,
        workers=0,
        filmed=1,
        show_progress=False,
    )
    result = evaluate(config)
    assert {e.kind for e in result.episodes} <= {"turn", "straight"}
    assert {e.map for e in result.episodes} == {"elm"}
    assert all(e.reason.startswith("out of time") for e in result.of("policy"))
    for told, swapped in zip(
        result.of("policy"), result.of("policy_swapped"), strict=True
    ):
        assert told.asked != swapped.asked
    page = (config.out / "report.html").read_text()
    assert "straight" in page and "turn" in page
    assert (config.out / "policy.mp4").is_file()


def test_a_prompted_drive_is_filmed_with_speed_and_steering(tmp_path: Path) -> None:
    film, said = tmp_path / "drive.mp4", []
    run_prompt(
        PromptConfig(
            prompt="turn left at the junction, then keep the lane",
            checkpoint=Path(default_checkpoint("car")),
            film=film,
            env=SHORT,
            show=said.append,
        )
    )
    assert said and all("<act>" in line for line in said)
    assert re.search(r"\d+ km/h, wheels [+-]\d+°", said[0])
    with av.open(str(film)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(frames) >= 5


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_traffic_can_be_switched_off(part: str) -> None:
    """The others stay; their draws may differ."""
    full = TrafficConfig(lead=1, parked=1, lights=True, pedestrians=1, bays=1)
    off = replace(full, **{part: False if part == "lights" else 0.0})
    there: dict[str, int] = dict.fromkeys(PARTS, 0)
    with RoadEnv(replace(SHORT, traffic=off)) as env:
        for seed in range(6):
            env.reset(seed=seed)
            traffic = env.traffic
            there["lead"] += traffic.lead is not None
            there["parked"] += len(traffic.parked)
            there["lights"] += traffic.has_light
            there["pedestrians"] += len(traffic.walkers)
            there["bays"] += sum(m.bay is not None for m in env._offered.values())
    assert there.pop(part) == 0
    assert all(there.values()), there
