"""The video tokenizer with other quantisers, for the same steps on the same clips.

VQ (arXiv:1711.00937), SimVQ (arXiv:2411.02038) and LFQ (arXiv:2310.05737) as
`vector-quantize-pytorch` has them, each with as many ids as ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brownfield.policies.bench_page import Table
from brownfield.policies.log import TrainingBar
from brownfield.policies.video_clips import VideoClips, load_clips
from brownfield.policies.video_quality import Errors, legal
from brownfield.tokenizers.video_config import VideoConfig, video_preset
from brownfield.tokenizers.video_fit import FitStep, VideoFit, fit_network
from brownfield.tokenizers.video_network import VideoNetwork
from brownfield.tokenizers.video_pixels import drop_lead, lead_in, to_frames, to_pixels
from brownfield.tokenizers.video_salience import salience
from brownfield.tokenizers.video_usage import id_entropy_bits, used_codes


@dataclass(frozen=True, kw_only=True)
class QuantiserBenchConfig:
    """One comparison of quantisers."""

    data: tuple[Path, ...]
    """LeRobotDatasets v3 of one camera."""

    network: str = "nano"
    """Sizes of encoder and decoder."""

    frames_per_block: int = 4
    """Frames that a block of ids stands for."""

    size: tuple[int, int] | None = None
    """Height and width of the frames [px]; the network's by default."""

    levels: tuple[int, ...] = (8, 8, 8, 8)
    """Of our quantiser; the others get as many ids and channels. Codebooks do not learn
    the presets' vocabulary in so few updates."""

    steps: int = 1000
    """Updates of every network."""

    camera: str | None = None
    """Which camera; needed where a dataset has several."""

    hz: float = 5.0
    """Frames kept per second."""

    seed: int = 0
    """Draws parameters and windows."""

    threads: int = 2
    """Threads of torch."""

    show_progress: bool = True
    """Draw progress bars."""


class OtherQuantiser(nn.Module):
    """A quantiser of the library with the interface of ours."""

    def __init__(self, layer: nn.Module, size: int) -> None:
        """Args: layer: (B, N, n) to codes, ids and a loss; size: number of ids."""
        super().__init__()
        self.layer, self.codebook_size = layer, size
        self.loss = torch.zeros(())
        """What it asked for in its last call."""

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (..., n) and ids (...) of latents (..., n)."""
        flat = z.float().reshape(1, -1, z.shape[-1])
        codes, ids, loss = self.layer(flat)
        self.loss = loss.sum()
        return codes.reshape(z.shape), ids.reshape(z.shape[:-1])


def quantisers(levels: Sequence[int]) -> dict[str, Callable[[], nn.Module | None]]:
    """By name, a function that makes one; None stands for our own.

    Args:
        levels: of our quantiser; the others get its channels and its number of ids.

    Raises:
        ValueError: the library is missing.
    """
    try:
        import vector_quantize_pytorch as library
    except ImportError as error:
        raise ValueError(
            "vector-quantize-pytorch is not installed: pip install brownfield[peers]"
        ) from error
    size, channels = math.prod(levels), len(levels)

    def made(layer: nn.Module) -> nn.Module:
        return OtherQuantiser(layer, size)

    # LFQ takes powers of two only.
    power = 2 ** round(math.log2(size))
    return {
        "FSQ": lambda: None,
        "VQ": lambda: made(
            library.VectorQuantize(channels, size, threshold_ema_dead_code=1)
        ),
        "SimVQ": lambda: made(library.SimVQ(channels, size)),
        "LFQ": lambda: made(library.LFQ(dim=channels, codebook_size=power)),
    }


def quantiser_bench(
    config: QuantiserBenchConfig,
    choices: dict[str, Callable[[], nn.Module | None]] | None = None,
) -> Table:
    """Fit the network once with each quantiser, and look at held-out clips.

    Args:
        config: what to fit.
        choices: as `quantisers` gives them, which is the default.
    """
    torch.set_num_threads(config.threads)
    sizes = replace(
        video_preset(config.network).without_detail,
        frames_per_block=config.frames_per_block,
        levels=config.levels,
    )
    if config.size is not None:
        sizes = replace(sizes, size=config.size)
    clips = load_clips(config.data, size=sizes.size, hz=config.hz, camera=config.camera)
    fitted, held_out = clips.split(10)
    held_out = legal(held_out if len(held_out) else fitted, sizes.frames_per_block)
    weights = None
    if fitted.segments is not None:
        weights = [salience(each).astype(np.float16) for each in fitted.segments]
    rows = []
    for name, make in (choices or quantisers(sizes.levels)).items():
        network = _fitted(config, sizes, name, make, fitted, weights)
        rows.append([name, *_row(network, held_out)])
    head = ["", "PSNR [dB]", "moving", "things", "bits an id", "ids used", "bpp"]
    title = f"{config.network}, {config.steps} updates, {len(held_out)} held-out clips"
    return Table(title=title, head=head, rows=rows)


def _fitted(
    config: QuantiserBenchConfig,
    sizes: VideoConfig,
    name: str,
    make: Callable[[], nn.Module | None],
    clips: VideoClips,
    weights: list[NDArray[np.float16]] | None,
) -> VideoNetwork:
    torch.manual_seed(config.seed)
    network, other = VideoNetwork(sizes), make()
    fit = VideoFit(steps=config.steps, seed=config.seed)
    if other is not None:
        network.quantiser = other  # type: ignore[assignment]
        # Ours alone has levels that latents should spread over.
        fit = replace(fit, spread=0.0)
    with TrainingBar(name, config.show_progress) as bar:

        def report(step: FitStep) -> None:
            bar.update(step.progress, f"update {step.number}  loss {step.loss:.3f}")

        fit_network(network, clips.frames, weights, fit, report)
    return network


@torch.inference_mode()
def _row(network: VideoNetwork, clips: VideoClips) -> list[str]:
    k, errors, seen = network.config.frames_per_block, Errors(clips.names[1:]), []
    for i, frames in enumerate(clips.frames):
        pixels = lead_in(to_pixels(torch.from_numpy(frames[None])), k)
        codes, ids = network.encode_codes(pixels)
        decoded = to_frames(drop_lead(network.decode_codes(codes)[0], k))[0].numpy()
        segments = None if clips.segments is None else clips.segments[i]
        errors.add(decoded, frames, segments)
        seen.append(ids.numpy().ravel())
    ids, found = np.concatenate(seen), errors.psnr_db
    entropy = id_entropy_bits(ids)
    pixels_seen: Any = sum(frames[..., 0].size for frames in clips.frames)
    told = [found.get(part, float("nan")) for part in ("all", "moving", "things")]
    return [
        *("-" if x != x else f"{x:.2f}" for x in told),
        f"{entropy:.2f}",
        str(used_codes(ids)),
        f"{entropy * ids.size / pixels_seen:.4f}",
    ]
