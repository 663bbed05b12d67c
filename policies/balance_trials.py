"""Trials of a balance policy: walking about, being pushed, standing, stopping.

Every trial takes a seed and gives the same body, floor, commands, arm motions and
pushes to whoever is tried, so that two policies can be compared in pairs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from brownfield.policies.balance_sim import BalanceSim
from brownfield.robot.g1.balance import TICK_HZ
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.g1.joints import DEFAULT_POSE
from brownfield.robot.g1.upper_body import REACHING_ARM

Array = NDArray[np.float64]
Act = Callable[[dict[str, Array]], Array]
"""Readings of `BalanceSim.observe` to a raw output (15,)."""

SEGMENT_TICKS = 200
"""A command of `walk` lasts this long [ticks of 20 ms]."""
SETTLE_TICKS = 75
"""Ticks after a new command that do not count for the mean speed."""
QUIET_SPEED, QUIET_TURN = 0.07, 0.25
"""Speed [m/s] and angular velocity per axis [rad/s] of a body that may reach."""


def _begin(sim: BalanceSim, seed: tuple[int, ...]) -> None:
    sim.rng = np.random.default_rng(seed)
    sim.reset()


def walk(sim: BalanceSim, act: Act, seed: tuple[int, ...], seconds: float) -> dict:
    """Random commands, both arms moving, pushes.

    Returns:
        `fell`: time [s] or None; `error` (3,): mean |command - velocity| of every
        tick; `speed_error` (3,): mean over the commands of
        |command - mean velocity|. Axes: forward, left [m/s], turning [rad/s].
    """
    _begin(sim, seed)
    rng, most_push = sim.rng, sim.config.push_speed
    lower, upper = G1_BODY.action_lower[:3], G1_BODY.action_upper[:3]
    errors: list[Array] = []
    velocities: list[Array] = []
    segments: list[Array] = []
    fell = None
    for tick in range(int(seconds * TICK_HZ)):
        if tick % SEGMENT_TICKS == 0:
            sim.new_command()
            sim.command = np.clip(sim.command, lower, upper)
            velocities = []
        if tick % 90 == 45:
            sim.new_arm_goal()
        if rng.random() < sim.config.push_rate_hz / TICK_HZ:
            sim.push(rng.uniform(-most_push, most_push, 2))
        if sim.step(act(sim.observe())):
            fell = (tick + 1) / TICK_HZ
            break
        velocity, _ = sim.motion()
        errors.append(np.abs(sim.command - velocity))
        velocities.append(velocity)
        if len(velocities) == SEGMENT_TICKS:
            mean = np.mean(velocities[SETTLE_TICKS:], axis=0)
            segments.append(np.abs(sim.command - mean))
    return {
        "fell": fell,
        "error": np.mean(errors, axis=0).tolist(),
        "speed_error": np.mean(segments, axis=0).tolist() if segments else None,
    }


def push(
    sim: BalanceSim, act: Act, heading: float, forward: float, step: float = 0.1
) -> dict:
    """Ever harder pushes towards `heading` [rad] until one throws the robot over.

    Returns:
        `survived`: the last change of velocity before the fatal one [m/s].
    """
    direction = np.array([np.cos(heading), np.sin(heading)])
    count = 4
    while count * step < 3.0:
        _begin(sim, (0,))
        sim.command = np.array([forward, 0.0, 0.0])
        fell = False
        for tick in range(5 * TICK_HZ):
            if tick == 2 * TICK_HZ:
                sim.push(direction * (count + 1) * step)
            fell = sim.step(act(sim.observe()))
            if fell:
                break
        if fell:
            break
        count += 1
    return {"survived": round(count * step, 3)}


def stand(sim: BalanceSim, act: Act, seed: tuple[int, ...], seconds: float) -> dict:
    """No command and no pushes, both arms moving.

    Returns:
        `fell`: time [s] or None; `drift` [m] and `turn` [rad] since the first second.
    """
    _begin(sim, seed)
    start, place = np.zeros(3), np.zeros(3)
    for tick in range(int(seconds * TICK_HZ)):
        if tick % 90 == 45:
            sim.new_arm_goal()
        if sim.step(act(sim.observe())):
            return {"fell": (tick + 1) / TICK_HZ, "drift": None, "turn": None}
        _, place = sim.motion()
        if tick == TICK_HZ:
            start = place
    turn = (place[2] - start[2] + np.pi) % (2 * np.pi) - np.pi
    drift = float(np.hypot(*(place - start)[:2]))
    return {"fell": None, "drift": drift, "turn": abs(float(turn))}


def stop(sim: BalanceSim, act: Act, seed: tuple[int, ...]) -> dict:
    """Walk for three seconds, stop, and wait with the right arm reaching.

    Returns:
        `fell`; `quiet`: time from the stop until the body is quiet [s], or None
        within four seconds; `still` share of the last two seconds that it is quiet.
    """
    _begin(sim, seed)
    rng = sim.rng
    lower, upper = G1_BODY.action_lower[:3], G1_BODY.action_upper[:3]
    sim.command = rng.uniform(lower, upper) * rng.choice([0.25, 1.0])
    sim.arm_goal = DEFAULT_POSE[15:].copy()
    sim.arm_goal[7:] = REACHING_ARM
    quiet = []
    for tick in range(7 * TICK_HZ):
        if tick == 3 * TICK_HZ:
            sim.command = np.zeros(3)
        if sim.step(act(sim.observe())):
            return {"fell": (tick + 1) / TICK_HZ, "quiet": None, "still": 0.0}
        velocity, _ = sim.motion()
        turning = np.abs(sim.link.read().gyro).max()
        slow = np.hypot(*velocity[:2]) < QUIET_SPEED and turning < QUIET_TURN
        quiet.append(bool(slow))
    after = quiet[3 * TICK_HZ :]
    first = after.index(True) / TICK_HZ if any(after) else None
    return {"fell": None, "quiet": first, "still": float(np.mean(after[-100:]))}


def steady(sim: BalanceSim, act: Act, command: Array, seconds: float = 8.0) -> dict:
    """One command held, both arms moving.

    Returns:
        `velocity` (3,): the mean after two seconds [m/s, rad/s]; None after a fall.
    """
    _begin(sim, (0,))
    sim.command = np.asarray(command, dtype=np.float64)
    velocities = []
    for tick in range(int(seconds * TICK_HZ)):
        if tick % 90 == 45:
            sim.new_arm_goal()
        if sim.step(act(sim.observe())):
            return {"velocity": None}
        if tick >= 2 * TICK_HZ:
            velocities.append(sim.motion()[0])
    return {"velocity": np.mean(velocities, axis=0).tolist()}
