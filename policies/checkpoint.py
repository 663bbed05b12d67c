"""A checkpoint: one folder that everything which runs a policy loads.

config.json          schema version, bodies, sizes, training facts, sha256 of files
weights.safetensors  transformer and normalisation (EMA weights)
tokenizers/          video (EMA weights), state and action of each body, and the
                     vocabulary they share
card.md              what it is, for people
results_*.json       written by evaluations; not hashed
state/               optimizer, raw weights, random states; only to resume
"""

import hashlib
import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from brownfield.policies.model import ModelConfig
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.port import PortConfig
from brownfield.policies.token_stream import vocabulary_of
from brownfield.policies.tokenizer_set import TokenizerSet, saved_hashes
from brownfield.robot.bodies import body_named
from brownfield.robot.body import Body
from brownfield.tokenizers.shipped import find_folder, shipped_folders
from brownfield.tokenizers.vocabulary import Vocabulary

_SHIPPED = Path(__file__).parent / "checkpoints"
SCHEMA_VERSION = 2
DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A policy with everything it needs to be run or trained on."""

    policy: StreamPolicy
    """Transformer with normalisation, and video tokenizer, in fp32."""

    tokenizers: TokenizerSet
    """`tokenizers.video` is the policy's own."""

    vocabulary: Vocabulary | None = None
    """Ids that the tokenizers share; built when saving."""

    facts: dict[str, Any] = field(default_factory=dict)
    """Training config, seed, log summary: whatever describes how it came about."""

    def body(self, name: str | None = None) -> Body:
        """One of its bodies; None for the only one.

        Raises:
            ValueError: it has another or several; lists them.
        """
        bodies = self.policy.bodies
        known = ", ".join(bodies)
        if name is None and len(bodies) > 1:
            raise ValueError(f"this checkpoint moves {known}: say which body")
        if name is not None and name not in bodies:
            raise ValueError(f"this checkpoint moves {known}, not {name!r}")
        return body_named(name or next(iter(bodies)))


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_checkpoint(
    path: Path,
    checkpoint: Checkpoint,
    *,
    weights: str = "float32",
    resume: dict[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint aside and move it into place.

    Args:
        path: folder to write; an older checkpoint there is replaced.
        checkpoint: what to write.
        weights: dtype of the transformer on disk, one of `DTYPES`.
        resume: tensors that training needs to go on, for `load_resume`.

    Raises:
        ValueError: unknown dtype.
    """
    if weights not in DTYPES:
        raise ValueError(f"weights must be one of {', '.join(DTYPES)}; got {weights!r}")
    policy = checkpoint.policy
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    aside.mkdir()
    try:
        learned = dict(policy.trunk.named_parameters(prefix="trunk"))
        tensors = {
            name: value.detach().to(DTYPES[weights]).contiguous()
            if name in learned
            else value.detach().contiguous()
            for name, value in policy.state_dict().items()
            if not name.startswith("video.")
        }
        # Not `save_file`, which lets nobody else read what it writes.
        (aside / "weights.safetensors").write_bytes(save(tensors))
        (aside / "tokenizers").mkdir()
        checkpoint.tokenizers.save(aside / "tokenizers")
        vocabulary_of(checkpoint.tokenizers, saved_hashes(aside / "tokenizers")).save(
            aside / "tokenizers" / "vocabulary"
        )
        if resume is not None:
            (aside / "state").mkdir()
            state = aside / "state" / "training.safetensors"
            state.write_bytes(save(resume))
        parameters = sum(p.numel() for p in policy.parameters())
        (aside / "card.md").write_text(_card(checkpoint, parameters))
        hashed = [
            aside / "weights.safetensors",
            *sorted(p for p in (aside / "tokenizers").rglob("*") if p.is_file()),
        ]
        config = {
            "schema_version": SCHEMA_VERSION,
            "bodies": {b: body_named(b).schema_hash() for b in policy.bodies},
            "model": asdict(policy.config),
            "ports": {b: asdict(policy.trunk.port(b).config) for b in policy.bodies},
            "parameters": parameters,
            "weights": weights,
            "facts": checkpoint.facts,
            "files": {str(p.relative_to(aside)): sha256(p) for p in hashed},
        }
        text = json.dumps(config, indent=2, sort_keys=True) + "\n"
        (aside / "config.json").write_text(text)
        _replace(aside, path)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Read a checkpoint, verifying every file against its hash.

    Args:
        path: a folder, or the name of a checkpoint that ships with the package.

    Raises:
        ValueError: missing or altered file, unknown schema, or another body; the
            message names the file.
    """
    path = find_checkpoint(path)
    config = _read_config(path)
    for name, digest in config["files"].items():
        if not (path / name).is_file():
            raise ValueError(f"checkpoint {path} lacks {name}")
        if sha256(path / name) != digest:
            raise ValueError(f"checkpoint {path}: {name} was altered (sha256 differs)")
    for name, digest in config["bodies"].items():
        known = body_named(name).schema_hash()
        if known != digest:
            raise ValueError(
                f"checkpoint {path} was trained for another description of body "
                f"{name!r}: expected schema {digest}, got {known}"
            )
    tokenizers = TokenizerSet.load(path / "tokenizers")
    vocabulary = Vocabulary.load(path / "tokenizers" / "vocabulary")
    vocabulary.check_hashes(saved_hashes(path / "tokenizers"))
    sizes = dict(config["model"])
    sizes["video_levels"] = tuple(sizes["video_levels"])
    # Earlier sizes name a stretching of pictures that is no more; none was shipped.
    if sizes.pop("video_fovea", 0):
        raise ValueError(f"checkpoint {path} stretches pictures: train it anew")
    ports = {name: PortConfig(**port) for name, port in config["ports"].items()}
    policy = StreamPolicy(ModelConfig(**sizes), ports, tokenizers.video)
    tensors = _read_tensors(path / "weights.safetensors")
    expected = {n for n in policy.state_dict() if not n.startswith("video.")}
    if set(tensors) != expected:
        odd = sorted(set(tensors) ^ expected)[0]
        raise ValueError(
            f"checkpoint {path}: weights.safetensors does not fit the model ({odd})"
        )
    floats = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    policy.load_state_dict(floats, strict=False)
    policy.eval()
    return Checkpoint(
        policy=policy,
        tokenizers=tokenizers,
        vocabulary=vocabulary,
        facts=config["facts"],
    )


def load_resume(path: Path) -> dict[str, Tensor]:
    """Read what training needs to go on.

    Raises:
        ValueError: the checkpoint was saved without it.
    """
    file = Path(path) / "state" / "training.safetensors"
    if not file.is_file():
        raise ValueError(f"{path} cannot be resumed: it lacks state/{file.name}")
    return _read_tensors(file)


def shipped_checkpoints() -> dict[str, Path]:
    """Checkpoints that come with the package, by name."""
    return shipped_folders(_SHIPPED, "config.json")


def find_checkpoint(path: Path | str) -> Path:
    """A folder as it is, or a shipped checkpoint by its name.

    Raises:
        ValueError: neither; lists the shipped names.
    """
    return find_folder(path, _SHIPPED, "config.json", "checkpoint")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / "config.json").read_text())
        version = config["schema_version"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"checkpoint {path}: config.json is not readable") from error
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"checkpoint {path} has schema {version}; this version reads "
            f"{SCHEMA_VERSION}"
        )
    return config


def _read_tensors(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{file} is not readable as safetensors: {error}") from error


def _replace(aside: Path, path: Path) -> None:
    """Move `aside` to `path`; a folder there steps aside first and is then removed."""
    old = path.with_name(f".{path.name}.old-{uuid.uuid4().hex[:8]}")
    if path.exists():
        os.replace(path, old)
    os.replace(aside, path)
    shutil.rmtree(old, ignore_errors=True)


def _card(checkpoint: Checkpoint, parameters: int) -> str:
    bodies = " and ".join(f"`{name}`" for name in checkpoint.policy.bodies)
    facts = "\n".join(
        f"- {name}: {json.dumps(value)}" for name, value in checkpoint.facts.items()
    )
    return f"""# A Brownfield policy for {bodies}

One decoder-only transformer of {parameters / 1e6:.2f} M parameters (video tokenizer
included) that reads a prompt, the head camera and the robot's state as tokens and
answers with action tokens. Trained in simulation on scripted demonstrations; it has
not run on hardware.

Licence: Apache-2.0.

## How it came about

{facts}
"""
