"""A body's own part of the model: the way in of its state, the way out of its acts.

Everything else, words, pictures and thought, is shared by all bodies, as in models
that train one trunk between stems and heads (Wang et al. 2024, "Scaling
proprioceptive-visual learning with heterogeneous pre-trained transformers").

Shapes: B batch, d width, S state fields, D action fields, K action ids, A quantities.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brownfield.policies.string_head import StringHead


@dataclass(frozen=True, kw_only=True)
class PortConfig:
    """Sizes that a body and its tokenizers decide."""

    state_dim: int = 95
    """State fields S."""

    state_bins: int = 256
    """Ids a state field can take."""

    action_dim: int = 10
    """Action fields D."""

    action_knots: int = 2
    """Knots of a chunk; an action block has knots x D ids."""

    action_bins: int = 127
    """Ids an action token of a block can take."""

    action_slots: tuple[tuple[int, ...], ...] = ()
    """Radices of the digits of each id, where ids are said one after another instead
    of as a block."""

    action_quantity: tuple[tuple[int, ...], ...] = ()
    """What each of those digits refines; each its own by default."""

    action_gain: tuple[float, ...] = ()
    """Size of a motion by its first digit, where the others are shares of it."""

    action_alike: bool = False
    """All slots of such a string share one embedding."""

    action_ordinal: bool = True
    """Neighbouring values of a digit mean neighbouring motions."""

    velocity_dim: int = 0
    """D where the velocity of the commands is read beside the state, else 0."""

    auxiliary: int = 6
    """Continuous quantities A read off the state position in training."""

    def __post_init__(self) -> None:
        """Tuples, also when the sizes come from JSON."""
        for name in ("action_slots", "action_quantity"):
            rows = tuple(tuple(slot) for slot in getattr(self, name))
            object.__setattr__(self, name, rows)
        object.__setattr__(self, "action_gain", tuple(self.action_gain))

    @property
    def n_executed(self) -> int:
        """Numbers that tell the world model what is being executed."""
        if self.action_slots:
            return sum(m > 1 for slot in self.action_slots for m in slot)
        return self.action_knots * self.action_dim


class Port(nn.Module):
    """Where one body is connected to the trunk."""

    state_mean: Tensor
    state_std: Tensor
    auxiliary_mean: Tensor
    auxiliary_std: Tensor

    def __init__(self, config: PortConfig, width: int) -> None:
        super().__init__()
        self.config = config
        read = config.state_dim + config.velocity_dim
        self.name = nn.Parameter(torch.empty(width))
        self.state_in = nn.Sequential(
            nn.Linear(read, 2 * width),
            nn.GELU(),
            nn.Linear(2 * width, width),
        )
        self.state_position = nn.Parameter(torch.empty(width))
        self.state_absent = nn.Parameter(torch.empty(width))
        self.executed_in = nn.Sequential(
            nn.Linear(config.n_executed, width), nn.GELU(), nn.Linear(width, width)
        )
        self.executed_position = nn.Parameter(torch.empty(width))
        self.next_state_query = nn.Parameter(torch.empty(width))
        self.string: StringHead | None = None
        if config.action_slots:
            self.string = StringHead(
                config.action_slots,
                width,
                quantity=config.action_quantity,
                gain=config.action_gain,
                alike=config.action_alike,
                ordinal=config.action_ordinal,
            )
        else:
            fields, each = config.action_dim, config.action_knots * config.action_bins
            self.action_query = nn.Parameter(torch.empty(fields, width))
            self.action_out = nn.Parameter(torch.empty(fields, width, each))
            self.action_bias = nn.Parameter(torch.zeros(fields, 1, each))
        self.norm_auxiliary = nn.LayerNorm(width, bias=False)
        self.auxiliary_out = nn.Linear(width, config.auxiliary + 1)
        self.state_rank = 8
        self.state_out = nn.Linear(width, config.state_dim * self.state_rank)
        self.state_basis = nn.Linear(self.state_rank, config.state_bins)
        for name, parameter in self.named_parameters(recurse=False):
            if name not in ("action_bias", "state_absent"):
                nn.init.normal_(parameter, std=0.02)
        nn.init.zeros_(self.state_absent)
        self.register_buffer("state_mean", torch.zeros(read))
        self.register_buffer("state_std", torch.ones(read))
        self.register_buffer("auxiliary_mean", torch.zeros(config.auxiliary))
        self.register_buffer("auxiliary_std", torch.ones(config.auxiliary))

    def fit_normalisation(
        self, state: NDArray[np.float32], auxiliary: NDArray[np.float32]
    ) -> None:
        """Take mean and spread from data.

        Args:
            state: (N, S) as the state tokenizer decodes it, and behind it velocities
                (N, D) where they are read.
            auxiliary: (N, A) simulator truth that the state position learns to tell.

        Raises:
            ValueError: a column holds NaN or infinity.
        """
        for name, data in (("state", state), ("auxiliary", auxiliary)):
            if not np.isfinite(data).all():
                column = int(np.argmin(np.isfinite(data).all(0)))
                raise ValueError(f"{name} column {column} holds NaN or infinity")
        # A field that hardly moves must not be blown up to unit variance.
        self.state_mean.copy_(torch.from_numpy(state.mean(0)))
        self.state_std.copy_(torch.from_numpy(np.maximum(state.std(0), 0.02)))
        self.auxiliary_mean.copy_(torch.from_numpy(auxiliary.mean(0)))
        self.auxiliary_std.copy_(torch.from_numpy(np.maximum(auxiliary.std(0), 0.01)))

    def read_state(self, state: Tensor, absent: Tensor | None) -> Tensor:
        """State, and velocity where it is read, in physical units (B, S + D) -> (B, d).

        Args:
            state: dequantised.
            absent: (B,) bool, where the state is withheld (training only).
        """
        scaled = (state - self.state_mean) / self.state_std
        read = self.state_in(scaled.clamp(-5, 5))
        if absent is not None:
            read = torch.where(absent[:, None], self.state_absent.to(read.dtype), read)
        return read + self.state_position

    def answers(self, asked: Tensor, said: Tensor | None) -> tuple[Tensor, list[int]]:
        """Positions (B, P, d) of the answer, and how many of them see each other.

        Args:
            asked: what the prompt adds to every position (B, d).
            said: digits (B, L, J) of the whole answer, where it is a string and being
                learned; without it a string has no positions yet.
        """
        if self.string is None:
            queries = self.action_query + asked[:, None]
            return queries, [queries.shape[1]]
        if said is None:
            return asked[:, None][:, :0], []
        positions = self.string.read(said[:, :-1]) + asked[:, None]
        return positions, [1] * positions.shape[1]

    def action_logits(self, x: Tensor, said: Tensor | None) -> Tensor:
        """What the positions of an answer came to (B, P, d) -> logits (B, K, bins) of a
        block, knot-major; log probabilities (B, L, J) of the digits of a string that
        was given, none of one that was not."""
        if self.string is not None:
            return x[:, :, 0] if said is None else self.string.chance(x, said)
        return self._block_logits(x)

    def _block_logits(self, fields: Tensor) -> Tensor:
        config = self.config
        logits = torch.baddbmm(
            self.action_bias.to(fields.dtype),
            fields.transpose(0, 1),
            self.action_out.to(fields.dtype),
        ).view(config.action_dim, -1, config.action_knots, config.action_bins)
        return logits.permute(1, 2, 0, 3).flatten(1, 2)

    def tell(self, x: Tensor) -> Tensor:
        """State position (B, d) -> normalised quantities and "visible" (B, A + 1)."""
        return self.auxiliary_out(self.norm_auxiliary(x))

    def read_executed(self, executed: Tensor) -> Tensor:
        """Digits of executed ids as values in [-1, 1] (B, n) -> (B, d)."""
        return self.executed_in(executed) + self.executed_position

    def state_logits(self, x: Tensor) -> Tensor:
        """Next-state position (B, d) -> logits (B, S, state_bins)."""
        state = self.state_out(x).view(len(x), self.config.state_dim, -1)
        return self.state_basis(state)

    def normalise_auxiliary(self, truth: Tensor) -> Tensor:
        """Simulator truth (B, A) -> about unit variance."""
        return (truth - self.auxiliary_mean) / self.auxiliary_std

    def auxiliary_in_units(self, told: Tensor) -> Tensor:
        """Auxiliary output (B, A + 1) -> quantities in their own units (B, A)."""
        return told[:, :-1].float() * self.auxiliary_std + self.auxiliary_mean
