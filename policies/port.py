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
    """Ids an action token can take."""

    auxiliary: int = 6
    """Continuous quantities A read off the state position in training."""

    @property
    def n_action_ids(self) -> int:
        """Ids K of one action block."""
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
        self.name = nn.Parameter(torch.empty(width))
        self.state_in = nn.Sequential(
            nn.Linear(config.state_dim, 2 * width),
            nn.GELU(),
            nn.Linear(2 * width, width),
        )
        self.state_position = nn.Parameter(torch.empty(width))
        self.state_absent = nn.Parameter(torch.empty(width))
        self.action_query = nn.Parameter(torch.empty(config.action_dim, width))
        self.executed_in = nn.Sequential(
            nn.Linear(config.n_action_ids, width), nn.GELU(), nn.Linear(width, width)
        )
        self.executed_position = nn.Parameter(torch.empty(width))
        self.next_state_query = nn.Parameter(torch.empty(width))
        per_field = config.action_knots * config.action_bins
        self.action_out = nn.Parameter(torch.empty(config.action_dim, width, per_field))
        self.action_bias = nn.Parameter(torch.zeros(config.action_dim, 1, per_field))
        self.norm_auxiliary = nn.LayerNorm(width, bias=False)
        self.auxiliary_out = nn.Linear(width, config.auxiliary + 1)
        self.state_rank = 8
        self.state_out = nn.Linear(width, config.state_dim * self.state_rank)
        self.state_basis = nn.Linear(self.state_rank, config.state_bins)
        for name, parameter in self.named_parameters(recurse=False):
            if name not in ("action_bias", "state_absent"):
                nn.init.normal_(parameter, std=0.02)
        nn.init.zeros_(self.state_absent)
        self.register_buffer("state_mean", torch.zeros(config.state_dim))
        self.register_buffer("state_std", torch.ones(config.state_dim))
        self.register_buffer("auxiliary_mean", torch.zeros(config.auxiliary))
        self.register_buffer("auxiliary_std", torch.ones(config.auxiliary))

    def fit_normalisation(
        self, state: NDArray[np.float32], auxiliary: NDArray[np.float32]
    ) -> None:
        """Take mean and spread from data.

        Args:
            state: (N, S) as the state tokenizer decodes it.
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
        """State in physical units (B, S) -> (B, d).

        Args:
            state: dequantised.
            absent: (B,) bool, where the state is withheld (training only).
        """
        scaled = (state - self.state_mean) / self.state_std
        read = self.state_in(scaled.clamp(-5, 5))
        if absent is not None:
            read = torch.where(absent[:, None], self.state_absent.to(read.dtype), read)
        return read + self.state_position

    def action_logits(self, fields: Tensor) -> Tensor:
        """What the queries came to (B, D, d) -> logits (B, K, bins), knot-major."""
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
        """Executed ids as values in [-1, 1] (B, K) -> (B, d)."""
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
