"""Devices: named, or told what there is."""

import pytest
import torch

from brownfield.policies.device import device_named


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_named("auto") == torch.device("cuda", 0)
    assert device_named("cuda", 3) == torch.device("cuda", 1)
    assert device_named("cpu").type == "cpu"


def test_without_one_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert device_named("auto").type == "cpu"
    with pytest.raises(ValueError, match="finds no GPU"):
        device_named("cuda")


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(ValueError, match="auto, cpu, cuda; got 'tpu'"):
        device_named("tpu")
