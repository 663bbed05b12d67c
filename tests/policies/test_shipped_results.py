"""Results that lie beside a shipped policy are that policy's."""

import json
from pathlib import Path

import pytest

from brownfield.policies.checkpoint import find_checkpoint
from brownfield.policies.evaluate import sha256_of

_SHIPPED = sorted(find_checkpoint("g1_kitchen").parent.glob("*/results_*.json"))


@pytest.mark.parametrize("path", _SHIPPED, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_they_were_measured_with_what_ships(path: Path) -> None:
    told = json.loads(path.read_text())["checkpoint_sha256"]
    assert told == sha256_of(path.parent)


def test_every_shipped_policy_has_some() -> None:
    place = find_checkpoint("g1_kitchen").parent
    folders = {path.parent for path in place.glob("*/config.json")}
    assert folders and folders == {path.parent for path in _SHIPPED}
