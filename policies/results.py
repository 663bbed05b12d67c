"""What an evaluation found, as it stands in results.json."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from brownfield.policies.intervals import Share, mcnemar_p, paired_difference

SCHEMA_VERSION = 2

ACTORS = {
    "policy": "the checkpoint",
    "policy_swapped": "the checkpoint, asked for something else in the same scene",
    "policy_grey": "the checkpoint with a grey camera",
    "policy_forgetful": "the checkpoint, which forgets every look before the next",
    "expert": "the scripted expert, which knows the simulator's truth",
    "expert_tokens": "the expert's chunks through the action tokens",
    "replay": "a demonstration of the same task in another place, played blindly",
    "random": "random commands",
}
"""Who can drive an evaluated episode, and what it shows."""

USUAL_ACTORS = tuple(actor for actor in ACTORS if actor != "policy_forgetful")
"""Those that an evaluation has unless others are asked for: not every policy has looks
to forget."""


@dataclass(frozen=True, kw_only=True)
class EpisodeResult:
    """How one episode ended."""

    actor: str
    """Who drove, a key of `ACTORS`."""
    seed: int
    """Seed of the episode."""
    prompt: str
    """What was asked."""
    asked: str
    """What the prompt asks for: an object, a manoeuvre."""
    phrase: str
    """The phrasing without it; `other` when it is none of ours."""
    success: bool
    """As the place judges it, strictly."""
    reason: str
    """Why not; empty for a success."""
    did: str | None
    """What was done first that shows which prompt is obeyed: the object that was
    lifted, the arm of the junction that was taken; None when it came to nothing."""
    as_asked: bool | None
    """Whether that is what the prompt asks for."""
    seconds: float
    """Simulated length [s]."""
    kind: str = ""
    """What the prompt asks for, coarsely: turn, straight, pick up."""
    map: str = ""
    """Where, when a place has a map."""
    met: dict[str, bool] = field(default_factory=dict)
    """What had to be heeded on the way, such as a red light, and whether it was."""
    hand: str = ""
    """Which hand lifted what was lifted first, `right` or `left`."""


LATER = ("disturb", "coloured", "absent", "twins", "hidden")
"""Settings of environments that came later; where they are off, episodes are those of
before."""
WORDS = "phrases"
"""Setting that decides in which words is asked, and nothing else."""


def _drawn(config: dict[str, Any]) -> Any:
    """What decides an evaluation's episodes, but for the words."""
    settings = config.get("env")
    if isinstance(settings, dict):
        settings = {name: x for name, x in settings.items() if name != WORDS}
    return _without_later(settings)


