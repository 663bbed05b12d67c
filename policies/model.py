"""One decoder-only transformer over positions that pack the tokens of the stream.

One trunk serves every body; what only a body has, its state and its actions, goes in
and out through a port of its own (`port.py`).

Order of the positions, with the tokens that each group packs:

    head 1 | text 8 x 8 bytes | M remembered looks | video 16 x (2 x 2 codes)
    | state 1 x S ids
    | action 10 queries (one a field, `knots` ids each), or L ids of a string
    | executed 1 x K ids | next video 16 queries | next state 1 query

Attention is causal between groups and full inside video, next-video and action-query
groups; text and strings are causal position by position. The answer and the groups that
follow the executed ids are two continuations of one past, so that a policy pass never
pays for the world model. Everything that depends on the prompt alone comes first: it
is computed once a prompt and shared by every sample that carries it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from brownfield.policies.port import Port, PortConfig
from brownfield.policies.recall import Memory, RecallIn
from brownfield.policies.string_head import Choose
from brownfield.policies.transformer import Block, KeyValue, block_bias
from brownfield.tokenizers.video_detail import opened
from brownfield.tokenizers.video_layers import SpatialResidual


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes of the trunk; those of the ports follow from bodies and tokenizers."""

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

    word_width: int = 96
    """Number of detectors of byte sequences that look over the whole prompt."""

    place_width: int = 32
    """Width in which codes and prompts are compared."""

    video_grid: int = 8
    """Codes along each side of a frame."""

    video_pack: int = 2
    """Codes along each side of one position."""

    video_levels: tuple[int, ...] = (8, 5, 5, 5)
    """Levels of the video tokenizer's quantiser."""

    video_lent: int = 0
    """Channels of every code that hold details of what matters, see `VideoConfig`."""

    video_shares: int = 0
    """What so many codes lend goes to one cell, see `VideoConfig`."""

    video_blocks: int = 0
    """Residual blocks that read the codes of a frame side by side: those of a tokenizer
    that was fitted for pictures alone say little without their neighbours."""

    video_width: int = 64
    """Channels in which they read."""

    memory_s: tuple[float, ...] = ()
    """Ages of the looks that are remembered [s]."""

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
        if self.video_blocks < 0 or self.video_width < 1:
            raise ValueError(
                "video_blocks must be at least 0 and video_width at least 1, got "
                f"{self.video_blocks} and {self.video_width}"
            )
        object.__setattr__(self, "memory_s", tuple(self.memory_s))
        if any(not 0 < age < 1e3 for age in self.memory_s):
            raise ValueError(
                f"memory_s must be ages above 0 [s], below 1000; got {self.memory_s}"
            )

    @property
    def text_positions(self) -> int:
        """Positions of the prompt."""
        return self.text_bytes // self.text_pack

    @property
    def video_positions(self) -> int:
        """Positions of one frame."""
        return (self.video_grid // self.video_pack) ** 2


PAD_BYTE = 256
"""Id of the padding behind a prompt."""

HEAD_TOKENS = 5
"""BOS, tokenizer, tolerance, camera and mode share the head position with the body,
which its port names."""


class Prefix(NamedTuple):
    """What head and prompt leave behind, one row for each distinct prompt."""

    past: list[KeyValue]
    """Keys and values of each layer, (U, H, 1 + text positions, h)."""

    words: Tensor
    """What occurs anywhere in the prompt (U, word_width)."""

    text: Tensor
    """Logits of the next bytes (U, text positions, text_pack, 257): row i, read at
    position i, is about the bytes that position i + 1 carries."""


class Look(NamedTuple):
    """What one observation and the action queries give."""

    action: Tensor
    """Logits (B, K, bins) of a block, knot-major as the action tokenizer orders its
    ids; of a string, log probabilities (B, L, J) of its digits where the answer was
    given, and else nothing yet: see `StreamTransformer.write`."""

    asked: Tensor
    """(B, d) what the prompt adds to every position of the answer."""

    auxiliary: Tensor
    """(B, auxiliary + 1): normalised quantities, then the logit of "visible"."""

    likeness: Tensor
    """(B, 64, U) how much each code looks like what each prompt names: over the codes
    the logits of pointing, over the prompts those of naming."""

    pointing: Tensor
    """(B, 64) the same for each sample's own prompt."""

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

    def __init__(self, config: ModelConfig, ports: Mapping[str, PortConfig]) -> None:
        """Args: ports: sizes by the bodies' names, at least one."""
        super().__init__()
        if not ports:
            raise ValueError("a model needs at least one body")
        self.config = config
        self.ports = nn.ModuleDict(
            {name: Port(sizes, config.width) for name, sizes in ports.items()}
        )
        width, pack = config.width, config.video_pack**2
        lent = config.video_lent
        numbers = len(config.video_levels) - lent + lent * config.video_shares
        self.head = nn.Parameter(torch.empty(HEAD_TOKENS, width))
        self.byte = nn.Embedding(PAD_BYTE + 1, config.byte_width)
        self.byte_conv = nn.Conv1d(config.byte_width, config.word_width, 5)
        self.word_conv = nn.Conv1d(config.word_width, config.word_width, 5)
        self.text_in = nn.Linear(
            config.text_pack * config.byte_width + config.word_width, width
        )
        self.asked_look = nn.Linear(config.word_width, width)
        self.asked_place = nn.Linear(config.word_width, config.place_width)
        self.place_out = nn.Linear(width, pack * config.place_width)
        self.norm_place = nn.LayerNorm(config.place_width, bias=False)
        self.focus_in = nn.Linear(width + 2, width, bias=False)
        self.likeness_in = nn.Linear(2 * pack, width, bias=False)
        self.text_position = nn.Parameter(torch.empty(config.text_positions, width))
        self.text_out = nn.Linear(width, config.text_pack * config.byte_width)
        self.video_reader = _reader(config, numbers)
        if config.video_blocks:
            numbers = config.video_width
        self.video_in = nn.Sequential(
            nn.Linear(pack * numbers, width), nn.GELU(), nn.Linear(width, width)
        )
        self.video_position = nn.Parameter(torch.empty(config.video_positions, width))
        self.next_video_query = nn.Parameter(torch.empty(config.video_positions, width))
        self.blocks = nn.ModuleList(
            Block(width, config.heads) for _ in range(config.layers)
        )
        self.recall: RecallIn | None = None
        if config.memory_s:
            self.recall = RecallIn(len(config.memory_s), width)
        self.norm_out = nn.LayerNorm(width, bias=False)
        self.video_out = nn.Linear(width, pack * sum(config.video_levels))
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
        for _, parameter in self.named_parameters(recurse=False):
            nn.init.normal_(parameter, std=0.02)
        # Prompts differ in a word or two: with smaller detectors all of them look
        # alike, and nothing is learned from the difference.
        nn.init.normal_(self.byte.weight)
        for conv in (self.byte_conv, self.word_conv):
            nn.init.kaiming_normal_(conv.weight)
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        nn.init.normal_(self.asked_place.weight, std=self.config.word_width**-0.5)

    def port(self, body: str) -> Port:
        """The port of a body.

        Raises:
            ValueError: the model has none; lists its bodies.
        """
        if body not in self.ports:
            raise ValueError(
                f"the model has no body {body!r}; it has {', '.join(self.ports)}"
            )
        port = self.ports[body]
        assert isinstance(port, Port)
        return port

    def prefix(self, body: str, text: Tensor) -> Prefix:
        """Read head and prompt.

        Args:
            body: who is told.
            text: (U, text_bytes) int64, bytes followed by PAD_BYTE.
        """
        config = self.config
        embedded = self.byte(text)
        # Causal: a position may know earlier bytes, never those it has to predict.
        # Each detector keeps the best it has found so far, so that a word counts
        # wherever it stands.
        spread = functional.pad(embedded.transpose(1, 2), (4, 0))
        spread = functional.gelu(self.byte_conv(spread))
        spread = self.word_conv(functional.pad(spread, (4, 0)))
        found = functional.gelu(spread).cummax(-1).values.transpose(1, 2)
        at_ends = found[:, config.text_pack - 1 :: config.text_pack]
        packed = embedded.reshape(len(text), config.text_positions, -1)
        written = self.text_in(torch.cat([packed, at_ends], 2)) + self.text_position
        head = (self.head.sum(0) + self.port(body).name).expand(len(text), 1, -1)
        x = torch.cat([head.to(written.dtype), written], dim=1)
        bias = block_bias([1] * x.shape[1], 0, x.device)
        past = []
        for block in self.blocks:
            x, new = block(x, None, bias)
            past.append(new)
        # Position i stands for what follows it: the head announces the first bytes.
        guess = self.text_out(self.norm_out(x[:, :-1]))
        guess = guess.view(len(text), config.text_positions, config.text_pack, -1)
        return Prefix(past, found[:, -1], guess @ self.byte.weight.to(guess.dtype).T)

    def look(
        self,
        body: str,
        codes: Tensor,
        state: Tensor,
        prefix: Prefix,
        prompt: Tensor | None = None,
        absent: Tensor | None = None,
        said: Tensor | None = None,
        memory: Memory | None = None,
    ) -> Look:
        """Read one observation and answer.

        Args:
            body: who looks.
            codes: (B, digits, grid, grid) quantised code vectors in [-1, 1].
            state: (B, S) dequantised state, in physical units, and behind it velocities
                (B, D) of the commands for bodies whose port reads them.
            prefix: of the distinct prompts.
            prompt: (B,) int64 row of `prefix` of each sample; None when there is one.
            absent: (B,) bool, where the state is withheld (training only).
            said: digits (B, L, J) of an answer that is a string (training only).
            memory: earlier looks, for models that remember; None before there are any.
        """
        config, port = self.config, self.port(body)
        words = prefix.words[prompt] if prompt is not None else prefix.words
        state_x = port.read_state(state, absent)
        seen, places = self.see(codes)
        topics = self.asked_place(prefix.words) * config.place_width**-0.5
        likeness = places @ topics.T
        own = codes.new_zeros(len(codes), dtype=torch.long)
        if prompt is not None:
            own = prompt
        pointing = likeness.gather(
            2, own[:, None, None].expand(-1, likeness.shape[1], 1)
        )[..., 0]
        seen = seen + self.likeness_in(self._pack(_relief(pointing)))
        seen = seen + self.video_position
        focus = self._focus(pointing, seen)
        asked = self.asked_look(words) + self.focus_in(focus)
        asked = asked.expand(len(codes), -1)
        answers, groups = port.answers(asked, said)
        recalled = self._recall(memory, topics[own], seen[:, :0])
        x = torch.cat(
            [recalled, seen, (state_x + asked)[:, None], answers.to(state_x.dtype)],
            dim=1,
        )
        n_video = config.video_positions
        n_seen = recalled.shape[1] + n_video
        n_look = n_seen + 1
        n_past = prefix.past[0][0].shape[2]
        before_video = [1] * recalled.shape[1]
        bias = block_bias([*before_video, n_video, 1, *groups], n_past, x.device)
        past: list[KeyValue] = []
        auxiliary = x
        for depth, block in enumerate(self.blocks):
            before = _rows_of(prefix.past[depth], prompt, len(codes))
            last = depth == config.layers - 1
            if last:
                # Read one block early: there the queries can still attend to it.
                auxiliary = port.tell(x[:, n_seen])
            x, new = block(x, before, bias, slice(n_look, None) if last else None)
            n_kept = n_past + n_look
            past.append((new[0][:, :, :n_kept], new[1][:, :, :n_kept]))
        logits = port.action_logits(self.norm_out(x), said)
        return Look(logits, asked, auxiliary, likeness, pointing, past)

    def write(self, body: str, look: Look, choose: Choose) -> Tensor:
        """Say an answer that is a string, id after id.

        Args:
            body: who answers.
            look: what it saw, B samples.
            choose: from logits (B, R) of a digit to its values (B,).

        Returns:
            digits (B, L, J).

        Raises:
            ValueError: this body answers with a block.
        """
        head = self.port(body).string
        if head is None:
            raise ValueError(f"{body!r} answers with a block, not with a string")
        past, slots = list(look.past), len(head.slots)
        n_past = past[0][0].shape[2]
        shape = (len(look.asked), 0, len(head.slots[0]))
        said = torch.empty(shape, dtype=torch.long, device=look.asked.device)
        for slot in range(slots):
            x = (head.read(said)[:, -1] + look.asked)[:, None]
            bias = torch.zeros(1, n_past + slot + 1, device=x.device)
            for depth, block in enumerate(self.blocks):
                x, past[depth] = block(x, past[depth], bias)
            digits = head.say(self.norm_out(x)[:, 0], said, choose)
            said = torch.cat([said, digits[:, None]], 1)
        return said

    def world(self, body: str, executed: Tensor, past: list[KeyValue]) -> World:
        """Predict the look that follows an action block.

        Args:
            body: who acts.
            executed: (B, n) digits of executed ids as values in [-1, 1].
            past: of the look before, for the same B samples.
        """
        config, port = self.config, self.port(body)
        batch = len(executed)
        action = port.read_executed(executed)[:, None]
        queries = torch.cat([self.next_video_query, port.next_state_query[None]])
        x = torch.cat([action, queries.expand(batch, -1, -1).to(action.dtype)], dim=1)
        n_video = config.video_positions
        bias = block_bias([1, n_video, 1], past[0][0].shape[2], x.device)
        for depth, block in enumerate(self.blocks):
            last = depth == config.layers - 1
            x, _ = block(x, past[depth], bias, slice(1, None) if last else None)
        x = self.norm_out(x)
        video = self._unpack(self.video_out(x[:, :n_video]))
        return World(video, port.state_logits(x[:, n_video]))

    def see(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, digits, grid, grid) -> features of positions (B, positions, width)
        and of cells (B, grid * grid, place_width)."""
        codes = opened(codes, self.config.video_lent, self.config.video_shares)
        seen = self.video_in(self._pack(self.video_reader(codes)))
        # What a place looks like must not depend on what is asked for: so the same
        # features answer every prompt, and no prompt can be guessed instead of read.
        places = self._unpack(self.place_out(functional.gelu(seen)))
        return seen, self.norm_place(places)

    def _recall(self, memory: Memory | None, topic: Tensor, none: Tensor) -> Tensor:
        """Positions (B, M, width) of remembered looks.

        Args:
            memory: None where there is nothing to remember yet.
            topic: (B, place_width) what each sample's prompt looks for.
            none: (B, 0, width), for models that remember nothing.
        """
        if self.recall is None:
            return none
        batch, count = len(none), len(self.config.memory_s)
        if memory is None:
            return (self.recall.nothing + self.recall.position).expand(batch, -1, -1)
        codes = memory.codes.flatten(0, 1)
        seen, places = self.see(codes)
        topics = topic.repeat_interleave(count, 0)[..., None]
        pointing = (places @ topics)[..., 0]
        focus = self._focus(pointing, seen + self.video_position)
        clearest = pointing.amax(1, keepdim=True)
        focus, clearest = (x.unflatten(0, (batch, count)) for x in (focus, clearest))
        return self.recall(focus, clearest, memory.moved, memory.known)

    def _focus(self, pointing: Tensor, seen: Tensor) -> Tensor:
        """What is pointed at (B, width + 2): features of the positions, and the place.

        Args:
            pointing: (B, grid * grid) logits over the cells.
            seen: (B, positions, width).
        """
        side = self.config.video_grid
        share = pointing.float().softmax(1).unflatten(1, (side, side))
        line = torch.linspace(-1, 1, side, device=share.device)
        right, down = (share.sum(1) * line).sum(1), (share.sum(2) * line).sum(1)
        place = torch.stack([right, down], 1)
        weights = self._pack(share[:, None].to(seen.dtype)).sum(-1)
        pooled = (weights[:, None] @ seen)[:, 0]
        return torch.cat([pooled, place.to(seen.dtype)], 1)

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


def _reader(config: ModelConfig, numbers: int) -> nn.Sequential:
    """From codes (B, numbers, grid, grid) to what they say together, as many channels
    as they are read in; nothing without blocks."""
    if not config.video_blocks:
        return nn.Sequential()
    width = config.video_width
    blocks = (SpatialResidual(width) for _ in range(config.video_blocks))
    return nn.Sequential(nn.Conv2d(numbers, width, 1), *blocks)


def _relief(pointing: Tensor) -> Tensor:
    """Logits over cells (B, h * h) -> two channels (B, 2, h, h): how much each cell
    stands out, and its share of the attention."""
    side = round(pointing.shape[1] ** 0.5)
    logits = pointing.float()
    height = (logits - logits.mean(1, keepdim=True)).clamp(-8, 8) / 4
    share = logits.softmax(1) * 4
    relief = torch.stack([height, share], 1).unflatten(2, (side, side))
    return relief.to(pointing.dtype)


def _rows_of(pair: KeyValue, prompt: Tensor | None, batch: int) -> KeyValue:
    """Keys and values of each sample's prompt."""
    if prompt is None:
        return (
            pair[0].expand(batch, -1, -1, -1),
            pair[1].expand(batch, -1, -1, -1),
        )
    return pair[0][prompt], pair[1][prompt]
