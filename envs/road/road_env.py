"""A car in streets, told in words where to drive (gymnasium environment)."""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.road.ask import draw_manoeuvre, draw_other_prompts
from brownfield.envs.road.manoeuvre import Manoeuvre, along_route
from brownfield.envs.road.maps import TRAINING_TOWNS, load_map
from brownfield.envs.road.path import Pose
from brownfield.envs.road.road_expert import (
    RoadExpertState,
    clip_command,
    expert_chunk,
    target_point,
)
from brownfield.envs.road.road_judge import RoadJudge
from brownfield.envs.road.road_noise import RoadNoise, RoadNoiseConfig
from brownfield.envs.road.road_prompts import (
    TURN_PHRASES,
    manoeuvre_of,
    reworded,
    road_prompt,
    turn_phrase_of,
)
from brownfield.envs.road.scene import SEGMENTS, TIMESTEP_S, Scene
from brownfield.envs.road.street import Street
from brownfield.envs.road.traffic import Traffic, TrafficConfig
from brownfield.envs.road.truth import ROAD_PRIVILEGED_NAMES, privileged_of
from brownfield.envs.scene_renderer import SceneRenderer
from brownfield.envs.segmentation import REST, classes_shown
from brownfield.robot.car.body import CAR_BODY
from brownfield.robot.car.controller import TICK_S, CarController
from brownfield.robot.car.link import MujocoCar
from brownfield.robot.car.model import WHEEL_RADIUS_M, WHEELS

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Start:
    """Ranges that a start is drawn from."""

    back_m: tuple[float, float]
    """Rear axle before the junction [m]."""
    lateral_m: float
    """Largest distance from the lane's centre [m]."""
    yaw_rad: float
    """Largest error of the heading [rad]."""
    speed_m_s: tuple[float, float]
    """[m/s]."""


STARTS = {
    "near": Start(back_m=(28, 45), lateral_m=0.25, yaw_rad=0.03, speed_m_s=(2.0, 6.0)),
    "wide": Start(back_m=(22, 45), lateral_m=0.6, yaw_rad=0.06, speed_m_s=(0.0, 6.5)),
}
"""Start ranges by name."""


@dataclass(frozen=True, kw_only=True)
class RoadEnvConfig:
    """What an episode is drawn from."""

    place: tuple[str, ...] = TRAINING_TOWNS
    """Shipped towns by name, or maps by path; one is drawn per episode."""
    traffic: TrafficConfig = field(default_factory=TrafficConfig)
    """Who else is on the road."""
    start: str = "near"
    """`near`, `wide`, or `mixed` (either, evenly)."""
    phrases: str = "train"
    """`train` or `test` phrasings of the prompt."""
    time_limit_s: float = 50.0
    """Longest episode [s]; a whole route has time to be driven at 2.5 m/s besides."""
    park_share: float = 0.25
    """Share of prompts that end with parking, where there is room."""
    stop_share: float = 0.15
    """Share of prompts that end at a crosswalk, where there is one."""
    routes: bool = False
    """Drive whole routes through the map, seed by seed the next one, instead of single
    junctions."""
    noise: RoadNoiseConfig = field(default_factory=RoadNoiseConfig)
    """What disturbs a demonstration."""

    def __post_init__(self) -> None:
        """Refuse starts, phrases and places that do not exist."""
        if self.start not in (*STARTS, "mixed"):
            raise ValueError(
                f"start must be one of {', '.join(STARTS)}, mixed; got {self.start!r}"
            )
        if self.phrases not in TURN_PHRASES:
            raise ValueError(
                f"phrases must be one of {', '.join(TURN_PHRASES)}; got "
                f"{self.phrases!r}"
            )
        if not self.place:
            raise ValueError("expected at least one place, got none")


STEERS_RAD = 0.12
"""From this angle of the wheels on, a caption speaks of turning [rad]."""
SLOWEST_M_S = 2.5
"""A route is driven at least so fast [m/s]."""


@functools.lru_cache(maxsize=16)
def street_named(place: str) -> Street:
    """The street of a place, read once in a process."""
    return Street(load_map(place))


