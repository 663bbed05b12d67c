"""Training: exact resuming, falling loss, several processes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from brownfield.policies.agent import PolicyAgent
from brownfield.policies.bench import made_up_windows
from brownfield.policies.checkpoint import load_checkpoint, load_resume
from brownfield.policies.optimizer import OptimizerConfig
from brownfield.policies.pictures import Pictures
from brownfield.policies.ranks import Ranks, run_ranks
from brownfield.policies.schedule import MovingAverage, ScheduleConfig
from brownfield.policies.tokenize import TokenizeConfig, fit_tokenizers
from brownfield.policies.train import SEEN, Trainer
from brownfield.policies.train_config import TrainConfig
from brownfield.policies.windows import Windows
from brownfield.robot.car.body import CAR_BODY
from brownfield.tokenizers.video_eye import VideoEye


def _last_lines(config: TrainConfig) -> list[dict[str, float]]:
    path = config.out.parent / f"{config.out.name}.metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_resuming_is_exact(tiny: TrainConfig, windows: Windows, kind: str) -> None:
    tiny = replace(tiny, optimizer=OptimizerConfig(kind=kind))
    whole = replace(tiny, out=tiny.out.with_name("whole"))
    Trainer(whole, [windows], Ranks()).run()

    broken = Trainer(tiny, [windows], Ranks())
    while broken.step < 3:
        broken.one_step(0.0)
    broken.save()
    Trainer(replace(tiny, resume=True), [windows], Ranks()).run()

    one, two = load_resume(whole.out), load_resume(tiny.out)
    assert one.keys() == two.keys()
    for name in one.keys() - {"progress"}:
        assert torch.equal(one[name], two[name]), name
    ours = load_checkpoint(whole.out).policy.state_dict()
    theirs = load_checkpoint(tiny.out).policy.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_loss_falls(tiny: TrainConfig, windows: Windows) -> None:
    config = replace(tiny, steps=40, log_every=10)
    Trainer(config, [windows], Ranks()).run()
    lines = [x for x in _last_lines(config) if "g1/action" in x]
    assert lines[-1]["g1/action"] < lines[0]["g1/action"]
    assert [x["step"] for x in lines] == [10, 20, 30, 40]


def test_init_takes_weights_and_tokenizers(tiny: TrainConfig, windows: Windows) -> None:
    Trainer(tiny, [windows], Ranks()).run()
    begun = Trainer(
        replace(tiny, init=tiny.out, out=tiny.out.with_name("next")), [windows], Ranks()
    )
    saved = load_checkpoint(tiny.out).policy.state_dict()
    ours = begun.policy.state_dict()
    assert all(torch.equal(ours[name], saved[name]) for name in saved)
    assert begun.step == 0


def test_an_anchor_is_mixed_in(tiny: TrainConfig, windows: Windows) -> None:
    Trainer(tiny, [windows], Ranks()).run()
    other = replace(tiny, init=tiny.out, out=tiny.out.with_name("other"), seed=1)
    Trainer(other, [windows], Ranks()).run()
    mixed = replace(
        tiny,
        init=other.out,
        anchor=tiny.out,
        anchor_share=0.25,
        out=tiny.out.with_name("mixed"),
    )
    ours = Trainer(mixed, [windows], Ranks()).policy.state_dict()
    first, second = (
        load_checkpoint(path).policy.state_dict() for path in (tiny.out, other.out)
    )
    moved = [n for n in ours if not torch.equal(first[n], second[n])]
    assert len(moved) > 10
    for name in moved:
        expected = 0.25 * first[name] + 0.75 * second[name]
        torch.testing.assert_close(ours[name], expected, atol=1e-6, rtol=1e-5)
    with pytest.raises(ValueError, match="give init too"):
        replace(mixed, init=None)
    with pytest.raises(ValueError, match="between 0 and 1, got 2"):
        replace(mixed, anchor_share=2.0)
    with pytest.raises(ValueError, match=r"another .* tokenizer than"):
        Trainer(replace(mixed, anchor=Path("g1_kitchen")), [windows], Ranks())


def test_another_eye_begins_anew_and_the_rest_goes_on(
    tiny: TrainConfig, windows: Windows, tmp_path: Path
) -> None:
    Trainer(tiny, [windows], Ranks()).run()
    eye = VideoEye()
    eye.save(tmp_path / "eye")
    seeing = replace(
        tiny, init=tiny.out, eye=tmp_path / "eye", out=tmp_path / "seeing",
        reading_steps=5,
    )  # fmt: skip
    begun = Trainer(seeing, [windows], Ranks())
    ours, saved = (
        x.state_dict() for x in (begun.policy, load_checkpoint(tiny.out).policy)
    )
    own = eye.state_dict()
    assert all(torch.equal(ours[f"video.{name}"], own[name]) for name in own)
    kept = [name for name in saved if not name.startswith(SEEN)]
    assert len(kept) > 20
    assert all(torch.equal(ours[name], saved[name]) for name in kept)
    begun.run()
    lines = (tmp_path / "seeing.metrics.jsonl").read_text().splitlines()
    assert set(json.loads(lines[0])) == {"step", "held_out/g1/missed"}
    loaded = load_checkpoint(seeing.out)
    assert isinstance(loaded.policy.video, VideoEye)
    assert loaded.policy.config.video_levels == eye.config.levels
    assert loaded.policy.config.video_lent == eye.config.lent > 0
    assert loaded.policy.config.video_shares == eye.config.shares
    assert loaded.policy.config.video_blocks > 0
    wider = replace(seeing.model, video_blocks=1, video_width=16)
    again = Trainer(replace(seeing, model=wider), [windows], Ranks())
    assert again.policy.config.video_blocks == 1
    assert again.policy.config.video_width == 16
    agent = PolicyAgent(seeing.out)
    agent.reset("pick up the box")
    look = {"head": windows.frames[0], "state": windows.state[0], "prompt": "box"}
    assert np.isfinite(agent.act(look)).all()


def test_an_eye_may_stay_as_it_was_fitted(tiny: TrainConfig, windows: Windows) -> None:
    trainer = Trainer(replace(tiny, tune_eye=False), [windows], Ranks())
    before = {n: x.clone() for n, x in trainer.policy.state_dict().items()}
    parts = trainer.one_step(0.0)
    after = trainer.policy.state_dict()
    moved = {n for n in before if not torch.equal(before[n], after[n])}
    assert moved and not any(name.startswith("video.") for name in moved)
    assert "g1/reconstruction" not in parts and "g1/video" in parts
    trainer.save()
    Trainer(replace(tiny, tune_eye=False, resume=True), [windows], Ranks()).run()


def test_an_eye_grows_with_the_policy(tiny: TrainConfig, windows: Windows) -> None:
    """It says what it said, then the new blocks learn; resuming keeps them."""
    small = Trainer(tiny, [windows], Ranks())
    small.run()
    config = replace(tiny, init=tiny.out, out=tiny.out.with_name("grown"), eye_blocks=2)
    trainer, again = (Trainer(config, [windows], Ranks()) for _ in range(2))
    for name, value in trainer.policy.state_dict().items():
        assert torch.equal(value, again.policy.state_dict()[name]), name
    pixels = trainer.lessons[0].examples.sample(4)
    before = load_checkpoint(tiny.out).policy.video.encode_codes(pixels)[1]
    assert torch.equal(trainer.policy.video.encode_codes(pixels)[1], before)
    trainer.run()
    weights = load_checkpoint(config.out).policy.state_dict()
    for part in ("finer", "coarser"):
        assert weights[f"video.{part}.0.second.weight"].abs().max() > 0
    goes_on = replace(config, init=None, resume=True)
    resumed = Trainer(goes_on, [windows], Ranks())
    for name, value in resumed.policy.state_dict().items():
        assert torch.equal(value, trainer.policy.state_dict()[name]), name
    with pytest.raises(ValueError, match=r"resume keeps the eye of .* blocks are 2"):
        Trainer(replace(goes_on, eye_blocks=3), [windows], Ranks())
    with pytest.raises(ValueError, match="has another eye than"):
        Trainer(replace(config, anchor=config.out, eye_blocks=None), [windows], Ranks())
    for wrong in ({"eye_blocks": 0}, {"tune_eye": False}):
        with pytest.raises(ValueError, match="eye_blocks must be at least 1"):
            replace(config, **wrong)


def test_an_eye_says_more_with_the_policy(tiny: TrainConfig, windows: Windows) -> None:
    """Codes get channels: what was answered stays, then both sides of them learn."""
    Trainer(tiny, [windows], Ranks()).run()
    levels = (*load_checkpoint(tiny.out).policy.config.video_levels, 4, 4)
    config = replace(
        tiny, init=tiny.out, out=tiny.out.with_name("wide"), eye_levels=levels
    )
    trainer = Trainer(config, [windows], Ranks())
    look = {"head": windows.frames[0], "state": windows.state[0], "prompt": "box"}
    trainer.save()
    answers = []
    for folder in (tiny.out, config.out):
        agent = PolicyAgent(folder)
        agent.reset("pick up the box")
        agent.act(look)
        assert agent.thought is not None
        answers.append(agent.thought)
    np.testing.assert_allclose(answers[1].auxiliary, answers[0].auxiliary, atol=1e-4)
    np.testing.assert_allclose(answers[1].pointing, answers[0].pointing, atol=1e-4)
    trainer.run()
    read = load_checkpoint(config.out).policy
    assert read.config.video_levels == levels
    new = read.state_dict()["trunk.video_in.0.weight"]
    new = new.unflatten(1, (-1, len(levels)))[..., -2:]
    assert (new != 0).all(0).all()
    resumed = Trainer(replace(config, init=None, resume=True), [windows], Ranks())
    for name, value in resumed.policy.state_dict().items():
        assert torch.equal(value, trainer.policy.state_dict()[name]), name
    for wrong in ({"anchor": tiny.out}, {"eye": tiny.out}, {"tune_eye": False}):
        with pytest.raises(ValueError, match="give neither anchor nor eye"):
            replace(config, **wrong)
    with pytest.raises(ValueError, match="resume keeps the eye of"):
        other = replace(config, init=None, resume=True, eye_levels=(*levels, 3))
        Trainer(other, [windows], Ranks())


def test_an_eye_sees_more_finely_with_the_policy(
    tiny: TrainConfig, windows: Windows
) -> None:
    """The policy answers as before, learns from larger frames, and is shown them."""
    Trainer(tiny, [windows], Ranks()).run()
    config = replace(tiny, init=tiny.out, out=tiny.out.with_name("fine"), eye_fold=2)
    large = replace(
        windows, frames=Pictures.of(windows.frames[:].repeat(2, 1).repeat(2, 2))
    )
    with pytest.raises(ValueError, match="expected frames of 128 px to a side"):
        Trainer(config, [windows], Ranks())
    trainer = Trainer(config, [large], Ranks())
    trainer.save()
    look = {"head": large.frames[0], "state": windows.state[0], "prompt": "box"}
    answers = []
    for folder in (tiny.out, config.out):
        agent = PolicyAgent(folder)
        agent.reset("pick up the box")
        answers.append(agent.act(look))
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-5)
    sees = dict(trainer.policy.video.named_parameters())["encoder.0.weight"]
    before = sees.detach().clone()
    trainer.run()
    resumed = Trainer(replace(config, init=None, resume=True), [large], Ranks())
    assert resumed.policy.video.seen == 128
    for name, value in resumed.policy.state_dict().items():
        assert torch.equal(value, trainer.policy.state_dict()[name]), name
    assert (sees.detach() != before).flatten(2).all(2).any()
    with pytest.raises(ValueError, match="128x128"):
        agent.act(look | {"head": windows.frames[0]})
    for wrong in ({"anchor": tiny.out}, {"eye": tiny.out}, {"tune_eye": False}):
        with pytest.raises(ValueError, match="give neither anchor nor eye"):
            replace(config, **wrong)
    with pytest.raises(ValueError, match="eye_fold must be at least 1, got 0"):
        replace(config, eye_fold=0)
    other = replace(config, init=config.out, eye_fold=None, eye=Path("kitchen_eye"))
    with pytest.raises(ValueError, match="one cannot learn to read as the other"):
        Trainer(other, [large], Ranks())


def test_what_matters_weighs_more_in_the_picture(
    tiny: TrainConfig, windows: Windows
) -> None:
    classes = np.zeros(windows.frames.shape[:3], np.uint8)
    losses = []
    for things in (0, 1):
        classes[:, 20:24, 20:24] = things
        told = replace(
            windows, segments=Pictures.of(classes.copy()), segment_names=("rest", "cup")
        )
        trainer = Trainer(replace(tiny, reconstruction_share=1.0), [told], Ranks())
        losses.append(float(trainer.one_step(0.0)["g1/reconstruction"]))
    trainer = Trainer(replace(tiny, reconstruction_share=1.0), [windows], Ranks())
    plain = float(trainer.one_step(0.0)["g1/reconstruction"])
    assert losses[0] == pytest.approx(plain) and losses[1] != pytest.approx(plain)


def test_a_second_body_joins_a_trained_one(
    tiny: TrainConfig, windows: Windows, tmp_path: Path
) -> None:
    """What the first has learned is kept; the second brings its own tokenizers."""
    Trainer(tiny, [windows], Ranks()).run()
    drives = made_up_windows(64, CAR_BODY, "turn left at the junction, then stop")
    fitted = TokenizeConfig(
        datasets=(),
        out=tmp_path / "car_tokenizers",
        body=("car",),
        steps=1,
        batch=8,
        show_progress=False,
    )
    both = replace(
        tiny,
        body=("g1", "car"),
        init=tiny.out,
        out=tmp_path / "both",
        tokenizers=fit_tokenizers(fitted, [drives]),
    )
    begun = Trainer(both, [windows, drives], Ranks())
    alone, ours = load_checkpoint(tiny.out), begun.policy.state_dict()
    saved = alone.policy.state_dict()
    assert all(torch.equal(ours[name], saved[name]) for name in saved)
    begun.run()
    whole = load_checkpoint(both.out)
    assert whole.policy.bodies == ("car", "g1")
    assert set(_last_lines(both)[0]) > {"g1/action", "car/action", "car/video"}
    for name in ("g1", "car"):
        assert PolicyAgent(whole, name).body.name == name
    with pytest.raises(ValueError, match="moves car, g1: say which body"):
        PolicyAgent(whole)
    with pytest.raises(ValueError, match="moves g1, not 'car'"):
        alone.body("car")
    with pytest.raises(ValueError, match="no tokenizers of body 'car'"):
        Trainer(replace(both, tokenizers=tiny.tokenizers), [windows, drives], Ranks())


def _agree(numbers: list[float], ranks: Ranks) -> None:
    weight = torch.zeros(3, requires_grad=True)
    weight.grad = torch.full((3,), float(ranks.rank))
    clock_s = ranks.average_gradients([weight], numbers[ranks.rank])
    assert clock_s == 2.0 and weight.grad.tolist() == [0.5, 0.5, 0.5]
    assert ranks.agree(ranks.first)


def test_two_processes_share_gradient_and_clock() -> None:
    run_ranks(_agree, [1.0, 3.0], processes=2, threads=1)


def test_bad_budgets_are_refused(tiny: TrainConfig) -> None:
    with pytest.raises(ValueError, match="reading_steps must be at least 0, got -1"):
        replace(tiny, reading_steps=-1)
    with pytest.raises(ValueError, match="either steps or seconds"):
        replace(tiny, seconds=5.0)
    with pytest.raises(ValueError, match="precision must be one of"):
        replace(tiny, precision="int4")
    with pytest.raises(ValueError, match="optimizer must be one of muon, adamw"):
        OptimizerConfig(kind="sgd")
    for shares in ((0.5,), (0.5, 0.7), (1.0, 0.0)):
        with pytest.raises(ValueError, match="2 positive numbers that add up to 1"):
            replace(tiny, body=("g1", "car"), shares=shares)
    with pytest.raises(ValueError, match="leaves a body without a row"):
        replace(tiny, body=("g1", "car"), batch=8, shares=(0.99, 0.01))
    with pytest.raises(ValueError, match="each once"):
        replace(tiny, body=("g1", "g1"))
    with pytest.raises(ValueError, match="cosine or wsd"):
        ScheduleConfig(shape="flat")


def test_rows_of_a_step_are_shared(tiny: TrainConfig) -> None:
    both = replace(tiny, body=("g1", "car"), batch=128)
    assert both.rows_of_bodies == (64, 64)
    assert replace(both, shares=(0.25, 0.75)).rows_of_bodies == (32, 96)


def test_schedules_warm_up_and_end_low() -> None:
    for shape in ("cosine", "wsd"):
        schedule = ScheduleConfig(shape=shape, warmup_steps=10)
        assert schedule.at(0, 0.0) == pytest.approx(schedule.rate / 10)
        assert schedule.at(50, 1.0) == pytest.approx(schedule.rate * schedule.final)


def test_swapping_averages_twice_is_nothing() -> None:
    weights = [torch.ones(2)]
    average = MovingAverage(weights)
    weights[0].zero_()
    average.swap(weights)
    assert weights[0].tolist() == [1, 1]
    average.swap(weights)
    assert weights[0].tolist() == [0, 0]
