"""Sizes of a body's part of the model, from the body and its tokenizers."""

from dataclasses import replace

from brownfield.policies.port import PortConfig
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.robot.bodies import body_named
from brownfield.tokenizers.action_bins import KnotBinTokenizer


def port_sizes(body_name: str, tokenizers: TokenizerSet, auxiliary: int) -> PortConfig:
    """What body and tokenizers decide of a model's sizes.

    Args:
        body_name: whose port.
        tokenizers: with those of the body.
        auxiliary: quantities that are told beside the actions.
    """
    body, action = body_named(body_name), tokenizers.action[body_name]
    sizes = PortConfig(
        state_dim=body.state_dim,
        state_bins=tokenizers.state[body_name].vocab_size,
        action_dim=body.action_dim,
        velocity_dim=body.action_dim if action.uses_velocity else 0,
        auxiliary=auxiliary,
    )
    if isinstance(action, KnotBinTokenizer):
        knots = len(action.knots)
        return replace(sizes, action_knots=knots, action_bins=action.vocab_size)
    digits = action.digits
    return replace(
        sizes,
        action_slots=digits.radix.tolist(),
        action_quantity=digits.quantity.tolist(),
        action_gain=() if digits.gain is None else digits.gain.tolist(),
        action_alike=digits.alike,
        action_ordinal=digits.ordinal,
    )
