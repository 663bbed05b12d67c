"""A G1 in a kitchen, told in words what to do (gymnasium environment)."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.disturbance import SPARE, DisturbanceConfig, disturbed
from brownfield.envs.expert import COUNTER_POINT, ExpertState, clip_command
from brownfield.envs.expert_hands import SIDES, HandsState, hands_chunk
from brownfield.envs.expert_plan import expert_chunk
from brownfield.envs.kitchen import generate_kitchen
from brownfield.envs.kitchen_ask import NEEDS, draw_other_tasks, draw_prompt, draw_task
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_contents import Kitchen, PlacedObject
from brownfield.envs.kitchen_noise import CommandNoise, NoiseConfig
from brownfield.envs.kitchen_objects import HIDES
from brownfield.envs.kitchen_tasks import (
    IN_VAIN,
    PHRASES,
    SPOT_OF,
    Task,
    kind_of,
    phrase_of,
    task_called,
    task_of,
)
from brownfield.envs.kitchen_truth import PRIVILEGED_NAMES, KitchenTruth
from brownfield.envs.objects import NAMED
from brownfield.envs.pick import HOLD_S, GoJudge, OpenJudge, PickJudge, PutJudge
from brownfield.envs.scene_file import load_scene, scene_kitchen
from brownfield.envs.scene_renderer import SceneRenderer
from brownfield.envs.segmentation import REST, classes_shown, geom_classes
from brownfield.robot.g1.body import G1_BODY, G1_TWO_HANDS
from brownfield.robot.g1.controller import WholeBodyController
from brownfield.robot.g1.joints import DEFAULT_POSE, HAND_MIRROR, HAND_OPEN
from brownfield.robot.link import RobotState
from brownfield.robot.mujoco_link import MujocoLink

Array = NDArray[np.float64]

PHYSICS_HZ = 500
CONTROLLER_HZ = 50
SEGMENTS: dict[str, tuple[str, ...]] = {
    "coffee cup": ("coffee cup",),
    "bottle": ("bottle",),
    "box": ("box",),
    "tray": ("tray",),
    "table": ("table",),
    "hand": (
        "g1/left_hand",
        "g1/right_hand",
        "g1/left_wrist_yaw",
        "g1/right_wrist_yaw",
    ),
    "bowl": ("bowl",),
    "drawer": ("drawer",),
}
"""What a picture of classes tells apart, by the beginnings of the bodies' names."""
STARTS = {
    "near": {"back": (0.5, 1.2), "lateral": 0.35, "yaw": 0.4},
    "wide": {"back": (0.8, 1.8), "lateral": 0.7, "yaw": 0.9},
    "there": {"back": (0.0, 0.5), "lateral": 0.4, "yaw": 0.5},
}
"""Start ranges: distance from the nominal stance [m], lateral offset [m], yaw [rad]."""
VAIN_S = 3.0
"""Asked for what is not there, the robot waits so long before the counter [s]."""
CARRY_S = 20.0
"""A task that puts something somewhere may take so much longer [s]."""
BODIES_BY_HANDS = {"right": G1_BODY, "both": G1_TWO_HANDS}
"""Whose commands move one hand or both."""


