"""The tokenizers that a policy speaks, kept and moved together."""

from dataclasses import dataclass
from pathlib import Path

from brownfield.robot.bodies import body_named
from brownfield.robot.body import Body
from brownfield.tokenizers.action_tokenizers import load_action_tokenizer
from brownfield.tokenizers.body_check import Fitted, check_body
from brownfield.tokenizers.folder import folder_hash
from brownfield.tokenizers.frame_tokenizers import FrameTokenizer, load_frame_tokenizer
from brownfield.tokenizers.protocols import DigitTokenizer
from brownfield.tokenizers.state import StateTokenizer
from brownfield.tokenizers.text import ByteTokenizer


@dataclass(frozen=True, kw_only=True)
class TokenizerSet:
    """Words and pictures are the same for all bodies, states and actions are not."""

    text: ByteTokenizer
    video: FrameTokenizer
    state: dict[str, StateTokenizer]
    """By the body's name."""
    action: dict[str, DigitTokenizer]
    """By the body's name."""

    @property
    def bodies(self) -> tuple[str, ...]:
        """Names of the bodies, sorted."""
        return tuple(sorted(self.state))

    def save(self, folder: Path) -> None:
        """Write `video/`, and `<body>/state/` and `<body>/action/` for each body."""
        self.video.save(folder / "video")
        for body in self.bodies:
            self.state[body].save(folder / body / "state")
            self.action[body].save(folder / body / "action")

    @classmethod
    def load(cls, folder: Path) -> "TokenizerSet":
        """Read what `save` wrote.

        Raises:
            ValueError: the folder or one of its tokenizers is missing, or an action
                tokenizer was fitted for another description of its body.
        """
        names = _saved(folder)
        bodies = sorted({name.split("/")[0] for name in names if "/" in name})
        new = cls(
            text=ByteTokenizer(),
            video=load_frame_tokenizer(folder / "video"),
            state={b: StateTokenizer.load(folder / b / "state") for b in bodies},
            action={b: load_action_tokenizer(folder / b / "action") for b in bodies},
        )
        for name, tokenizer in new.action.items():
            try:
                check_fitted(tokenizer, body_named(name))
            except ValueError as error:
                raise ValueError(f"{folder / name}: {error}") from error
        return new


def check_fitted(tokenizer: Fitted, body: Body) -> None:
    """Make sure that an action tokenizer was fitted for a body as it is.

    Raises:
        ValueError: says what differs.
    """
    check_body(
        tokenizer,
        [field.name for field in body.action],
        body.control_hz,
        lower=body.action_lower,
        upper=body.action_upper,
        max_rate=body.action_max_rate,
        rest=body.action_rest,
    )


def saved_hashes(folder: Path) -> dict[str, str]:
    """Hash of each tokenizer that `TokenizerSet.save` wrote, such as "g1/state".

    Raises:
        ValueError: the folder or one of its tokenizers is missing.
    """
    return {name: folder_hash(folder / name) for name in _saved(folder)}


def _saved(folder: Path) -> list[str]:
    """Names of the tokenizers in a folder."""
    bodies = sorted({p.parent.name for p in folder.glob("*/*") if p.is_dir()})
    names = [f"{body}/{kind}" for body in bodies for kind in ("state", "action")]
    for name in ("video", *names):
        if not (folder / name).is_dir():
            raise ValueError(f"{folder} holds no {name} tokenizer")
    if not names:
        raise ValueError(f"{folder} holds no state tokenizer of any body")
    return ["video", *names]
