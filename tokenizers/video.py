"""Video tokenizer: a causal network whose streams say what its batches say.

A block of ids stands for one frame (to act), or for four (to imagine). The first block
of a stream of four is one frame, repeated: a single picture is a video too.

Cosmos (arXiv:2501.03575) and VidTok (arXiv:2412.13061) are the references; FSQ is
arXiv:2309.15505.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.video_checks import (
    check_length,
    checked_frames,
    checked_ids,
    checked_segments,
    checked_weights,
)
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_fit import FitStep, VideoFit, fit_network
from brownfield.tokenizers.video_network import VideoNetwork
from brownfield.tokenizers.video_pixels import to_frames, to_pixels
from brownfield.tokenizers.video_state import VideoState

KIND = "causal video tokenizer"


class VideoTokenizer:
    """uint8 frames (B, T, H, W, 3) to ids (B, blocks, h, w), whole or block by block.

    `encode` and `decode` run block by block too: a parallel pass sums in another order,
    and a latent on a rounding edge would get another id. With the same B the ids of a
    stream are the batch's, bit for bit; another B or device may move one on an edge.
    """

    def __init__(self, config: VideoConfig | None = None) -> None:
        """Args: config: sizes, `pico` by default; the network is not fitted."""
        self.config = config or VideoConfig()
        self.network = VideoNetwork(self.config).eval()

    @classmethod
    def fit(
        cls,
        clips: Any,
        config: VideoConfig | None = None,
        weights: Any = None,
        *,
        fit: VideoFit | None = None,
        device: str = "cpu",
        report: Callable[[FitStep], None] | None = None,
        init: VideoTokenizer | None = None,
        segments: Any = None,
    ) -> Self:
        """A tokenizer that reconstructs clips.

        Args:
            clips: uint8 (N, T, H, W, 3), or N clips (T, H, W, 3) of any lengths.
            config: sizes; `pico` by default, or those of `init`.
            weights: (N, T, H, W), or N of (T, H, W): how much each pixel matters, such
                as more where a simulator knows an object; only ratios within a frame
                count. All alike by default.
            fit: budget and schedule.
            device: where to train and where the tokenizer stays.
            report: called after each update.
            init: a tokenizer to go on from, which stays as it is. One that tells
                details needs no weights then: it knows what matters.
            segments: (N, T, H, W), or N of (T, H, W): uint8 classes, 0 for the rest,
                that codes have to tell; needed with `fit.telling`.

        Raises:
            ValueError: no clips, frames that do not fit, weights or segments that do
                not fit their clips, or sizes that are not those of `init`.
            FloatingPointError: the loss is not finite.
        """
        if init is not None and (config or init.config) != init.config:
            raise ValueError(f"expected the sizes {init.config}, got {config}")
        config = config or (init.config if init else VideoConfig())
        fit = fit or VideoFit()
        if not len(clips):
            raise ValueError("expected some clips, got none")
        checked = [checked_frames([clip], config)[0] for clip in clips]
        short = [i for i, clip in enumerate(checked) if not len(clip)]
        if short:
            raise ValueError(f"clip {short[0]} has no frames")
        if weights is None and config.detail and init is None:
            raise ValueError("details are told of what weights say matters, got none")
        maps = None
        if weights is not None:
            if len(weights) != len(checked):
                raise ValueError(
                    f"expected weights of {len(checked)} clips, got {len(weights)}"
                )
            maps = [
                checked_weights(each, clip.shape[:3])
                for each, clip in zip(weights, checked, strict=True)
            ]
        classes = None
        if fit.telling:
            classes = checked_segments(segments, [x.shape[:3] for x in checked])
        # Elsewhere's random numbers neither make nor feel these parameters.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(fit.seed)
            video = cls(config)
        if init is not None:
            video.network.load_state_dict(init.network.state_dict())
        fit_network(video.to(device).network, checked, maps, fit, report, classes)
        return video

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        return self.network.quantiser.codebook_size

    @property
    def frames_per_block(self) -> int:
        """Frames that one block of ids stands for."""
        return self.config.frames_per_block

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of a block of ids."""
        return self.config.grid

    @property
    def device(self) -> torch.device:
        """Where the network lies; states lie there too."""
        return next(self.network.parameters()).device

    def to(self, device: str | torch.device) -> Self:
        """Move the network; states made before stay behind."""
        self.network.to(device)
        return self

    def encode(self, frames: Any) -> NDArray[np.int64]:
        """Ids (B, blocks, h, w) of uint8 frames (B, T, H, W, 3), always in fp32.

        Raises:
            ValueError: another size, type or order of axes, a frame that was not
                decoded, or an illegal T (the message says the nearest legal ones).
        """
        frames = checked_frames(frames, self.config)
        check_length(frames.shape[1], self.frames_per_block)
        state, ids = self.init_state(len(frames)), []
        k = self.frames_per_block
        for end in range(1, frames.shape[1] + 1, k):
            step, state = self.encode_step(frames[:, max(end - k, 0) : end], state)
            ids.append(step)
        return np.stack(ids, 1)

    def decode(self, ids: Any) -> NDArray[np.uint8]:
        """uint8 frames (B, T, H, W, 3) of ids (B, blocks, h, w), foreign ones clamped.

        Raises:
            ValueError: another shape or type.
        """
        ids = checked_ids(ids, self.config)
        state, frames = self.init_state(len(ids)), []
        for block in range(ids.shape[1]):
            step, state = self.decode_step(ids[:, block], state)
            frames.append(step)
        return np.concatenate(frames, 1)[:, self.frames_per_block - 1 :]

    def init_state(self, batch: int) -> VideoState:
        """The state of streams before their first block.

        Args:
            batch: number B of streams.
        """
        network = self.network
        return VideoState(
            network.start(network.encoder, batch), network.start(network.decoder, batch)
        )

    def encode_step(
        self, frames: Any, state: VideoState
    ) -> tuple[NDArray[np.int64], VideoState]:
        """Ids (B, h, w) of the next block of every stream, and the state after.

        Args:
            frames: uint8 (B, k, H, W, 3). The first block of a stream is one frame,
                k times; where all streams start, (B, 1, H, W, 3) will do.
            state: as `init_state` or the last step gave it; it is not changed.

        Raises:
            ValueError: frames that `encode` would refuse, another number of them or of
                streams, or a first block that moves.
        """
        frames = checked_frames(frames, self.config)
        k, fresh = self.frames_per_block, ~state.encoder.started.cpu().numpy()
        _check_batch(len(frames), state)
        if frames.shape[1] == 1 and fresh.all():
            frames = np.repeat(frames, k, 1)
        if frames.shape[1] != k:
            first = " (or 1 where all streams start)" if k > 1 else ""
            raise ValueError(
                f"expected a block of {k} frames{first}, got {frames.shape[1]}"
            )
        moves = fresh & (frames != frames[:, :1]).any((1, 2, 3, 4))
        if moves.any():
            raise ValueError(
                f"stream {np.flatnonzero(moves)[0]} starts: its first block must be "
                f"one frame, {k} times, got different ones"
            )
        with self._exactly():
            pixels = to_pixels(self._put(frames))
            latents, after = self.network.encode_latents(pixels, state.encoder)
            _, ids = self.network.round(latents)
        return ids[:, 0].cpu().numpy(), replace(state, encoder=after)

    def decode_step(
        self, ids: Any, state: VideoState
    ) -> tuple[NDArray[np.uint8], VideoState]:
        """The next block (B, k, H, W, 3) of every stream, and the state after.

        Args:
            ids: (B, h, w); those of a first block give one frame, k times.
            state: as `init_state` or the last step gave it; it is not changed.

        Raises:
            ValueError: another shape, type or number of streams.
        """
        ids = checked_ids(np.asarray(ids)[:, None], self.config)
        _check_batch(len(ids), state)
        with self._exactly():
            codes = self.network.codes(self._put(ids))
            pixels, after = self.network.decode_codes(codes, state.decoder)
            frames = to_frames(pixels).cpu().numpy()
        return frames, replace(state, decoder=after)

    def save(self, folder: Path) -> None:
        """Write the tokenizer."""
        arrays = self.network.state_dict()
        save_folder(
            folder,
            KIND,
            asdict(self.config),
            {name: value.detach().cpu().numpy() for name, value in arrays.items()},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; ValueError when damaged, or another version's."""
        config, arrays = load_folder(folder, KIND)
        sizes: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in config.items()
        }
        odd = sorted(sizes.keys() ^ {field.name for field in fields(VideoConfig)})
        if odd:
            raise ValueError(
                f"{folder} was saved by another version of the video tokenizer: it and "
                f"this one differ in {', '.join(odd)}; fit it anew"
            )
        video = cls(VideoConfig(**sizes))
        wanted = video.network.state_dict()
        shapes = {name: tuple(value.shape) for name, value in wanted.items()}
        found = {name: value.shape for name, value in arrays.items()}
        if found != shapes:
            names = shapes.keys() | found.keys()
            odd = sorted(n for n in names if shapes.get(n) != found.get(n))
            first = odd[0]
            raise ValueError(
                f"{folder} was saved by another version of the video tokenizer: "
                f"{len(odd)} of its arrays differ, such as {first}, expected "
                f"{shapes.get(first, 'none')}, got {found.get(first, 'none')}; "
                "fit it anew"
            )
        video.network.load_state_dict(
            {name: torch.from_numpy(value) for name, value in arrays.items()}
        )
        return video

    def _put(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    @contextmanager
    def _exactly(self) -> Iterator[None]:
        """Arithmetic that gives the same ids whatever the caller has set.

        Half precision moves some ids to their neighbours, so do TF32 and the kernels
        that cuDNN finds by timing.
        """
        with (
            torch.no_grad(),
            torch.autocast(self.device.type, enabled=False),
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=False
            ),
        ):
            yield


def _check_batch(batch: int, state: VideoState) -> None:
    if batch != state.batch:
        raise ValueError(f"expected {state.batch} streams as in the state, got {batch}")