@dataclass(frozen=True, kw_only=True)
class KitchenEnvConfig:
    """What an episode is drawn from."""

    start: str = "near"
    """`near`, `wide`, or `mixed` (either, evenly); `there` begins at the counter, and
    with a short time limit many kitchens are seen in little time."""
    phrases: str = "train"
    """`train` or `test` phrasings of the prompt."""
    tasks: tuple[str, ...] = ("pick",)
    """What may be asked for: `pick` something up, put it on the `tray` or in the
    `sink`, `bring` it to the table, open the `drawer`, or `go` somewhere."""
    coloured: float = 0.0
    """Chance that a thing is told by its colour where its name would do."""
    absent: float = 0.0
    """Chance that a thing is asked for that is not there, where one is."""
    time_limit_s: float = 25.0
    """Longest episode [s]; a task that puts something somewhere has `CARRY_S` more."""
    hands: str = "right"
    """`right`, or `both`: commands hold both palms and the expert takes what is asked
    for with the nearer one, or the one that a jar leaves free. The verbs' --body
    decides."""
    place: tuple[str, ...] = ()
    """Scenes to work in, by path (`.xml` beside its `.kitchen.yaml`) or shipped name;
    the seed takes one of them. None generates a kitchen."""
    kitchen: KitchenConfig = field(default_factory=KitchenConfig)
    """The generator's ranges."""
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    """How demonstrations are disturbed."""
    disturb: DisturbanceConfig = field(default_factory=DisturbanceConfig)
    """What befalls the robot: pushes, weight, late and wrong sensors."""

    def __post_init__(self) -> None:
        """Refuse starts, hands, phrases and tasks that do not exist."""
        if self.start not in (*STARTS, "mixed"):
            raise ValueError(
                f"start must be one of {', '.join(STARTS)}, mixed; got {self.start!r}"
            )
        for name in ("coloured", "absent"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} must be within 0 and 1, got {getattr(self, name)}"
                )
        if self.hands not in BODIES_BY_HANDS:
            raise ValueError(f"hands must be right or both, got {self.hands!r}")
        if self.phrases not in PHRASES["pick"]:
            raise ValueError(
                f"phrases must be one of {', '.join(PHRASES['pick'])}; got "
                f"{self.phrases!r}"
            )
        for task in self.tasks or ("nothing",):
            if task not in PHRASES:
                raise ValueError(f"tasks must be of {', '.join(PHRASES)}; got {task!r}")


