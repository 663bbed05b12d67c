"""The car obeys the laws of cars."""

import mujoco
import numpy as np
import pytest

from brownfield.robot.car.body import CAR_BODY, STEERING_RATE_RAD_S
from brownfield.robot.car.controller import TICK_S, CarController
from brownfield.robot.car.link import CarCommand, MujocoCar, ackermann
from brownfield.robot.car.model import TRACK_M, WHEELBASE_M, car_spec
from brownfield.robot.token_player import TokenPlayer
from brownfield.tokenizers.action_bins import KnotBinTokenizer


class Plane:
    """A car on an endless plane, attached as a place attaches it."""

    def __init__(self, timestep_s: float = 0.005) -> None:
        spec = mujoco.MjSpec()
        spec.option.timestep = timestep_s
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        spec.option.impratio = 10
        spec.worldbody.add_geom(
            name="road",
            type=mujoco.mjtGeom.mjGEOM_PLANE,
            size=[900, 900, 1],
            contype=1,
            conaffinity=8,
        )
        frame = spec.worldbody.add_frame()
        spec.attach(car_spec(), prefix="ego/", frame=frame)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self.car = MujocoCar(self.model, self.data, prefix="ego/")
        self.steps = round(TICK_S / timestep_s)

    def roll(self, speed: float) -> None:
        """Drive straight at a speed [m/s]."""
        self.data.qvel[self.car.v_address] = speed
        for wheel in self.car._spin_v:
            self.data.qvel[wheel] = speed / 0.32
        mujoco.mj_forward(self.model, self.data)

    def drive(self, seconds: float, steering: float, speed: float) -> None:
        """Hold an angle and a speed."""
        for _ in range(round(seconds / TICK_S)):
            pull = np.clip(2 * (speed - self.car.read().speed), -2, 2)
            self.car.write(CarCommand(steering=steering, acceleration=float(pull)))
            self.car.advance(self.steps)


@pytest.mark.parametrize("speed", [3.0, 5.0, 8.0, 10.0])
@pytest.mark.parametrize("steering", [0.05, -0.2, 0.5])
def test_turns_as_the_kinematic_bicycle(speed: float, steering: float) -> None:
    """Yaw rate within 2 %, wherever friction allows the turn (below 0.6 g)."""
    wanted = speed / WHEELBASE_M * np.tan(steering)
    if abs(speed * wanted) > 6:
        speed = float(np.sqrt(6 * WHEELBASE_M / abs(np.tan(steering))))
    plane = Plane()
    plane.roll(speed)
    plane.drive(6, steering, speed)
    state = plane.car.read()
    wanted = state.speed / WHEELBASE_M * np.tan(steering)
    assert state.yaw_rate == pytest.approx(wanted, rel=0.02)
    assert state.steering == pytest.approx(steering, rel=0.02)


def test_stops_within_twenty_metres() -> None:
    plane = Plane()
    plane.roll(15)
    plane.drive(1, 0, 15)
    start = plane.data.qpos[plane.car.q_address]
    plane.car.write(CarCommand(steering=0, acceleration=-6))
    while plane.car.read().speed > 0.05:
        plane.car.advance(plane.steps)
    assert 15 < plane.data.qpos[plane.car.q_address] - start < 20


def test_a_brake_holds_and_never_pushes() -> None:
    plane = Plane()
    plane.roll(3)
    plane.car.write(CarCommand(steering=0, acceleration=-2))
    plane.car.advance(1000)
    assert abs(plane.car.read().speed) < 0.02


def test_pulls_as_asked() -> None:
    plane = Plane()
    plane.car.advance(200)
    plane.car.write(CarCommand(steering=0, acceleration=1.5))
    plane.car.advance(800)
    assert plane.car.read().speed == pytest.approx(6.0, rel=0.05)


def test_no_drift_on_a_straight() -> None:
    plane = Plane()
    plane.roll(15)
    plane.drive(20, 0, 15)
    assert abs(plane.data.qpos[plane.car.q_address + 1]) < 0.01


@pytest.mark.parametrize("timestep_s", [0.002, 0.005, 0.010])
def test_stable_at_every_time_step(timestep_s: float) -> None:
    plane = Plane(timestep_s)
    plane.roll(12)
    for tick in range(round(5 / TICK_S)):
        angle = 0.08 * np.sin(4 * tick * TICK_S)
        plane.drive(TICK_S, float(angle), 12)
        q = plane.data.qpos[plane.car.q_address : plane.car.q_address + 7]
        assert np.isfinite(q).all() and abs(q[2] - 0.32) < 0.05
        assert 1 - 2 * (q[4] ** 2 + q[5] ** 2) > 0.99


def test_front_wheels_share_the_turning_centre() -> None:
    for steering in (-0.5, -0.1, 0.1, 0.5):
        left, right = ackermann(steering)
        radius = WHEELBASE_M / np.tan(steering)
        assert WHEELBASE_M / np.tan(left) == pytest.approx(radius - TRACK_M / 2)
        assert WHEELBASE_M / np.tan(right) == pytest.approx(radius + TRACK_M / 2)
    assert ackermann(0.0) == (0.0, 0.0)


def test_random_tokens_stay_within_the_limits_and_silence_stops_the_car() -> None:
    tokenizer = KnotBinTokenizer(
        names=[field.name for field in CAR_BODY.action],
        lower=CAR_BODY.action_lower,
        upper=CAR_BODY.action_upper,
        max_rate=np.array([STEERING_RATE_RAD_S, 20.0]),
        rest=CAR_BODY.action_rest,
        rate_hz=CAR_BODY.control_hz,
        steps=CAR_BODY.chunk_steps,
    )
    plane, controller = Plane(), CarController()
    player = TokenPlayer(CAR_BODY, tokenizer, np.array([0.0, -2.0]))
    rng, last = np.random.default_rng(0), 0.0

    def step() -> None:
        nonlocal last
        command = player.next()
        for _ in range(5):
            state = plane.car.read()
            wanted = controller.tick(state, command)
            assert abs(wanted.steering) <= 0.52 and -6 <= wanted.acceleration <= 2
            assert abs(wanted.steering - last) <= STEERING_RATE_RAD_S * TICK_S + 1e-9
            last = wanted.steering
            plane.car.write(wanted)
            plane.car.advance(plane.steps)
        seen = controller.observe(plane.car.read(), command)
        assert seen.shape == (CAR_BODY.state_dim,) and np.isfinite(seen).all()

    for chunk in range(60):
        player.feed(rng.integers(0, tokenizer.vocab_size, tokenizer.n_tokens))
        for _ in range(CAR_BODY.executed_steps if chunk else CAR_BODY.chunk_steps):
            step()
    for _ in range(250):
        step()
    assert abs(plane.car.read().speed) < 0.02


def test_nonsense_is_refused() -> None:
    plane, controller = Plane(), CarController()
    for bad in (np.full(2, np.nan), np.zeros(3)):
        with pytest.raises(ValueError, match="2 finite command values"):
            controller.tick(plane.car.read(), bad)
    with pytest.raises(ValueError, match="finite steering"):
        plane.car.write(CarCommand(steering=float("nan"), acceleration=0))
