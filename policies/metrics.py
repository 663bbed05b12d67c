"""Offline measures of a policy on recorded rows, in units that mean something."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from brownfield.policies.batches import Examples
from brownfield.policies.policy import StreamPolicy, digits_of
from brownfield.policies.readout import answer_ids
from brownfield.robot.bodies import body_named
from brownfield.robot.body import Body
from brownfield.tokenizers.protocols import DigitTokenizer


@torch.no_grad()
def offline_metrics(
    policy: StreamPolicy,
    examples: Examples,
    tokenizer: DigitTokenizer,
    *,
    most: int = 2048,
) -> dict[str, float]:
    """Errors over at most `most` of the rows that training draws, evenly spaced.

    Keys: `command_<field>` (mean absolute error of what is executed, in the field's
    unit), `at_rest` (share of rows where policy and label agree on a body that stands
    still, for bodies with fields that say so), `place_cm_near` and `place_p90_cm_near`
    (horizontal place of what is asked for, seen and nearer than 0.6 m), `place_cm`,
    `place_other_cm` (the same under prompts that were not given), `pointing_cells`
    (distance of the cell pointed at, seen and 0.6 m away or farther), `told_<name>`
    (what the auxiliary head tells beside the place) - all medians, seen -, `visible`
    (share told right), `psnr_db` of the decoded codes, `video_nats` and `video_copy`
    (cross-entropy of a next code, share of codes that stay the same). A measure
    without rows is left out.
    """
    taught = np.flatnonzero(examples.windows.weights())
    rows = taught[np.unique(np.linspace(0, len(taught) - 1, most).astype(np.int64))]
    was_training, body = policy.training, body_named(examples.windows.body)
    policy.eval()
    chunks, read, errors, nats, same = [], [], [], [], []
    pointed: list[NDArray[np.int64]] = []
    wanted: list[NDArray[np.float32]] = []
    sizes, windows, trunk = policy.config, examples.windows, policy.trunk
    port = trunk.port(body.name)
    for part in np.array_split(rows, max(1, len(rows) // 256)):
        batch = examples.batch(part, len(part)).to(port.state_mean.device)
        codes, ids = policy.video.encode_codes(batch.pixels)
        look = trunk.look(
            body.name,
            codes,
            batch.state,
            trunk.prefix(body.name, batch.text),
            batch.prompt,
            memory=policy.remembered(batch.recalled, batch.moved, batch.known),
        )
        looks = windows.look[part]
        state = windows.last[looks], windows.velocity[looks]
        action = answer_ids(trunk, body, look, tokenizer.digits)
        chunks.append(tokenizer.decode(action, *state))
        read.append(
            torch.cat(
                [port.auxiliary_in_units(look.auxiliary), look.auxiliary[:, -1:]], 1
            )
            .cpu()
            .numpy()
        )
        pointed.append(look.pointing.argmax(-1).cpu().numpy())
        wanted.append(batch.pixel.cpu().numpy())
        decoded = policy.video.reconstruct(codes).clamp(-1, 1)
        target = functional.adaptive_avg_pool2d(batch.pixels, decoded.shape[-1])
        error = (decoded - target).square().mean((1, 2, 3)) / 4
        errors.append(error.clamp_min(1e-8).cpu().numpy())
        after = policy.video.encode_codes(batch.next_pixels)[1]
        digits = digits_of(after.flatten(1), sizes.video_levels)
        world = trunk.world(body.name, batch.executed, look.past).video.float()
        logs = world.split(list(sizes.video_levels), -1)
        chance = [
            logit.log_softmax(-1).gather(-1, digits[..., i, None]).mean().item()
            for i, logit in enumerate(logs)
        ]
        nats.append(-sum(chance))
        same.append((after == ids).float().mean().item())
    policy.train(was_training)
    numbers = _command_errors(np.concatenate(chunks), windows.label[rows], body)
    seen = examples.visible[rows] > 0.5
    numbers |= _localisation(
        np.concatenate(read),
        examples.auxiliary[rows],
        seen,
        windows.given[rows],
        windows.privileged_names,
    )
    cells = np.concatenate(pointed)
    side = sizes.video_grid
    place = np.stack([cells % side, cells // side], 1)
    off = place + 0.5 - (np.concatenate(wanted) + 1) * side / 2
    far = seen & (np.linalg.norm(examples.auxiliary[rows, :2], axis=1) >= 0.6)
    numbers["pointing_cells"] = _median(np.linalg.norm(off[far], axis=1))
    numbers["psnr_db"] = float(np.mean(-10 * np.log10(np.concatenate(errors))))
    numbers["video_nats"] = float(np.mean(nats))
    numbers["video_copy"] = float(np.mean(same))
    # What a body never meets, such as a target at hand's reach, has no median.
    return {name: value for name, value in numbers.items() if np.isfinite(value)}


def _command_errors(
    said: NDArray[np.float64], label: NDArray[np.float32], body: Body
) -> dict[str, float]:
    """Errors over the steps that are executed, (N, T, D) each."""
    steps = body.executed_steps
    error = np.abs(said[:, :steps] - label[:, :steps]).mean((0, 1))
    numbers = {
        f"command_{field.name}": float(mean)
        for field, mean in zip(body.action, error, strict=True)
    }
    rests = ~np.isnan(body.action_rest)
    if rests.any():
        rest = body.action_rest[rests]
        still = [np.abs(x[:, 0, rests] - rest).max(1) < 1e-3 for x in (said, label)]
        numbers["at_rest"] = float((still[0] == still[1]).mean())
    return numbers


def _median(values: NDArray[np.floating], quantile: float = 0.5) -> float:
    return float(np.quantile(values, quantile)) if len(values) else float("nan")


def _localisation(
    read: NDArray[np.float32],
    truth: NDArray[np.float32],
    seen: NDArray[np.bool_],
    given: NDArray[np.bool_],
    names: tuple[str, ...],
) -> dict[str, float]:
    """Medians over the rows where what is asked for is in view."""
    error = read[:, :-1] - truth
    flat = np.linalg.norm(error[:, :2], axis=1) * 100
    near = seen & (np.linalg.norm(truth[:, :2], axis=1) < 0.6)
    numbers = {
        "place_cm_near": _median(flat[near]),
        "place_p90_cm_near": _median(flat[near], 0.9),
        "place_cm": _median(flat[seen & given]),
        "place_other_cm": _median(flat[seen & ~given]),
        "visible": float(((read[:, -1] > 0) == seen).mean()),
    }
    for i in range(2, truth.shape[1]):
        numbers[f"told_{names[i]}"] = _median(np.abs(error[seen, i]))
    return numbers
