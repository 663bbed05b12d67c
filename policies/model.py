"""One decoder-only transformer over positions that pack the tokens of the stream.

Order of the positions, with the tokens that each group packs:

    head 1 | text 8 x 8 bytes | video 16 x (2 x 2 codes) | state 1 x S ids
    | action 10 queries (one a field, `knots` ids each)
    | executed 1 x K ids | next video 16 queries | next state 1 query

Attention is causal between groups and full inside video, action and next-video
groups; text is causal position by position. The action queries and the groups that
follow the executed ids are two continuations of one past, so that a policy pass never
pays for the world model. Everything that depends on the prompt alone comes first: it
is computed once a prompt and shared by every sample that carries it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from brownfield.policies.transformer import Block, KeyValue, block_bias


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes of the transformer; everything else follows from body and tokenizers."""

    width: int = 160
    """Width d of the residual stream."""

    layers: int = 4
    """Number of blocks, at least 2."""

    heads: int = 5
    """Attention heads; width / heads is the width of one."""

    text_bytes: int = 64
    """Longest prompt in bytes; shorter ones are padded."""

    text_pack: int = 8
    """Bytes that one position carries."""

    byte_width: int = 32
    """Width of a byte's embedding."""

    video_grid: int = 8
    """Codes along each side of a frame."""

    video_pack: int = 2
    """Codes along each side of one position."""

    video_levels: tuple[int, ...] = (8, 5, 5, 5)
    """Levels of the video tokenizer's quantiser."""

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
    """Continuous quantities read off the state position in training."""

    def __post_init__(self) -> None:
        """Refuse sizes that do not divide."""
        for name, whole, part in (
            ("width by heads", self.width, self.heads),
            ("text_bytes by text_pack", self.text_bytes, self.text_pack),
            ("video_grid by video_pack", self.video_grid, self.video_pack),
        ):
            if part < 1 or whole % part:
                raise ValueError(f"{name} must divide: got {whole} / {part}")
        if self.layers < 2:
            raise ValueError(f"layers must be at least 2, got {self.layers}")

    @property
    def text_positions(self) -> int:
        """Positions of the prompt."""
        return self.text_bytes // self.text_pack

    @property
    def video_positions(self) -> int:
        """Positions of one frame."""
        return (self.video_grid // self.video_pack) ** 2

    @property
    def n_action_ids(self) -> int:
        """Ids K of one action block."""
        return self.action_knots * self.action_dim


PAD_BYTE = 256
"""Id of the padding behind a prompt."""

HEAD_TOKENS = 6
"""BOS, body, tokenizer, tolerance, camera and mode share the head position."""


class Prefix(NamedTuple):
    """What head and prompt leave behind, one row for each distinct prompt."""

    past: list[KeyValue]
    """Keys and values of each layer, (U, H, 1 + text positions, h)."""

    text: Tensor
    """Logits of the next bytes (U, text positions, text_pack, 257): row i, read at
    position i, is about the bytes that position i + 1 carries."""


class Look(NamedTuple):
    """What one observation and the action queries give."""

    action: Tensor
    """Logits (B, K, bins), knot-major as the action tokenizer orders its ids."""

    auxiliary: Tensor
    """(B, auxiliary + 1): normalised quantities, then the logit of "visible"."""

    pointing: Tensor
    """Logits (B, 64) over the codes of the frame: where the named object appears."""

    past: list[KeyValue]
    """Keys and values of prefix, video and state (the queries left out)."""


class World(NamedTuple):
    """What is expected to be seen after the executed part of a chunk."""

    video: Tensor
    """Logits (B, 64, sum of levels), codes in row-major order of the grid."""

    state: Tensor
    """Logits (B, S, state_bins)."""


class StreamTransformer(nn.Module):
    """Reads prompt, look and state; writes action, next look and next state."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, pack = config.width, config.video_pack**2
        digits = len(config.video_levels)
        self.head = nn.Parameter(torch.empty(HEAD_TOKENS, width))
        self.byte = nn.Embedding(PAD_BYTE + 1, config.byte_width)
        self.byte_conv = nn.Conv1d(config.byte_width, config.byte_width, 7)
        self.text_in = nn.Linear(config.text_pack * config.byte_width, width)
        self.text_position = nn.Parameter(torch.empty(config.text_positions, width))
        self.text_out = nn.Linear(width, config.text_pack * config.byte_width)
        self.video_in = nn.Sequential(
            nn.Linear(pack * digits, width), nn.GELU(), nn.Linear(width, width)
        )
        self.video_position = nn.Parameter(torch.empty(config.video_positions, width))
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
        self.next_video_query = nn.Parameter(torch.empty(config.video_positions, width))
        self.next_state_query = nn.Parameter(torch.empty(width))
        self.blocks = nn.ModuleList(
            Block(width, config.heads) for _ in range(config.layers)
        )
        self.norm_out = nn.LayerNorm(width, bias=False)
        self.norm_pointing = nn.LayerNorm(width, bias=False)
        self.pointing_out = nn.Linear(width, pack)
        self.norm_auxiliary = nn.LayerNorm(width, bias=False)
        per_field = config.action_knots * config.action_bins
        self.action_out = nn.Parameter(torch.empty(config.action_dim, width, per_field))
        self.action_bias = nn.Parameter(torch.zeros(config.action_dim, 1, per_field))
        self.auxiliary_out = nn.Linear(width, config.auxiliary + 1)
        self.video_out = nn.Linear(width, pack * sum(config.video_levels))
        self.state_rank = 8
        self.state_out = nn.Linear(width, config.state_dim * self.state_rank)
        self.state_basis = nn.Linear(self.state_rank, config.state_bins)
        self._initialise()

    def _initialise(self) -> None:
        """Small normal weights; what writes to the residual stream starts smaller."""
        small = 0.02 / (2 * self.config.layers) ** 0.5
        for block in self.blocks:
            assert isinstance(block, Block)
            for linear in (block.query_key_value, block.feed_in):
                nn.init.normal_(linear.weight, std=self.config.width**-0.5)
            for linear in (block.attention_out, block.feed_out):
                nn.init.normal_(linear.weight, std=small)
        for name, parameter in self.named_parameters(recurse=False):
            if name not in ("action_bias", "state_absent"):
                nn.init.normal_(parameter, std=0.02)
        nn.init.zeros_(self.state_absent)
        nn.init.normal_(self.byte.weight, std=0.5)

    def prefix(self, text: Tensor) -> Prefix:
        """Read head and prompt.

        Args:
            text: (U, text_bytes) int64, bytes followed by PAD_BYTE.
        """
        config = self.config
        embedded = self.byte(text).transpose(1, 2)
        # Causal: a position may know earlier bytes, never those it has to predict.
        spread = self.byte_conv(functional.pad(embedded, (6, 0)))
        packed = (embedded + functional.gelu(spread)).transpose(1, 2)
        packed = packed.reshape(len(text), config.text_positions, -1)
        written = self.text_in(packed) + self.text_position
        head = self.head.sum(0).expand(len(text), 1, -1)
        x = torch.cat([head.to(written.dtype), written], dim=1)
        bias = block_bias([1] * x.shape[1], 0, x.device)
        past = []
        for block in self.blocks:
            x, new = block(x, None, bias)
            past.append(new)
        # Position i stands for what follows it: the head announces the first bytes.
        guess = self.text_out(self.norm_out(x[:, :-1]))
        guess = guess.view(len(text), config.text_positions, config.text_pack, -1)
        return Prefix(past, guess @ self.byte.weight.to(guess.dtype).T)

    def look(
        self,
        codes: Tensor,
        state: Tensor,
        prefix: Prefix,
        prompt: Tensor | None = None,
        absent: Tensor | None = None,
    ) -> Look:
        """Read one observation and answer with an action block.

        Args:
            codes: (B, digits, grid, grid) quantised code vectors in [-1, 1].
            state: (B, S) dequantised state, normalised.
            prefix: of the distinct prompts.
            prompt: (B,) int64 row of `prefix` of each sample; None when there is one.
            absent: (B,) bool, where the state is withheld (training only).
        """
        config = self.config
        state_x = self.state_in(state)
        if absent is not None:
            state_x = torch.where(
                absent[:, None], self.state_absent.to(state_x.dtype), state_x
            )
        queries = self.action_query.expand(len(codes), -1, -1)
        x = torch.cat(
            [
                self.video_in(self._pack(codes)) + self.video_position,
                (state_x + self.state_position)[:, None],
                queries.to(state_x.dtype),
            ],
            dim=1,
        )
        n_video, n_look = config.video_positions, config.video_positions + 1
        n_past = prefix.past[0][0].shape[2]
        bias = block_bias([n_video, 1, config.action_dim], n_past, x.device)
        past: list[KeyValue] = []
        auxiliary = pointing = x
        for depth, block in enumerate(self.blocks):
            before = _rows_of(prefix.past[depth], prompt, len(codes))
            last = depth == config.layers - 1
            if depth == config.layers // 2:
                # Halfway: the later blocks can use what was found.
                found = self.pointing_out(self.norm_pointing(x[:, :n_video]))
                pointing = self._unpack(found).squeeze(-1)
            if last:
                # Read one block early: there the queries can still attend to it.
                auxiliary = self.auxiliary_out(self.norm_auxiliary(x[:, n_video]))
            x, new = block(x, before, bias, slice(n_look, None) if last else None)
            n_kept = n_past + n_look
            past.append((new[0][:, :, :n_kept], new[1][:, :, :n_kept]))
        fields = self.norm_out(x).transpose(0, 1)
        logits = torch.baddbmm(
            self.action_bias.to(fields.dtype), fields, self.action_out.to(fields.dtype)
        )
        logits = logits.view(
            config.action_dim, -1, config.action_knots, config.action_bins
        ).permute(1, 2, 0, 3)
        return Look(logits.flatten(1, 2), auxiliary, pointing, past)

    def world(self, executed: Tensor, past: list[KeyValue]) -> World:
        """Predict the look that follows an action block.

        Args:
            executed: (B, K) executed ids as values in [-1, 1].
            past: of the look before, for the same B samples.
        """
        config = self.config
        batch = len(executed)
        action = (self.executed_in(executed) + self.executed_position)[:, None]
        queries = torch.cat([self.next_video_query, self.next_state_query[None]])
        x = torch.cat([action, queries.expand(batch, -1, -1).to(action.dtype)], dim=1)
        n_video = config.video_positions
        bias = block_bias([1, n_video, 1], past[0][0].shape[2], x.device)
        for depth, block in enumerate(self.blocks):
            last = depth == config.layers - 1
            x, _ = block(x, past[depth], bias, slice(1, None) if last else None)
        x = self.norm_out(x)
        video = self._unpack(self.video_out(x[:, :n_video]))
        state = self.state_out(x[:, n_video]).view(batch, config.state_dim, -1)
        return World(video, self.state_basis(state))

    def _pack(self, codes: Tensor) -> Tensor:
        """(B, digits, grid, grid) -> (B, positions, pack * pack * digits)."""
        pack, side = self.config.video_pack, self.config.video_grid
        split = codes.unflatten(2, (side // pack, pack)).unflatten(4, (-1, pack))
        return split.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)

    def _unpack(self, packed: Tensor) -> Tensor:
        """(B, positions, pack * pack * n) -> (B, grid * grid, n)."""
        pack, side = self.config.video_pack, self.config.video_grid
        across = side // pack
        split = packed.unflatten(1, (across, across)).unflatten(3, (pack, pack, -1))
        return split.permute(0, 1, 3, 2, 4, 5).reshape(len(packed), side * side, -1)


def _rows_of(pair: KeyValue, prompt: Tensor | None, batch: int) -> KeyValue:
    """Keys and values of each sample's prompt."""
    if prompt is None:
        return (
            pair[0].expand(batch, -1, -1, -1),
            pair[1].expand(batch, -1, -1, -1),
        )
    return pair[0][prompt], pair[1][prompt]