def _without_later(settings: Any) -> Any:
    if not isinstance(settings, dict):
        return settings
    off = {
        name
        for name in LATER
        if not settings.get(name)
        or (isinstance(settings[name], dict) and not any(settings[name].values()))
    }
    kept = {name: value for name, value in settings.items() if name not in off}
    return {name: _without_later(value) for name, value in kept.items()}


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """Episodes and everything needed to run them again."""

    schema_version: int = SCHEMA_VERSION
    """Of this file."""
    checkpoint: str
    """Name of the checkpoint."""
    checkpoint_sha256: str
    """Of its config.json, which holds the hashes of its other files."""
    facts: dict[str, Any]
    """How the checkpoint came about."""
    config: dict[str, Any]
    """Of the evaluation."""
    versions: dict[str, str]
    """Of the packages that decide what happens."""
    commit: str
    """Revision of the source; `unknown` outside a repository."""
    wall_s: float
    """Wall time of the whole evaluation [s]."""
    episodes: tuple[EpisodeResult, ...]
    """In the order of actors, then seeds."""

    def of(self, actor: str) -> list[EpisodeResult]:
        """Episodes that `actor` drove."""
        return [e for e in self.episodes if e.actor == actor]

    @property
    def actors(self) -> list[str]:
        """Who drove, in order."""
        return list(dict.fromkeys(e.actor for e in self.episodes))

    def success(self, actor: str) -> Share:
        """Share of successes."""
        return share(self.of(actor))

    def by(self, actor: str, key: Callable[[EpisodeResult], str]) -> dict[str, Share]:
        """Share of successes for every value of `key`, sorted."""
        episodes = self.of(actor)
        values = sorted({key(e) for e in episodes})
        return {v: share(e for e in episodes if key(e) == v) for v in values}

    def by_verb(self, actor: str) -> dict[str, Share]:
        """Share of successes by the first word of the kind: all that is picked up, all
        that is put somewhere."""
        return self.by(actor, lambda e: e.kind.partition(" ")[0])

    def as_asked(self, actor: str) -> Share:
        """Of the episodes in which anything was done: it was what was asked for."""
        done = [e.as_asked for e in self.of(actor) if e.as_asked is not None]
        return Share(successes=sum(done), n=len(done))

    def hands(self, actor: str) -> dict[str, Share]:
        """Successes by the hand that lifted something, where one did."""
        lifted = [e for e in self.of(actor) if e.hand]
        names = sorted({e.hand for e in lifted})
        return {name: share(e for e in lifted if e.hand == name) for name in names}

    def obeyed_another(self, first: str, second: str) -> Share:
        """Of the seeds on which both did anything: what they did was not the same, as
        it should be where they were asked for different things."""
        ours = {e.seed: e.did for e in self.of(first) if e.did is not None}
        theirs = {e.seed: e.did for e in self.of(second) if e.did is not None}
        seeds = set(ours) & set(theirs)
        return Share(successes=sum(ours[s] != theirs[s] for s in seeds), n=len(seeds))

    def heeded(self, actor: str) -> dict[str, Share]:
        """Of the episodes that met something to be heeded, how many heeded it."""
        met = [e.met for e in self.of(actor)]
        names = sorted({name for one in met for name in one})
        found = {name: [one[name] for one in met if name in one] for name in names}
        return {n: Share(successes=sum(x), n=len(x)) for n, x in found.items()}

    def reasons(self, actor: str) -> dict[str, int]:
        """How often episodes failed for which reason, the commonest first."""
        return dict(
            Counter(e.reason for e in self.of(actor) if not e.success).most_common()
        )

    def against(
        self, first: str, second: str, other: EvaluationResult | None = None
    ) -> dict[str, Any] | None:
        """Paired comparison on the seeds that both drove; None without any.

        Args:
            first: who of this evaluation.
            second: who it is compared with.
            other: the evaluation that `second` is of; None for this one.

        Raises:
            ValueError: the other evaluation drew its episodes in another way.
        """
        rival = other or self
        if _drawn(rival.config) != _drawn(self.config):
            raise ValueError(
                f"{rival.checkpoint} was evaluated with {rival.config.get('env')}, "
                f"{self.checkpoint} with {self.config.get('env')}"
            )
        ours = {e.seed: e.success for e in self.of(first)}
        theirs = {e.seed: e.success for e in rival.of(second)}
        seeds = sorted(set(ours) & set(theirs))
        if not seeds:
            return None
        pairs = Counter((ours[s], theirs[s]) for s in seeds)
        cells = (
            pairs[True, True],
            pairs[True, False],
            pairs[False, True],
            pairs[False, False],
        )
        difference, lower, upper = paired_difference(*cells)
        return {
            "pairs": len(seeds),
            "only_first": cells[1],
            "only_second": cells[2],
            "difference": difference,
            "interval": [lower, upper],
            "mcnemar_p": mcnemar_p(cells[1], cells[2]),
        }

    def summary(self) -> dict[str, Any]:
        """The tables, per actor."""
        return {
            actor: {
                "success": _plain(self.success(actor)),
                "per_asked": _plain_all(self.by(actor, lambda e: e.asked)),
                "per_verb": _plain_all(self.by_verb(actor)),
                "per_kind": _plain_all(self.by(actor, lambda e: e.kind)),
                "per_map": _plain_all(self.by(actor, lambda e: e.map)),
                "per_phrase": _plain_all(self.by(actor, lambda e: e.phrase)),
                "as_asked_of_done": _plain(self.as_asked(actor)),
                "heeded": _plain_all(self.heeded(actor)),
                "per_hand": _plain_all(self.hands(actor)),
                "reasons": self.reasons(actor),
                "against_expert": self.against(actor, "expert"),
            }
            for actor in self.actors
        }

    def save(self, path: Path) -> None:
        """Write results.json."""
        content = {"summary": self.summary()} | asdict(self)
        aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        aside.write_text(json.dumps(content, indent=1, sort_keys=False) + "\n")
        os.replace(aside, path)


def load_results(path: Path) -> EvaluationResult:
    """Read what `save` wrote.

    Raises:
        ValueError: not readable, or another schema.
    """
    try:
        content = json.loads(path.read_text())
        found = content.get("schema_version")
        if found != SCHEMA_VERSION:
            raise ValueError(
                f"{path} has schema {found}; this version reads {SCHEMA_VERSION}"
            )
        del content["summary"]
        episodes = tuple(EpisodeResult(**e) for e in content.pop("episodes"))
        return EvaluationResult(episodes=episodes, **content)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no results of an evaluation") from error


def share(episodes: Iterable[EpisodeResult]) -> Share:
    """Share of successes."""
    outcomes = [e.success for e in episodes]
    return Share(successes=sum(outcomes), n=len(outcomes))


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide what an episode does."""
    found = {}
    for name in ("brownfield", "mujoco", "numpy", "torch", "mink", "gymnasium"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def source_revision() -> str:
    """Commit of the source, with a `+` when files differ from it."""
    folder = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        return commit + "+" * bool(git("status", "--porcelain", "-uno"))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _plain(found: Share) -> dict[str, Any]:
    lower, upper = found.interval
    return {
        "successes": found.successes,
        "n": found.n,
        "share": found.value if found.n else None,
        "wilson_95": [lower, upper],
    }


def _plain_all(shares: dict[str, Share]) -> dict[str, Any]:
    return {name: _plain(found) for name, found in shares.items()}
