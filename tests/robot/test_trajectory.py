import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
synthetic = importlib.import_module("synthetic_episodes")


def test_an_episode_knows_its_length_and_body() -> None:
    episode = synthetic.SyntheticEpisode()(3)
    assert len(episode) == len(episode.action)
    episode.require_body(synthetic.SMALL_BODY)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("state", np.zeros((8, 5)), "state must be float32"),
        ("action", np.zeros((2, 3), np.float32), "same number of steps"),
        ("label", np.zeros((8, 3), np.float32), "label must be float32 with 3"),
        ("privileged_names", ("one",), "2 columns but 1 names"),
        ("frames", {"head": np.zeros((8, 4, 4), np.uint8)}, "frames of 'head'"),
        ("prompt", "", "prompt is empty"),
        (
            "others",
            (
                synthetic.Counterfactual(
                    prompt="lift it",
                    label=np.zeros((2, 4, 3), np.float32),
                    privileged=np.zeros((2, 2), np.float32),
                ),
            ),
            "label under 'lift it' must be float32 of shape",
        ),
        ("success", True, "success=True with reason='slipped'"),
    ],
)
def test_refuses_what_does_not_belong_together(
    name: str, value: object, message: str
) -> None:
    episode = replace(synthetic.SyntheticEpisode()(3), success=False, reason="slipped")
    with pytest.raises(ValueError, match=message):
        replace(episode, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", "large"), ("control_hz", 20), ("chunk_steps", 5), ("cameras", ())],
)
def test_refuses_another_body(name: str, value: object) -> None:
    body = replace(synthetic.SMALL_BODY, **{name: value})
    with pytest.raises(ValueError, match="not an episode of body"):
        synthetic.SyntheticEpisode()(3).require_body(body)
