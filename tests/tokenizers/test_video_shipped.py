"""Shipped video tokenizers are found by name, and their figures are theirs."""

import json
from pathlib import Path

import pytest

from brownfield.tokenizers.folder import folder_hash
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import PRESETS
from brownfield.tokenizers.video_shipped import find_video, shipped_videos

SHIPPED = shipped_videos()


@pytest.mark.parametrize("name", SHIPPED)
def test_figures_beside_one_were_measured_with_it(name: str) -> None:
    folder = find_video(name)
    assert folder == SHIPPED[name] and find_video(folder) == folder
    assert VideoTokenizer.load(folder).config == PRESETS["eye"]
    results = json.loads((folder / "results.json").read_text())
    assert results["hashes"][name] == folder_hash(folder)
    (source,) = results["sources"].values()
    card = (folder / "card.md").read_text()
    for part in ("all", "things", "rest"):
        figure = source["tokenizers"][name]["psnr_db"][part]
        assert f"{figure:.2f}" in card


def test_unknown_ones_are_refused_with_the_known(tmp_path: Path) -> None:
    assert set(SHIPPED) == {"car_eye", "kitchen_eye"}
    with pytest.raises(ValueError, match="shipped by name: car_eye, kitchen_eye"):
        find_video(tmp_path / "nothing")
