"""What a policy saw and said, as one stream of token ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.robot.bodies import BODIES, body_named
from brownfield.robot.body import Body
from brownfield.tokenizers.stream import NO_VALUE, Grammar, StreamArrays, StreamLayout
from brownfield.tokenizers.vocabulary import Vocabulary

Ids = NDArray[np.int64]

VALUE_BINS = 256
"""Ids kept for values, which no policy speaks yet."""


def vocabulary_of(
    tokenizers: TokenizerSet, hashes: dict[str, str] | None = None
) -> Vocabulary:
    """The ids that these tokenizers share.

    Bodies share the ranges too, each as wide as the widest: which body it is stands
    at the head of a stream.

    Args:
        tokenizers: give the sizes of the ranges, and the bodies.
        hashes: of the saved tokenizers, see `saved_hashes`.
    """
    bodies = [body_named(name) for name in tokenizers.bodies]
    cameras = dict.fromkeys(camera.name for b in bodies for camera in b.cameras)
    return Vocabulary(
        state_size=max(one.vocab_size for one in tokenizers.state.values()),
        value_size=VALUE_BINS,
        action_size=max(one.vocab_size for one in tokenizers.action.values()),
        video_size=tokenizers.video.vocab_size,
        bodies=tuple(sorted(BODIES)),
        cameras=tuple(cameras),
        hashes=hashes or {},
    )


def grammar_of(tokenizers: TokenizerSet, body: Body, vocabulary: Vocabulary) -> Grammar:
    """The grammar of a body's streams."""
    grid = tokenizers.video.grid
    layout = StreamLayout(
        body=body.name,
        cameras={camera.name: (grid, grid) for camera in body.cameras},
        state_tokens=body.state_dim,
        action_tokens=tokenizers.action[body.name].n_tokens,
        max_text=tokenizers.text.max_bytes,
    )
    return Grammar(vocabulary, layout)


class EpisodeStream:
    """Collects an episode look by look; `ids` is its stream so far."""

    def __init__(self, grammar: Grammar, text: Ids) -> None:
        """Args: text: bytes of the prompt (n,)."""
        self._grammar, self._text = grammar, text
        self._video: list[Ids] = []
        self._state: list[Ids] = []
        self._action: list[Ids] = []

    def look(self, video: Ids, state: Ids, action: Ids) -> None:
        """Add a look and the answer to it.

        Args:
            video: ids (h, w) of the first camera's frame.
            state: ids (S,).
            action: ids (K,) that the policy answered with.
        """
        self._video.append(np.asarray(video, dtype=np.int64))
        self._state.append(np.asarray(state, dtype=np.int64))
        self._action.append(np.asarray(action, dtype=np.int64))

    def __len__(self) -> int:
        """Looks so far."""
        return len(self._video)

    def ids(self) -> Ids:
        """The stream (L,): prompt, then look and action in turns, ending on a look.

        Raises:
            ValueError: nothing was seen yet.
        """
        if not self._video:
            raise ValueError("an episode's stream begins with a look; there was none")
        camera = next(iter(self._grammar.layout.cameras))
        steps = len(self._video) - 1
        return self._grammar.pack(
            StreamArrays(
                mode="policy",
                text=self._text,
                video={camera: np.stack(self._video)},
                state=np.stack(self._state),
                action=np.array(self._action[:steps], dtype=np.int64).reshape(
                    steps, self._grammar.layout.action_tokens
                ),
                value=np.full(steps, NO_VALUE, dtype=np.int64),
            )
        )
