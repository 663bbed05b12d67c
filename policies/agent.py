"""A policy as an agent: observation in, action ids out, one pass a look."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brownfield.policies.checkpoint import Checkpoint, load_checkpoint
from brownfield.policies.device import device_named
from brownfield.policies.model import Prefix
from brownfield.policies.patience import Patience
from brownfield.policies.policy import (
    frames_of,
    ids_of,
    pixels_of,
    text_rows,
)
from brownfield.policies.readout import HOLDING_GRIP, answer_ids
from brownfield.policies.recall import Recollection
from brownfield.policies.token_stream import (
    EpisodeStream,
    grammar_of,
    vocabulary_of,
)
from brownfield.policies.windows import command_columns
from brownfield.robot.body import Body
from brownfield.tokenizers.protocols import DigitTokenizer
from brownfield.tokenizers.resize import area_resize


@dataclass(frozen=True, kw_only=True)
class Thought:
    """What the last look gave, beside the ids."""

    video_ids: NDArray[np.int64]
    """(8, 8) tokens of the frame."""

    state_ids: NDArray[np.int64]
    """(S,) tokens of the state."""

    auxiliary: NDArray[np.float32]
    """(A,) what the state position tells about what is asked for, in the units of the
    simulator's truth; for films and measures, never for control."""

    pointing: NDArray[np.float32]
    """(8, 8) how the policy shares its attention among the cells of the frame when it
    looks for what the prompt names; sums to 1."""

    visible: float
    """Chance that the named object is in view, as the policy sees it."""