class RoadEnv(gymnasium.Env[dict[str, Any], Array]):
    """One control step is 0.1 s: 5 controller ticks, 20 physics steps.

    Observation: `front` uint8 (64, 64, 3), `state` float32 (7,) as named by
    `CAR_BODY.state`, `prompt` str. Action: a command (2,) of `CAR_BODY.action`.
    `info` carries `success`, `reason` (why it failed, empty otherwise), `asked` (the
    manoeuvre that the prompt asks for, such as `left park`), `did` (the arm that was
    taken, None so far), `as_asked`, `privileged`, see `ROAD_PRIVILEGED_NAMES`,
    `kind` (turn or straight) and `map` (where this is, and on which route).
    """

    body = CAR_BODY
    place = "road"
    privileged_names = ROAD_PRIVILEGED_NAMES
    segment_names: tuple[str, ...] = (REST, *SEGMENTS)
    other_slots = 3
    view = "ego/chase"
    inset = "map"
    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self, config: RoadEnvConfig | None = None, render_mode: str | None = None
    ) -> None:
        self.config = config or RoadEnvConfig()
        self.render_mode = render_mode
        camera = CAR_BODY.cameras[0]
        self.observation_space = gymnasium.spaces.Dict(
            {
                camera.name: gymnasium.spaces.Box(
                    0, 255, (camera.height, camera.width, 3), np.uint8
                ),
                "state": gymnasium.spaces.Box(
                    -np.inf, np.inf, (CAR_BODY.state_dim,), np.float32
                ),
                "prompt": gymnasium.spaces.Text(
                    64, charset=string.ascii_letters + string.digits + " ,.?!'-"
                ),
            }
        )
        self.action_space = gymnasium.spaces.Box(
            CAR_BODY.action_lower.astype(np.float32),
            CAR_BODY.action_upper.astype(np.float32),
            dtype=np.float32,
        )
        self.controller = CarController()
        self.prompt = ""
        self.map = ""
        self._scenes: dict[str, Scene] = {}
        self._renderer = SceneRenderer()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start the episode of a seed.

        Args:
            seed: draws place, junction, start, traffic and prompt; the same seed gives
                the same episode. None draws a seed from the environment's generator.
            options: `prompt` (str) asks for something else in the same scene; `route`
                (lane names) drives all of a route instead of one junction.

        Raises:
            ValueError: the prompt asks for what this junction does not have, or the
                route does not exist.
            MapError: the place has no junction to drive at.
        """
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(2**31))
        rng = np.random.default_rng([seed, 0])
        options = dict(options or {})
        self.map = str(rng.choice(self.config.place))
        if self.map not in self._scenes:
            self._scenes[self.map] = Scene(street_named(self.map))
        self.scene = self._scenes[self.map]
        self.model, self.data = self.scene.model, self.scene.data
        self._limit_s = self.config.time_limit_s
        self._where = self.scene.street.network.name
        if self.config.routes and "route" not in options:
            ways = self.scene.street.routes
            options["route"] = ways[seed % len(ways)]
        if "route" in options:
            self._where += f" {options['route'][0]} to {options['route'][-1]}"
            route = tuple(options["route"])
            self.asked = along_route(self.scene.street.network, route)
            self._offered = {self.asked.name: self.asked}
            self._limit_s += self.asked.path.length / SLOWEST_M_S
        else:
            self.asked, self._offered = draw_manoeuvre(
                self.scene.street,
                rng,
                park_share=self.config.park_share,
                stop_share=self.config.stop_share,
                bays=self.config.traffic.bays,
            )
        drawn = self.asked
        self._draw_prompt(seed, options)
        self.scene.dress(np.random.default_rng([seed, 1]))
        start_s = self._place_car(rng)
        self.traffic = Traffic(
            self.config.traffic,
            self.scene.street,
            drawn,
            self._offered,
            start_s,
            np.random.default_rng([seed, 2]),
        )
        self.scene.furnish(self.asked, self._offered, self.traffic)
        self.scene.move(self.traffic)
        mujoco.mj_forward(self.model, self.data)
        self.judge = RoadJudge(self.model, self.asked, self._offered, self.traffic)
        self._steps = 0
        return self._observation(), self._info()

    def _draw_prompt(self, seed: int, options: dict[str, Any]) -> None:
        phrases = self.config.phrases
        rng = np.random.default_rng([seed, 4])
        prompt = road_prompt(self.asked.turn, self.asked.ending, phrases, rng)
        if "prompt" in options:
            prompt = str(options["prompt"])
            name = " ".join(manoeuvre_of(prompt))
            if name not in self._offered and "route" not in options:
                raise ValueError(
                    f"expected a prompt for one of {', '.join(sorted(self._offered))}, "
                    f"which this junction offers; got {prompt!r}"
                )
            self.asked = self._offered.get(name, self.asked)
        self.prompt = prompt
        self._other_prompts = draw_other_prompts(
            self.asked, self._offered, phrases, np.random.default_rng([seed, 5])
        )

    def _place_car(self, rng: np.random.Generator) -> float:
        """Put the car on the road; returns where along the path [m]."""
        start = self.config.start
        if start == "mixed":
            start = ("near", "wide")[int(rng.integers(2))]
        ranges, path = STARTS[start], self.asked.path
        back = rng.uniform(*ranges.back_m)
        s = max(self.asked.enter_s - back, 2.0) if len(self._offered) > 1 else 2.0
        left = rng.uniform(-1, 1) * ranges.lateral_m
        x, y, yaw = path.at(s)
        x, y = x - math.sin(yaw) * left, y + math.cos(yaw) * left
        yaw += rng.uniform(-1, 1) * ranges.yaw_rad
        speed = rng.uniform(*ranges.speed_m_s)
        self.car = MujocoCar(self.model, self.data, prefix="ego/")
        q, v = self.car.q_address, self.car.v_address
        self.data.qpos[q : q + 7] = [
            x, y, WHEEL_RADIUS_M, math.cos(yaw / 2), 0, 0, math.sin(yaw / 2),
        ]  # fmt: skip
        self.data.qvel[v : v + 2] = speed * math.cos(yaw), speed * math.sin(yaw)
        for wheel in WHEELS:
            joint = self.model.joint(f"ego/drive_{wheel}")
            self.data.qvel[int(joint.dofadr[0])] = speed / WHEEL_RADIUS_M
        self.controller.reset()
        self.command = np.zeros(CAR_BODY.action_dim)
        return s

    def step(
        self, action: Array
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Execute one command for 0.1 s.

        Args:
            action: command (2,); the wheels turn no faster than the body allows.

        Raises:
            ValueError: wrong shape or NaN.
        """
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (CAR_BODY.action_dim,) or not np.isfinite(action).all():
            raise ValueError(
                f"expected {CAR_BODY.action_dim} finite action values, got {action}"
            )
        self.command = clip_command(action, self.command)
        for _ in range(round(1 / CAR_BODY.control_hz / TICK_S)):
            self.car.write(self.controller.tick(self.car.read(), self.command))
            self.car.advance(round(TICK_S / TIMESTEP_S))
            pose = self.pose()
            self.judge.watch(self.data, pose)
            self.traffic.advance(pose, TICK_S)
            self.scene.move(self.traffic)
        self._steps += 1
        self.judge.step(self.pose(), 1.0 / CAR_BODY.control_hz)
        over = self.judge.success or bool(self.judge.reason)
        late = self._steps >= self._limit_s * CAR_BODY.control_hz
        info = self._info()
        if late and not over:
            info["reason"] = self.judge.unfinished()
        return self._observation(), float(self.judge.success), over, late, info

    def pose(self) -> Pose:
        """The car's rear axle on the plane."""
        q, v = self.data.qpos[self.car.q_address :], self.data.qvel
        yaw = math.atan2(
            2 * (q[3] * q[6] + q[4] * q[5]), 1 - 2 * (q[5] ** 2 + q[6] ** 2)
        )
        vx, vy = v[self.car.v_address : self.car.v_address + 2]
        return Pose(
            x=float(q[0]),
            y=float(q[1]),
            yaw=yaw,
            speed=float(vx * math.cos(yaw) + vy * math.sin(yaw)),
        )

    def other_prompts(self) -> dict[str, str]:
        """What else might be asked for in this scene: at most three prompts by their
        manoeuvre's name, in phrasings that the seed draws."""
        return dict(self._other_prompts)

    def prompt_for(self, asked: str) -> str:
        """The episode's prompt in the same words, asking for another manoeuvre."""
        manoeuvre = self._manoeuvre(asked)
        return reworded(self.prompt, manoeuvre.turn, manoeuvre.ending)

    def kind(self) -> str:
        """What the prompt asks for, coarsely: `straight` or `turn`."""
        return "straight" if self.asked.turn == "straight" else "turn"

    def phrase(self) -> str:
        """The phrasing of the prompt's turn, `{}` for the arm; `other` when it is none
        of ours."""
        return turn_phrase_of(self.prompt)

    def read_prompt(self, prompt: str) -> str:
        """The manoeuvre that a prompt asks for, at any junction; ValueError if none."""
        return " ".join(manoeuvre_of(prompt))

    def doing(self) -> str:
        """What the car is about: the command being executed, speed and steering."""
        steering, pull = self.command
        way = "braking" if pull < -0.5 else "speeding up" if pull > 0.5 else "driving"
        if abs(steering) > STEERS_RAD:
            way += " to the left" if steering > 0 else " to the right"
        speed = 3.6 * self.pose().speed
        return f"{way}, {speed:.0f} km/h, wheels {math.degrees(steering):+.0f}°"

    def clip(self, command: Array) -> Array:
        """A command (2,) within limits; the wheels turn no faster than they can."""
        return clip_command(command, self.command)

    def disturbance(self, rng: np.random.Generator) -> Callable[[Array], Array]:
        """Bursts of noise on commands (2,), for one episode."""
        return RoadNoise(self.config.noise, rng)

    def plan(self, asked: str | None = None, steps: int | None = None) -> Array:
        """The expert's plan (T, 2), as if the prompt asked for the manoeuvre."""
        return expert_chunk(self.expert_state(asked), steps or CAR_BODY.chunk_steps)[0]

    def expert_state(self, asked: str | None = None) -> RoadExpertState:
        """The truth for the expert, as if the prompt asked for the manoeuvre `asked`
        (such as `left park`); by default what it does ask for.

        Raises:
            ValueError: the scene does not offer it.
        """
        manoeuvre = self._manoeuvre(asked)
        pose = self.pose()
        s, _ = manoeuvre.path.project(pose.x, pose.y, pose.yaw)
        lead_s, lead_speed = self.traffic.ahead_on(manoeuvre, s)
        return RoadExpertState(
            manoeuvre=manoeuvre,
            x=pose.x,
            y=pose.y,
            yaw=pose.yaw,
            speed=pose.speed,
            command=self.command.copy(),
            light=self.traffic.light,
            taken=self.traffic.taken(manoeuvre),
            lead_s=lead_s,
            lead_speed=lead_speed,
        )

    def privileged(self, asked: str | None = None) -> NDArray[np.float32]:
        """Simulator truth (14,), see `ROAD_PRIVILEGED_NAMES`, about what the prompt
        asks for or about another manoeuvre."""
        state = self.expert_state(asked)
        point = np.array([*target_point(state), 0.0])
        return privileged_of(state, self._pixel(point))

    def _manoeuvre(self, asked: str | None) -> Manoeuvre:
        if asked is None:
            return self.asked
        if asked not in self._offered:
            raise ValueError(
                f"expected one of {', '.join(sorted(self._offered))}, got {asked!r}"
            )
        return self._offered[asked]

    def _pixel(self, point: Array) -> Array:
        """Where a point (3,) of the world appears in the front camera, see
        `ROAD_PRIVILEGED_NAMES`."""
        name = f"ego/{CAR_BODY.cameras[0].name}"
        camera = self.data.camera(name)
        right, up, back = camera.xmat.reshape(3, 3).T @ (point - camera.xpos)
        if back > -1e-3:
            return np.array([2.0, 2.0])
        half = np.tan(np.deg2rad(self.model.camera(name).fovy[0]) / 2)
        return np.clip(np.array([right, -up]) / (-back * half), -2, 2)

    def render(self) -> NDArray[np.uint8]:  # type: ignore[override]
        """The camera behind the car (360, 480, 3)."""
        return self.picture("ego/chase", 360, 480)

    def picture(self, camera: str, height: int, width: int) -> NDArray[np.uint8]:
        """A frame (height, width, 3) of a camera: `ego/front`, `ego/chase` or `map`."""
        return self._renderer.picture(self.data, camera, height, width)

    def segments(self, height: int, width: int) -> NDArray[np.uint8]:
        """Entries of `segment_names` (height, width) in the front camera's frame."""
        camera = f"ego/{CAR_BODY.cameras[0].name}"
        classes = self.scene.classes(self.traffic)
        geoms = self._renderer.geoms(self.data, camera, height, width)
        return classes_shown(geoms, classes)

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def _observation(self) -> dict[str, Any]:
        camera = CAR_BODY.cameras[0]
        return {
            camera.name: self.picture(
                f"ego/{camera.name}", camera.height, camera.width
            ),
            "state": self.controller.observe(self.car.read(), self.command),
            "prompt": self.prompt,
        }

    def _info(self) -> dict[str, Any]:
        return {
            "success": self.judge.success,
            "reason": self.judge.reason,
            "asked": self.asked.name,
            "did": self.judge.arm or None,
            "as_asked": self.judge.arm == self.asked.turn if self.judge.arm else None,
            "hand": "",
            "privileged": self.privileged(),
            "kind": self.kind(),
            "map": self._where,
            "met": dict(self.judge.met),
        }
