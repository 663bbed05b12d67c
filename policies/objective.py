"""What one batch asks of the policy: acting on all rows, the world on some."""

from typing import NamedTuple

from torch import Tensor

from brownfield.policies import losses
from brownfield.policies.batches import Batch
from brownfield.policies.losses import LossConfig
from brownfield.policies.policy import StreamPolicy, digits_of


class Objective(NamedTuple):
    """The weighted sum and its parts."""

    total: Tensor
    """Scalar to differentiate."""

    parts: dict[str, Tensor]
    """Each unweighted mean, by name."""


def objective(
    policy: StreamPolicy,
    batch: Batch,
    config: LossConfig,
    *,
    n_reconstruct: int,
    absent: Tensor | None = None,
) -> Objective:
    """All losses of one batch.

    Args:
        policy: the module being trained.
        batch: with W rows of what followed; W may be 0.
        config: weights.
        n_reconstruct: rows that are decoded to pictures again; may be 0. A batch that
            knows what matters knows it of so many.
        absent: (B,) bool, rows whose state is withheld.
    """
    sizes, trunk = policy.config, policy.trunk
    port = trunk.port(batch.body)
    codes, ids = policy.video.encode_codes(batch.pixels)
    prefix = trunk.prefix(batch.body, batch.text)
    string = port.string
    said = string.whole(batch.action) if string else None
    look = trunk.look(
        batch.body,
        codes,
        batch.state,
        prefix,
        batch.prompt,
        absent,
        said,
        policy.remembered(batch.recalled, batch.moved, batch.known),
    )
    place = batch.pixel
    wanted = port.normalise_auxiliary(batch.auxiliary)
    parts = {
        "action": losses.string_loss(
            look.action, string.radix, string.size(said), config.slot_decay
        )
        if string and said is not None
        else losses.action_loss(
            look.action, batch.action[..., 0], config, port.config.action_dim
        ),
        "auxiliary": losses.auxiliary_loss(
            look.auxiliary[:, :-1], wanted, batch.visible
        ),
        "visible": losses.visible_loss(look.auxiliary[:, -1], batch.visible),
        "pointing": losses.pointing_loss(look.pointing, place, batch.visible),
        "naming": losses.naming_loss(look.likeness, place, batch.prompt, batch.visible),
        "text": losses.text_loss(prefix.text, batch.text),
    }
    n_world = len(batch.next_pixels)
    if n_world:
        next_ids = policy.video.encode_codes(batch.next_pixels)[1]
        past = [(key[:n_world], value[:n_world]) for key, value in look.past]
        world = trunk.world(batch.body, batch.executed, past)
        digits = digits_of(next_ids.flatten(1), sizes.video_levels)
        parts["video"] = losses.video_loss(world.video, digits, sizes.video_levels)
        parts["state"] = losses.state_loss(world.state, batch.next_state)
    if n_reconstruct:
        parts["reconstruction"] = policy.video.reconstruct_loss(
            codes[:n_reconstruct], batch.pixels[:n_reconstruct], batch.weight
        )
    weights = {"action": 1.0} | {n: getattr(config, n) for n in parts if n != "action"}
    total = sum((weights[n] * part for n, part in parts.items()), ids.new_zeros(()))
    return Objective(total, parts)
