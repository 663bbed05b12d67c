"""A G1 in a kitchen, told in words what to pick up (gymnasium environment)."""

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
from brownfield.envs.expert import (
    STANCE_Y_M,
    ExpertState,
    clip_command,
    seen_from,
    stance_error,
)
from brownfield.envs.expert_hands import (
    SIDES,
    HandsState,
    hand_for,
    hands_chunk,
    seen_by,
)
from brownfield.envs.expert_place import holds
from brownfield.envs.expert_plan import expert_chunk
from brownfield.envs.kitchen import (
    Kitchen,
    KitchenConfig,
    PlacedObject,
    generate_kitchen,
)
from brownfield.envs.kitchen_ask import (
    SPOTS_OF,
    draw_other_tasks,
    draw_prompt,
    draw_task,
)
from brownfield.envs.kitchen_noise import CommandNoise, NoiseConfig
from brownfield.envs.kitchen_tasks import (
    KINDS,
    PHRASES,
    SPOT_OF,
    Task,
    phrase_of,
    task_called,
    task_of,
)
from brownfield.envs.objects import NAMED
from brownfield.envs.pick import GoJudge, PickJudge, PutJudge
from brownfield.envs.scene_file import load_scene, scene_kitchen
from brownfield.envs.segmentation import REST, draw_classes, geom_classes
from brownfield.robot.g1.body import G1_BODY, G1_TWO_HANDS
from brownfield.robot.g1.controller import WholeBodyController
from brownfield.robot.g1.joints import DEFAULT_POSE, HAND_MIRROR, HAND_OPEN
from brownfield.robot.link import RobotState
from brownfield.robot.mujoco_link import MujocoLink

Array = NDArray[np.float64]

PHYSICS_HZ = 500
CONTROLLER_HZ = 50
PRIVILEGED_NAMES = (
    "object_x",
    "object_y",
    "object_z",
    "stance_x",
    "stance_y",
    "yaw",
    "visible",
    "pixel_x",
    "pixel_y",
)
"""Simulator truth about the named object, for auxiliary losses and metrics; never part
of an observation: its grasp point in the pelvis frame [m], the way to where to stand in
the heading frame [m], and the heading [rad]. Once it is in the hand, or where there is
none, all but the heading is about where to go with it. The pixel is where the object's
centre appears in the head camera's frame, -1 to 1 from left to right and from top to
bottom; 2 is far outside."""
SEGMENTS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in NAMED},
    "tray": ("tray",),
    "table": ("table",),
    "hand": (
        "g1/left_hand",
        "g1/right_hand",
        "g1/left_wrist_yaw",
        "g1/right_wrist_yaw",
    ),
}
"""What a picture of classes tells apart, by the beginnings of the bodies' names."""
STARTS = {
    "near": {"back": (0.5, 1.2), "lateral": 0.35, "yaw": 0.4},
    "wide": {"back": (0.8, 1.8), "lateral": 0.7, "yaw": 0.9},
}
"""Start ranges: distance from the nominal stance [m], lateral offset [m], yaw [rad]."""
CARRY_S = 20.0
"""A task that puts something somewhere may take so much longer [s]."""
COUNTER_POINT = (0.42, -0.17)
"""Going to the counter means to stand as if something here were to be taken, x and y
[m]."""
BODIES_BY_HANDS = {"right": G1_BODY, "both": G1_TWO_HANDS}
"""Whose commands move one hand or both."""


