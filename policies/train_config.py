"""Settings of `brownfield train`."""

from dataclasses import dataclass, field
from pathlib import Path

from brownfield.policies.batches import AugmentConfig
from brownfield.policies.losses import LossConfig
from brownfield.policies.mirror import check_mirror
from brownfield.policies.model import ModelConfig
from brownfield.policies.optimizer import OptimizerConfig
from brownfield.policies.schedule import ScheduleConfig

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run."""

    datasets: tuple[Path, ...]
    """Recorded datasets, read into memory."""

    tokenizers: Path
    """Folder written by `brownfield tokenize`."""

    eye: Path | None = None
    """A video tokenizer of frames that stand alone (`tokenize video --network eye`, or
    a shipped one by name), in place of that of the tokenizers or of `init`."""

    tune_eye: bool = True
    """Whether the video tokenizer learns on with the policy, while it still has to give
    pictures back; otherwise its codes stay as they were fitted."""

    eye_blocks: int | None = None
    """Residual blocks of the eye at each scale, where it is a plain one of single
    frames; more than it has begin as nothing and learn with the policy. None leaves
    it as it is."""

    eye_levels: tuple[int, ...] | None = None
    """Levels of its quantiser's channels there, its own first: more of them begin as
    nothing too, and let it say more of every cell. None leaves it as it is."""

    eye_fold: int | None = None
    """How finely it sees there: of a frame of so many times its pictures' side. From 1
    it may grow, and sees what it saw at first. None leaves it as it is."""

    reading_steps: int = 3000
    """With `eye` and `init`: steps before training in which the new codes are learned
    to be read as `init` reads those of its own eye, in pictures that are mirrored,
    shifted and mixed. They count neither as `steps` nor for `seconds`, and take some
    five minutes of a core."""

    out: Path
    """Checkpoint to write."""

    body: tuple[str, ...] = ("g1",)
    """Bodies of the datasets; several learn together."""

    shares: tuple[float, ...] = ()
    """Of a step's rows, one for each body; equal ones where none are given."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """Sizes of the trunk; those of the ports follow from bodies and tokenizers."""

    steps: int | None = None
    """Length of training in optimizer steps; give this or `seconds`."""

    seconds: float | None = None
    """Length of training in wall seconds; the schedule follows the clock, so such a
    run resumes, but not bit for bit."""

    batch: int = 128
    """Rows of one step and process, shared by the bodies."""

    world_share: float = 0.125
    """Share of the rows that also predict the next look."""

    reconstruction_share: float = 0.125
    """Share of the rows that are decoded to pictures."""

    state_dropout: float = 0.05
    """Chance of withholding the state of a row."""

    mirror: bool = False
    """Learn from every episode in a mirror too, with left and right exchanged; only
    bodies with commands for both hands can."""

    loss: LossConfig = field(default_factory=LossConfig)
    """Weights and target widths; what means nothing to a body is left out."""

    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Learning rate."""

    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Augmentation, as far as each body's place allows."""

    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """How gradients become steps."""

    clip: float = 1.0
    """Largest norm of the gradient."""

    average: float = 0.999
    """Longest memory of the averaged weights that are saved."""

    precision: str = "auto"
    """`float32`, `bfloat16` (autocast), or `auto`: the faster of the two."""

    processes: int = 1
    """Processes that share the work; more than one needs no launcher."""

    threads: int = 1
    """Threads of each process."""

    workers: int = 0
    """Processes that gather the batches of each process ahead of its steps, the same
    ones; 0 gathers them in between. A GPU wants several."""

    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: a GPU where there is one."""

    seed: int = 0
    """Draws weights, rows and augmentation."""

    resume: bool = False
    """Go on from `out`."""

    init: Path | None = None
    """Start from this checkpoint's weights and tokenizers; of `tokenizers` only those
    of bodies that it does not know are taken. The default `schedule.rate` is for new
    policies: a lower one, such as 3e-4, spares what is known."""

    anchor: Path | None = None
    """A second checkpoint to start from, beside `init`: of weights that both have, the
    mean. What it could do before `init` learned something else comes back (Wortsman et
    al. 2022, arXiv 2109.01903)."""

    anchor_share: float = 0.2
    """The anchor's part of that mean."""

    weights: str = "float32"
    """dtype of the transformer in the checkpoint."""

    log_every: int = 20
    """Steps between lines of metrics.jsonl."""

    validate_every: int = 500
    """Steps between offline measures on held-out episodes."""

    save_every: int = 1000
    """Steps between checkpoints."""

    validation_every_episode: int = 20
    """Every so many-th episode is held out; 0 holds none."""

    wandb: str = "off"
    """`off`, `offline` or `online`."""

    show_progress: bool = True
    """Draw a progress bar."""

    def __post_init__(self) -> None:
        """Refuse budgets and precisions that mean nothing."""
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("give either steps or seconds")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision must be one of {', '.join(PRECISIONS)}; "
                f"got {self.precision!r}"
            )
        if min(self.processes, self.threads, self.batch) < 1 or self.workers < 0:
            raise ValueError(
                "processes, threads and batch must be at least 1, workers at least 0"
            )
        if not self.body or len(set(self.body)) != len(self.body):
            raise ValueError(f"body must name one or more, each once: {self.body}")
        if self.eye_blocks is not None and (self.eye_blocks < 1 or not self.tune_eye):
            raise ValueError(
                "eye_blocks must be at least 1 and needs an eye that learns on "
                f"(tune_eye); got {self.eye_blocks} and {self.tune_eye}"
            )
        grows_alone = self.tune_eye and self.anchor is None and self.eye is None
        grows = self.eye_levels is not None or self.eye_fold is not None
        if grows and not grows_alone:
            raise ValueError(
                "eye_levels and eye_fold need an eye that learns on (tune_eye) and is "
                f"the policy's own: give neither anchor nor eye; got tune_eye "
                f"{self.tune_eye}, anchor {self.anchor} and eye {self.eye}"
            )
        if self.eye_fold is not None and self.eye_fold < 1:
            raise ValueError(f"eye_fold must be at least 1, got {self.eye_fold}")
        if self.reading_steps < 0:
            raise ValueError(
                f"reading_steps must be at least 0, got {self.reading_steps}"
            )
        shares = self.shares or (1 / len(self.body),) * len(self.body)
        if len(shares) != len(self.body) or min(shares) <= 0 or sum(shares) > 1 + 1e-6:
            raise ValueError(
                f"shares must be {len(self.body)} positive numbers that add up to 1, "
                f"one for each of {', '.join(self.body)}; got {self.shares}"
            )
        if min(self.rows_of_bodies) < 1:
            raise ValueError(
                f"batch {self.batch} leaves a body without a row: its bodies have "
                f"{self.rows_of_bodies}"
            )
        for body in self.body if self.mirror else ():
            check_mirror(body)
        if self.resume and self.init is not None:
            raise ValueError("resume goes on from out; init begins anew: give one")
        if self.anchor is not None and self.init is None:
            raise ValueError("anchor is for weights beside init: give init too")
        if not 0 <= self.anchor_share <= 1:
            raise ValueError(
                f"anchor_share must be between 0 and 1, got {self.anchor_share}"
            )

    @property
    def rows_of_bodies(self) -> tuple[int, ...]:
        """Rows of each body in one step of one process."""
        shares = self.shares or (1 / len(self.body),) * len(self.body)
        return tuple(round(self.batch * share) for share in shares)