class PolicyAgent:
    """Loads a checkpoint once; `reset` with a prompt, then `act` at every look.

    Head and prompt are read at reset and kept as keys and values, so that a look costs
    27 positions.

    Attributes:
        step: control step of the last look; the first one of an episode is 0.
    """

    def __init__(
        self,
        checkpoint: Checkpoint | Path | str,
        body: str | None = None,
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        """Take a checkpoint for one of its bodies.

        Args:
            checkpoint: loaded, a folder, or a shipped name.
            body: whom it moves; None for the only one.
            threads: of torch.
            device: `cpu`, `cuda`, or `auto`. One look of a small model at a time is
                quickest on a CPU.

        Raises:
            ValueError: the checkpoint cannot be used, or not for this body.
        """
        if not isinstance(checkpoint, Checkpoint):
            checkpoint = load_checkpoint(checkpoint)
        torch.set_num_threads(threads)
        self.checkpoint = checkpoint
        self.body: Body = checkpoint.body(body)
        self.prompt = ""
        self.thought: Thought | None = None
        self._device = device_named(device)
        self._policy = checkpoint.policy.eval().to(self._device)
        self._port = self._policy.trunk.port(self.body.name)
        self._tokenizers = checkpoint.tokenizers
        vocabulary = checkpoint.vocabulary or vocabulary_of(checkpoint.tokenizers)
        self._grammar = grammar_of(checkpoint.tokenizers, self.body, vocabulary)
        self.stream: EpisodeStream | None = None
        self._prefix: Prefix | None = None
        self._last_past: Any = None
        self._recollection = Recollection(self.body, self._policy.config.memory_s)
        self._patience = Patience(self.body)
        self._columns = command_columns(self.body)
        names = [field.name for field in self.body.action]
        self._grips = [i for i, name in enumerate(names) if name.endswith("grip")]
        self.step = 0

    @property
    def action_tokenizer(self) -> DigitTokenizer:
        """Decodes the ids that `act` returns."""
        return self._tokenizers.action[self.body.name]

    @torch.inference_mode()
    def reset(self, prompt: str) -> None:
        """Begin an episode.

        Raises:
            ValueError: the prompt is empty or too long.
        """
        ids = np.asarray(self._tokenizers.text.encode(prompt), dtype=np.int64)
        text = text_rows([ids], self._policy.config.text_bytes).to(self._device)
        self._prefix = self._policy.trunk.prefix(self.body.name, text)
        self.prompt, self.thought, self._last_past = prompt, None, None
        self.stream = EpisodeStream(self._grammar, ids)
        self._recollection.forget()
        self._patience.reset()
        self.step = -self.body.executed_steps

    def forget(self) -> None:
        """Forget earlier looks; the prompt stays."""
        self._recollection.forget()

    @torch.inference_mode()
    def act(
        self,
        observation: dict[str, Any],
        velocity: NDArray[np.floating] | None = None,
        step: int | None = None,
    ) -> NDArray[np.int64]:
        """Ids (K,) of the chunk that begins now.

        Args:
            observation: the body's camera (H, W, 3) uint8, `state` (S,) and, when no
                prompt was given to `reset`, `prompt`.
            velocity: how fast the plan being executed changes (D,) [unit/s], None where
                there is none; read where the action tokenizer goes on from it.
            step: control step of the episode, for policies that remember; by default
                a chunk's executed part after the last look.

        Raises:
            ValueError: a missing entry, a wrong shape, or NaN in state or velocity.
        """
        self._begin(observation)
        last = self.step
        self.step = last + self.body.executed_steps if step is None else step
        ids = self._look(observation, velocity)
        assert self.stream is not None and self.thought is not None
        self.stream.look(self.thought.video_ids, self.thought.state_ids, ids)
        return ids

    def _look(
        self, observation: dict[str, Any], velocity: NDArray[np.floating] | None = None
    ) -> NDArray[np.int64]:
        """Ids (K,) for an observation, which stays out of the stream."""
        assert self._prefix is not None
        codes, video_ids, state = self._read(observation)
        tokenizer = self._tokenizers.state[self.body.name]
        state_ids = np.asarray(tokenizer.encode(state[None]))
        seen = np.asarray(tokenizer.decode(state_ids), dtype=np.float32)
        if self.action_tokenizer.uses_velocity:
            seen = np.concatenate([seen, self._velocity(velocity)[None]], 1)
        self._recollection.add(codes, state, self.step)
        look = self._policy.trunk.look(
            self.body.name,
            codes,
            torch.from_numpy(seen).to(self._device),
            self._prefix,
            memory=self._recollection.now(),
        )
        self._last_past = look.past
        share = look.pointing.softmax(-1).view(video_ids.shape)[0]
        self.thought = Thought(
            video_ids=video_ids[0].cpu().numpy(),
            state_ids=state_ids[0].astype(np.int64),
            auxiliary=self._port.auxiliary_in_units(look.auxiliary)[0].cpu().numpy(),
            pointing=share.cpu().numpy(),
            visible=float(look.auxiliary[0, -1].sigmoid()),
        )
        draw, command = None, state[self._columns]
        if self._patience.is_out(command, self.step):
            # By the step: a look that is taken again, for a film, says the same.
            draw = torch.Generator().manual_seed(max(self.step, 0))
        digits = self.action_tokenizer.digits
        holds = bool((command[self._grips] > HOLDING_GRIP).any())
        trunk = self._policy.trunk
        return answer_ids(trunk, self.body, look, digits, draw, holds=holds)[0]

    def _begin(self, observation: dict[str, Any]) -> None:
        """Begin an episode where the observation tells another prompt."""
        if observation.get("prompt", self.prompt) != self.prompt or not self._prefix:
            if "prompt" not in observation:
                raise ValueError("call reset(prompt) first, or observe a prompt")
            self.reset(observation["prompt"])

    def _read(
        self, observation: dict[str, Any]
    ) -> tuple[Tensor, Tensor, NDArray[np.float32]]:
        """Codes (1, digits, h, w) and ids (1, h, w) of the frame, and the state (S,),
        checked."""
        camera = self.body.cameras[0].name
        for name in (camera, "state"):
            if name not in observation:
                raise ValueError(
                    f"the observation lacks {name!r}; it has {sorted(observation)}"
                )
        state = np.asarray(observation["state"], dtype=np.float32)
        if state.shape != (self.body.state_dim,):
            raise ValueError(
                f"state must have shape ({self.body.state_dim},), got {state.shape}"
            )
        bad = np.flatnonzero(~np.isfinite(state))
        if len(bad):
            name = self.body.state[int(bad[0])].name
            raise ValueError(f"state field {name!r} is {state[bad[0]]}")
        frame = np.asarray(observation[camera])
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(
                f"{camera} must be uint8 (H, W, 3), got {frame.dtype} {frame.shape}"
            )
        video = self._policy.video
        small = torch.from_numpy(area_resize(frame[None], video.seen))
        codes, ids = video.encode_codes(pixels_of(small.to(self._device)))
        return codes, ids, state

    @torch.inference_mode()
    def watch(self, observation: dict[str, Any], step: int) -> None:
        """Remember a look that somebody else answers.

        Args:
            observation: as for `act`.
            step: control step of the episode.

        Raises:
            ValueError: as `act`.
        """
        if not self._policy.config.memory_s:
            return
        self._begin(observation)
        codes, _, state = self._read(observation)
        self.step = step
        self._recollection.add(codes, state, step)

    def _velocity(self, given: NDArray[np.floating] | None) -> NDArray[np.float32]:
        """How fast the commands change (D,), checked."""
        dim = self.body.action_dim
        if given is None:
            return np.zeros(dim, dtype=np.float32)
        velocity = np.asarray(given, dtype=np.float32)
        if velocity.shape != (dim,) or not np.isfinite(velocity).all():
            raise ValueError(
                f"velocity must be finite and of shape ({dim},), got {given}"
            )
        return velocity

    @torch.inference_mode()
    def imagine(
        self,
        observation: dict[str, Any],
        ids: NDArray[np.int64],
        velocity: NDArray[np.floating] | None = None,
    ) -> NDArray[np.uint8]:
        """The frame (64, 64, 3) expected after the executed part of `ids` (K,).

        Args:
            observation, velocity: as for `act`.
            ids: what will be executed.

        Raises:
            ValueError: as `act`, or ids of another length.
        """
        digits = self.action_tokenizer.digits
        executed = torch.from_numpy(digits.values(digits.of(ids)))
        self._begin(observation)
        self._look(observation, velocity)
        policy, levels = self._policy, self._policy.config.video_levels
        logits = policy.trunk.world(
            self.body.name, executed[None].to(self._device), self._last_past
        ).video
        digits = torch.stack([x.argmax(-1) for x in logits.split(list(levels), -1)], -1)
        side = policy.config.video_grid
        codes = policy.video.codes(ids_of(digits, levels).view(1, side, side))
        return frames_of(policy.video.reconstruct(codes))[0]

    @torch.inference_mode()
    def seen_frame(self) -> NDArray[np.uint8]:
        """The last frame (64, 64, 3) as its tokens tell it.

        Raises:
            ValueError: nothing was seen yet.
        """
        if self.thought is None:
            raise ValueError("call act first: nothing was seen yet")
        video = self._policy.video
        ids = torch.from_numpy(self.thought.video_ids).to(self._device)
        return frames_of(video.reconstruct(video.codes(ids[None])))[0]


@lru_cache(maxsize=1)
def shared_agent(checkpoint: Path, body: str) -> PolicyAgent:
    """This process's agent of a checkpoint and body."""
    return PolicyAgent(checkpoint, body)