@dataclass(frozen=True, kw_only=True)
class KitchenEnvConfig:
    """What an episode is drawn from."""

    start: str = "near"
    """`near`, `wide`, or `mixed` (either, evenly)."""
    phrases: str = "train"
    """`train` or `test` phrasings of the prompt."""
    tasks: tuple[str, ...] = ("pick",)
    """What may be asked for: `pick` something up, put it on the `tray` or in the
    `sink`, `bring` it to the table, or `go` there."""
    time_limit_s: float = 25.0
    """Longest episode [s]; a task that puts something somewhere has `CARRY_S` more."""
    hands: str = "right"
    """`right`, or `both`: commands hold both palms and the expert takes what is asked
    for with the nearer one."""
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
    the prompt asks for, such as `box` or `box on the tray`), `did` (the first object
    that was lifted, if any), `as_asked` (whether it is the one that the prompt names),
    `kind` (of the task) and `privileged` (9,), see `PRIVILEGED_NAMES`.
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
        self._renderers: dict[tuple[int, int], mujoco.Renderer] = {}

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
        self.close()
        self._map, self.kitchen = self._kitchen(seed)
        names = tuple(o.name for o in self.kitchen.named)
        drawn = draw_task(self.config.tasks, self.kitchen, seed, rng)
        prompt = draw_prompt(drawn, self.config.phrases, rng)
        self.prompt = str((options or {}).get("prompt", prompt))
        self.task = task_of(self.prompt, names)
        for spot in self.task.spots:
            if spot not in self.kitchen.spots:
                raise ValueError(f"there is no {spot} here, as {self.prompt!r} wants")
        other = np.random.default_rng([seed, 4])
        tasks = draw_other_tasks(self.task, self.config.tasks, self.kitchen, other)
        self._other_prompts = {
            task.name: draw_prompt(task, self.config.phrases, other)
            for task in tasks[: self.other_slots]
        }

        self.model = self.kitchen.model
        self.data = mujoco.MjData(self.model)
        self._place_robot(rng)
        mujoco.mj_forward(self.model, self.data)
        self.kitchen, self.link = disturbed(
            self.config.disturb, self.kitchen, self.data, self.task.thing, seed
        )
        self.controller.reset()
        self.command = self.controller.ready
        self.judge = self._judge()
        self._steps = 0
        self._grip_height_m = np.inf
        return self._observation(), self._info()

    def _judge(self) -> PickJudge:
        task, model, kitchen = self.task, self.model, self.kitchen
        if task.kind == "pick":
            return PickJudge(model, kitchen, task.thing)
        if task.kind == "go":
            spot = kitchen.spots.get(task.thing)
            y = (spot.centre if spot else COUNTER_POINT)[1] + STANCE_Y_M
            return GoJudge(model, kitchen, spot.frame if spot else None, y)
        return PutJudge(model, kitchen, task.thing, SPOT_OF[task.kind])

    def _kitchen(self, seed: int) -> tuple[str, Kitchen]:
        """Which scene, empty for none, and the kitchen of a seed."""
        config = self.config
        if config.hands == "both":
            config = replace(config, kitchen=replace(config.kitchen, both_ways=True))
        needed = {spot for kind in config.tasks for spot in SPOTS_OF[kind]}
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

    def _place_robot(self, rng: np.random.Generator) -> None:
        start = self.config.start
        if start == "mixed":
            start = ("near", "wide")[int(rng.integers(2))]
        ranges = STARTS[start]
        back = rng.uniform(*ranges["back"])
        lateral = rng.uniform(-1, 1) * ranges["lateral"]
        yaw = rng.uniform(-1, 1) * ranges["yaw"]
        x, y = -back, lateral
        if self.kitchen.start is not None:
            x = np.clip(x, *self.kitchen.start.x)
            y = np.clip(y, *self.kitchen.start.y)
        joint = self.model.joint("g1/floating_base_joint")
        self._base_q, self._base_v = int(joint.qposadr[0]), int(joint.dofadr[0])
        q = self.data.qpos
        q[self._base_q : self._base_q + 7] = [
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
        self._body = self.model.body("g1/pelvis").id
        self._palm = self.model.site("g1/right_palm").id
        self._left_palm = self.model.site("g1/left_palm").id

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
        task = self._task(asked)
        # Who only goes somewhere is asked about any object; it does not matter.
        goes = task.kind == "go"
        target = self._object(self.kitchen.named[0].name if goes else task.thing)
        base, speed = self._base_q, self._base_v
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, self.data.qpos[base + 3 : base + 7])
        kind = target.kind
        above = kind.grasp_height_m - kind.height_m / 2
        axis = self.data.body(target.name).xmat.reshape(3, 3)[:, 2]
        centre = self.data.body(target.name).xpos
        return ExpertState(
            position=self.data.qpos[base : base + 3].copy(),
            rotation=rotation.reshape(3, 3),
            velocity=self.data.qvel[speed : speed + 3].copy(),
            gyro=self.data.qvel[speed + 3 : speed + 6].copy(),
            grasp_point=centre + above * axis,
            rest_height_m=self.kitchen.counter_height_m + kind.grasp_height_m,
            palm=self.data.site_xpos[self._palm].copy(),
            command=self.command.copy(),
            goal=self._goal(task, kind.grasp_height_m),
            frame=self._frame(task),
            drops=task.kind == "sink",
            goes=goes,
        )

    def _goal(self, task: Task, grasp_height_m: float) -> Array | None:
        """Where the grasp point shall be in the end, or what to go to; None for tasks
        that lift."""
        if task.kind == "pick":
            return None
        if task.kind == "go" and task.thing == "counter":
            return np.array([*COUNTER_POINT, self.kitchen.counter_height_m])
        spot = self.kitchen.spots[task.spots[0]]
        # Over a hollow the hand stays above its rim.
        return spot.point(spot.hollow_m + 0.035 if spot.hollow_m else grasp_height_m)

    def _frame(self, task: Task) -> Array | None:
        spots = [self.kitchen.spots[name] for name in task.spots]
        frames = [spot.frame for spot in spots if spot.frame is not None]
        return np.array(frames[0]) if frames else None

    def hands_state(self, asked: str | None = None) -> HandsState:
        """As `expert_state`, for both hands."""
        return HandsState(
            body=self.expert_state(asked),
            left_palm=self.data.site_xpos[self._left_palm].copy(),
        )

    def privileged(self, asked: str | None = None) -> NDArray[np.float32]:
        """Simulator truth (9,), see `PRIVILEGED_NAMES`, about what the prompt asks for
        or about something else. With the object in the hand, and where there is none,
        it is about where to go with it."""
        state, side = self.expert_state(asked), "right"
        if self.controller.left is not None:
            side = hand_for(self.hands_state(asked))
        seen = self._seen(state, side)
        goal = state.goal
        if goal is not None and (state.goes or holds(seen)):
            state = replace(state, grasp_point=goal)
            there = seen_from(self._seen(state, side), seen.frame)
            centre = goal
        else:
            there = self._seen(state, side)
            centre = self.data.body(self._task(asked).thing).xpos
        stance = stance_error(there) * [1, -1 if side == "left" else 1]
        point = state.rotation.T @ (state.grasp_point - state.position)
        pixel = self._pixel(centre)
        visible = np.abs(pixel).max() < 1
        return np.array([*point, *stance, state.yaw, visible, *pixel], dtype=np.float32)

    def _seen(self, state: ExpertState, side: str) -> ExpertState:
        """The state as the one-handed expert sees it."""
        if self.controller.left is None:
            return state
        left = self.data.site_xpos[self._left_palm].copy()
        return seen_by(HandsState(body=state, left_palm=left), side)

    def _task(self, asked: str | None) -> Task:
        return self.task if asked is None else task_called(asked)

    def _object(self, name: str) -> PlacedObject:
        return next(o for o in self.kitchen.named if o.name == name)

    def _pixel(self, point: Array) -> Array:
        """Where a point (3,) of the world appears in the head camera, see
        `PRIVILEGED_NAMES`."""
        camera = self.data.camera("g1/head")
        right, up, back = camera.xmat.reshape(3, 3).T @ (point - camera.xpos)
        if back > -1e-3:
            return np.array([2.0, 2.0])
        half = np.tan(np.deg2rad(self.model.camera("g1/head").fovy[0]) / 2)
        return np.clip(np.array([right, -up]) / (-back * half), -2, 2)

    def render(self) -> NDArray[np.uint8]:  # type: ignore[override]
        """The room camera (360, 480, 3)."""
        return self.picture("room", 360, 480)

    def picture(self, camera: str, height: int, width: int) -> NDArray[np.uint8]:
        """A frame (height, width, 3) of a camera: `g1/head`, `room` or `close`."""
        return self._draw(self.data, camera, height, width)

    def _draw(
        self, data: mujoco.MjData, camera: str, height: int, width: int
    ) -> NDArray[np.uint8]:
        renderer = self._renderer(height, width)
        renderer.update_scene(data, camera)
        return renderer.render().copy()

    def segments(self, height: int, width: int) -> NDArray[np.uint8]:
        """Entries of `segment_names` (height, width) in the head camera's frame, as old
        as the observation's."""
        classes = geom_classes(self.model, SEGMENTS)
        renderer = self._renderer(height, width)
        return draw_classes(renderer, self.link.seen, "g1/head", classes)

    def _renderer(self, height: int, width: int) -> mujoco.Renderer:
        renderer = self._renderers.get((height, width))
        if renderer is None:
            renderer = mujoco.Renderer(self.model, height, width)
            # Software GL: shadows cost fifty times the rest of the frame.
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
            self._renderers[(height, width)] = renderer
        return renderer

    def close(self) -> None:
        """Free the renderers."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()

    def _observation(self) -> dict[str, Any]:
        camera = self.body.cameras[0]
        state = self.link.read()
        return {
            "head": self._draw(self.link.seen, "g1/head", camera.height, camera.width),
            "state": self.controller.observe(state, self.command),
            "prompt": self.prompt,
        }

    def _info(self) -> dict[str, Any]:
        lifted = self.judge.lifted
        return {
            "success": self.judge.success,
            "reason": self.judge.reason,
            "asked": self.task.name,
            "did": lifted,
            "as_asked": None if lifted is None else lifted == self.task.thing,
            "kind": KINDS[self.task.kind],
            "map": self._map,
            "met": {},
            "privileged": self.privileged(),
        }