class KitchenEnv(gymnasium.Env[dict[str, Any], Array]):
    """One control step is 0.1 s: 5 controller ticks, 50 physics steps.

    Observation: `head` uint8 (128, 128, 3), `state` float32 (S,) as named by
    `body.state`, `prompt` str. Action: a command (D,) of `body.action`.
    `info` carries `success`, `reason` (why it failed, empty otherwise), `asked` (what
    the prompt asks for, such as `box` or `box on the tray`), `did` (the first thing
    that was lifted, if any, be it a jar), `as_asked` (whether it is what the prompt
    names), `hand` (which lifted it), `kind` (of the task) and `privileged` (9,), see
    `PRIVILEGED_NAMES`.
    """

    place = "kitchen"
    privileged_names: tuple[str, ...] = PRIVILEGED_NAMES
    segment_names: tuple[str, ...] = (REST, *SEGMENTS)
    other_slots = 2
    view = "room"
    inset = ""
    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self, config: KitchenEnvConfig | None = None, render_mode: str | None = None
    ) -> None:
        self.config = config or KitchenEnvConfig()
        self.render_mode = render_mode
        self.body = BODIES_BY_HANDS[self.config.hands]
        camera = self.body.cameras[0]
        self.observation_space = gymnasium.spaces.Dict(
            {
                "head": gymnasium.spaces.Box(
                    0, 255, (camera.height, camera.width, 3), np.uint8
                ),
                "state": gymnasium.spaces.Box(
                    -np.inf, np.inf, (self.body.state_dim,), np.float32
                ),
                "prompt": gymnasium.spaces.Text(
                    64, charset=string.ascii_letters + string.digits + " ,.?!'-"
                ),
            }
        )
        self.action_space = gymnasium.spaces.Box(
            self.body.action_lower.astype(np.float32),
            self.body.action_upper.astype(np.float32),
            dtype=np.float32,
        )
        self.controller = WholeBodyController(body=self.body)
        self.kitchen: Kitchen
        self.prompt = ""
        self._renderer = SceneRenderer()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start the episode of a seed.

        Args:
            seed: draws kitchen, objects, start and prompt; the same seed gives the
                same episode. None draws a seed from the environment's generator.
            options: `prompt` (str) asks for something else in the same scene.

        Raises:
            ValueError: the prompt names no object that stands on the counter, or a
                place that is not there; or the kitchen has no room for any task.
        """
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(2**31))
        rng = np.random.default_rng([seed, 0])
        self._renderer.forget()
        self._map, self.kitchen = self._kitchen(seed)
        config, kitchen = self.config, self.kitchen
        drawn = draw_task(
            config.tasks,
            kitchen,
            seed,
            rng,
            named=config.kitchen.named,
            coloured=config.coloured,
            absent=config.absent,
        )
        prompt = draw_prompt(drawn, config.phrases, rng)
        given = (options or {}).get("prompt")
        self.prompt = prompt if given is None else str(given)
        self.task = task = task_of(self.prompt, tuple(NAMED))
        self.target = kitchen.find(task.thing) if task.takes else None
        self._check_task(said=given is not None)
        other = np.random.default_rng([seed, 4])
        tasks = draw_other_tasks(
            self.task, config.tasks, kitchen, other, coloured=config.coloured
        )
        self._other_prompts = {
            task.name: draw_prompt(task, self.config.phrases, other)
            for task in tasks[: self.other_slots]
        }

        self.model = self.kitchen.model
        self.data = mujoco.MjData(self.model)
        self._place_robot(rng, kitchen.find(drawn.thing) if drawn.takes else None)
        mujoco.mj_forward(self.model, self.data)
        self.kitchen, self.link = disturbed(
            self.config.disturb,
            self.kitchen,
            self.data,
            "" if self.target is None else self.target.name,
            seed,
            both_hands=config.hands == "both",
        )
        self.controller.reset()
        self.command = self.controller.ready
        self.truth = KitchenTruth(self.model, self.data, self.kitchen)
        self.judge = self._judge()
        self._steps = 0
        self._grip_height_m = np.inf
        return self._observation(), self._info()

    def _check_task(self, *, said: bool) -> None:
        """Refuse a prompt that asks for what is not here; `said`: somebody gave it."""
        task, kitchen = self.task, self.kitchen
        for need in task.needs:
            if not kitchen.has(need):
                raise ValueError(f"there is no {need} here, as {self.prompt!r} wants")
        in_vain = task.takes and self.target is None
        if said and in_vain and not self.config.absent:
            here = ", ".join(f"{o.colour} {o.called}" for o in kitchen.named)
            raise ValueError(
                f"expected a prompt that names one of {here}; got {self.prompt!r}"
            )

    def _judge(self) -> PickJudge:
        task, model, kitchen = self.task, self.model, self.kitchen
        if task.kind == "drawer":
            return OpenJudge(model, kitchen)
        found = self.target
        if found is None:
            spot = kitchen.spots.get(task.thing)
            y = (spot.centre if spot else COUNTER_POINT)[1]
            frame = spot.frame if spot else None
            return GoJudge(
                model, kitchen, frame, y, hold_s=VAIN_S if task.takes else HOLD_S
            )
        if task.kind == "pick":
            return PickJudge(model, kitchen, found.name)
        return PutJudge(model, kitchen, found.name, SPOT_OF[task.kind])

    def _kitchen(self, seed: int) -> tuple[str, Kitchen]:
        """Which scene, empty for none, and the kitchen of a seed."""
        config = self.config
        if config.hands == "both":
            config = replace(config, kitchen=replace(config.kitchen, both_ways=True))
        needed = {spot for kind in config.tasks for spot in NEEDS[kind]}
        spots = tuple(sorted(needed | set(config.kitchen.spots)))
        if spots != config.kitchen.spots:
            config = replace(config, kitchen=replace(config.kitchen, spots=spots))
        spare = SPARE if config.disturb.blocked else ""
        if not config.place:
            return "", generate_kitchen(seed, config.kitchen, spare)
        # A stream of its own, so that one scene gives the same with others beside it.
        which = np.random.default_rng([seed, 5]).integers(len(config.place))
        place = config.place[int(which)]
        scene = load_scene(place, config.kitchen)
        return scene.name, scene_kitchen(scene, seed, config.kitchen, spare)

    def _place_robot(
        self, rng: np.random.Generator, drawn: PlacedObject | None
    ) -> None:
        """Put the robot somewhere, whatever it is told instead of the seed's own."""
        start = self.config.start
        if start == "mixed":
            start = ("near", "wide")[int(rng.integers(2))]
        ranges = STARTS[start]
        back = rng.uniform(*ranges["back"])
        lateral = rng.uniform(-1, 1) * ranges["lateral"]
        yaw = rng.uniform(-1, 1) * ranges["yaw"]
        x, y = -back, lateral
        hidden = self.kitchen.hidden
        if hidden is not None and drawn is not None and drawn.name == hidden.name:
            # Where the jar stands before it; HIDES tells the direction.
            away = drawn.position[0] + back
            slope = hidden.side * abs(HIDES[1] / HIDES[0])
            y = drawn.position[1] + slope * away
            yaw = -0.5 * slope + 0.3 * yaw
        if self.kitchen.start is not None:
            x = np.clip(x, *self.kitchen.start.x)
            y = np.clip(y, *self.kitchen.start.y)
        base = int(self.model.joint("g1/floating_base_joint").qposadr[0])
        q = self.data.qpos
        q[base : base + 7] = [
            x,
            y,
            0.755,
            np.cos(yaw / 2),
            0,
            0,
            np.sin(yaw / 2),
        ]
        link = MujocoLink(self.model, self.data, prefix="g1/")
        pose = DEFAULT_POSE.copy()
        pose[22:] = self.controller.ready_arm
        if self.controller.left is not None:
            pose[15:22] = self.controller.ready_left_arm
        q[link.q_address] = pose
        q[link.hand_q_address[7:]] = HAND_OPEN
        if self.controller.left is not None:
            q[link.hand_q_address[:7]] = HAND_MIRROR * HAND_OPEN

    def step(
        self, action: Array
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Execute one command for 0.1 s.

        Args:
            action: command (D,); palms and grips are reached at the end of the step,
                the base velocity applies at once.

        Raises:
            ValueError: wrong shape or NaN.
        """
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (self.body.action_dim,) or not np.isfinite(action).all():
            raise ValueError(
                f"expected {self.body.action_dim} finite action values, got {action}"
            )
        new, old = self.clip(action), self.command
        ticks = int(CONTROLLER_HZ / self.body.control_hz)
        for i in range(1, ticks + 1):
            command = old + (new - old) * (i / ticks)
            command[:3] = new[:3]
            self.link.write(self.controller.tick(self.link.read(), command))
            self.link.advance(PHYSICS_HZ // CONTROLLER_HZ)
            self.judge.watch(self.data)
        self.command = new
        # Where a hand closed: above that it lifts.
        grip, height = self._closing()
        closed = grip >= 0.5
        self._grip_height_m = min(self._grip_height_m, height) if closed else np.inf
        self._steps += 1
        self.judge.step(self.data, 1.0 / self.body.control_hz)
        over = self.judge.success or bool(self.judge.reason)
        limit_s = self.config.time_limit_s + CARRY_S * (self.task.kind in SPOT_OF)
        late = self._steps >= limit_s * self.body.control_hz
        info = self._info()
        if late and not over:
            info["reason"] = self.judge.unfinished()
        return self._observation(), float(self.judge.success), over, late, info

    def robot_state(self) -> RobotState:
        """What the robot reports now."""
        return self.link.read()

    def clip(self, command: Array) -> Array:
        """A command (D,) within limits, with the base exactly still when slow."""
        return clip_command(command, self.body)

    def disturbance(self, rng: np.random.Generator) -> Callable[[Array], Array]:
        """Bursts of noise on commands (D,), for one episode."""
        return CommandNoise(self.config.noise, rng)

    def plan(self, asked: str | None = None, steps: int | None = None) -> Array:
        """The expert's plan (T, D), as if the prompt asked for `asked`."""
        steps = steps or self.body.chunk_steps
        if self.controller.left is not None:
            return hands_chunk(self.hands_state(asked), steps)[0]
        return expert_chunk(self.expert_state(asked), steps)[0]

    def prompt_for(self, asked: str) -> str:
        """The episode's prompt asking for something else, in the same words where they
        can ask for it."""
        other = self._task(asked)
        if other.kind == self.task.kind:
            return self.prompt.replace(self.task.thing, other.thing)
        return other.prompt(PHRASES[other.kind][self.config.phrases][0])

    def kind(self) -> str:
        """What the prompt asks for, coarsely; of what is not there, `IN_VAIN`."""
        in_vain = self.task.takes and self.target is None
        return IN_VAIN if in_vain else kind_of(self.task)

    def phrase(self) -> str:
        """The prompt's phrasing, `{}` for the object; `other` when it is none of
        ours."""
        return phrase_of(self.prompt, self.task)

    def read_prompt(self, prompt: str) -> str:
        """What a prompt asks for, in any kitchen; ValueError if nothing known."""
        return task_of(prompt, tuple(NAMED)).name

    def doing(self) -> str:
        """What the robot is about, told from the command being executed."""
        grip, height = self._closing()
        if grip < 0.5:
            walking = np.abs(self.command[:3]).max() > 0.02
            return "walking" if walking else "reaching"
        return "lifting" if height > self._grip_height_m + 0.02 else "grasping"

    def _closing(self) -> tuple[float, float]:
        """Grip and height of the hand that is closed farther."""
        hands = [
            self.command[part]
            for part in SIDES.values()
            if part.stop <= len(self.command)
        ]
        busy = max(hands, key=lambda hand: hand[6])
        return float(busy[6]), float(busy[2])

    def other_prompts(self) -> dict[str, str]:
        """What else might be asked for in this scene: prompts by the object's name, in
        phrasings that the seed draws. Defined from `reset` to the next one."""
        return dict(self._other_prompts)

    def expert_state(self, asked: str | None = None) -> ExpertState:
        """The truth for the expert, as if the prompt asked for `asked`; by default what
        it does ask for."""
        return self.truth.expert_state(self._task(asked), self.command)

    def hands_state(self, asked: str | None = None) -> HandsState:
        """As `expert_state`, for both hands."""
        return self.truth.hands_state(self._task(asked), self.command)

    def privileged(self, asked: str | None = None) -> NDArray[np.float32]:
        """Simulator truth (9,), see `PRIVILEGED_NAMES`, about what the prompt asks for
        or about something else."""
        return self.truth.privileged(self._task(asked), self.command)

    def _task(self, asked: str | None) -> Task:
        return self.task if asked is None else task_called(asked)

    def render(self) -> NDArray[np.uint8]:  # type: ignore[override]
        """The room camera (360, 480, 3)."""
        return self.picture("room", 360, 480)

    def picture(self, camera: str, height: int, width: int) -> NDArray[np.uint8]:
        """A frame (height, width, 3) of a camera: `g1/head`, `room` or `close`."""
        return self._renderer.picture(self.data, camera, height, width)

    def segments(self, height: int, width: int) -> NDArray[np.uint8]:
        """Entries of `segment_names` (height, width) in the head camera's frame, as old
        as the observation's."""
        geoms = self._renderer.geoms(self.link.seen, "g1/head", height, width)
        return classes_shown(geoms, geom_classes(self.model, SEGMENTS))

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def _observation(self) -> dict[str, Any]:
        camera = self.body.cameras[0]
        state = self.link.read()
        return {
            "head": self._renderer.picture(
                self.link.seen, "g1/head", camera.height, camera.width
            ),
            "state": self.controller.observe(state, self.command),
            "prompt": self.prompt,
        }

    def _info(self) -> dict[str, Any]:
        lifted, task = self.judge.lifted, self.task
        things = (*self.kitchen.named, *self.kitchen.clutter)
        as_asked = self.target is not None and lifted == self.target.name
        return {
            "success": self.judge.success,
            "reason": self.judge.reason,
            "asked": task.name,
            "did": next((o.told for o in things if o.name == lifted), None),
            "as_asked": None if lifted is None else as_asked,
            "hand": self.judge.hand,
            "kind": self.kind(),
            "map": self._map,
            "met": {},
            "privileged": self.privileged(),
        }
