"""A passenger car for MuJoCo: body on springs, ellipsoid tyres, Ackermann steering.

Mesh wheels without suspension bounce and crab; an ellipsoid touches the plane in one
point, so that its friction acts like a tyre's.
"""

from __future__ import annotations

import mujoco

from brownfield.robot.car.body import CAR_BODY

WHEELBASE_M = 2.70
"""Distance between the axles [m]."""
TRACK_M = 1.56
"""Distance between the wheels of an axle [m]."""
WHEEL_RADIUS_M = 0.32
"""Height of the axles above the road [m]."""
MASS_KG = 1500.0
"""All of the car [kg]."""
WHEEL_INERTIA_KG_M2 = 1.0
"""One wheel about its axle [kg m^2]."""
WHEEL_DAMPING = 0.3
"""Drag of one wheel [Nm s/rad]."""
WHEELS = ("front_left", "front_right", "rear_left", "rear_right")
"""Order of the wheels."""
HALF_LENGTH_M, HALF_WIDTH_M = 2.2, 0.88
"""Half of the box that touches other things [m]."""
CENTRE_X_M = 1.35
"""The middle of that box ahead of the rear axle [m]."""

_UNSPRUNG_KG = 20.0
_STIFFNESS, _SUSPENSION_DAMPING = 35_000.0, 3_500.0


def car_spec() -> mujoco.MjSpec:
    """The car alone, its body `car` and all else prefixed by what it is attached with.

    The origin is the middle of the rear axle; x points forward, y to the left. Motors
    `drive_<wheel>` turn the wheels [Nm], `steer_<wheel>` hold angles [rad]. The chassis
    touches only geoms of `contype` 2, tyres only those of `contype` 1 (the road).
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    body = spec.worldbody.add_body(name="car", pos=[0, 0, WHEEL_RADIUS_M])
    body.add_freejoint(name="car")
    body.explicitinertial = True
    body.mass = MASS_KG - 4 * _UNSPRUNG_KG
    body.ipos = [1.30, 0, 0.20]
    body.inertia = [500, 2200, 2400]
    body.add_geom(
        name="chassis",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[HALF_LENGTH_M, HALF_WIDTH_M, 0.32],
        pos=[CENTRE_X_M, 0, 0.28],
        rgba=[0.8, 0.1, 0.1, 1],
        mass=0,
        contype=4,
        conaffinity=2,
    )
    body.add_geom(
        name="cabin",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[1.1, 0.78, 0.27],
        pos=[1.0, 0, 0.85],
        rgba=[0.15, 0.18, 0.22, 1],
        mass=0,
        contype=0,
        conaffinity=0,
    )
    # The camera sits over the bonnet, nine degrees down; behind the car is one for us.
    body.add_camera(
        name=CAR_BODY.cameras[0].name,
        pos=[2.9, 0, 1.35],
        xyaxes=[0, -1, 0, 0.16, 0, 1],
        fovy=CAR_BODY.cameras[0].fovy_deg,
    )
    body.add_camera(
        name="chase", pos=[-7, 0, 3.2], xyaxes=[0, -1, 0, 0.35, 0, 1], fovy=60
    )
    for wheel in WHEELS:
        _add_wheel(spec, body, wheel)
    return spec


def _add_wheel(spec: mujoco.MjSpec, body: mujoco.MjsBody, wheel: str) -> None:
    x = WHEELBASE_M if wheel.startswith("front") else 0.0
    y = TRACK_M / 2 if wheel.endswith("left") else -TRACK_M / 2
    carrier = _part(body, f"carrier_{wheel}", 5.0, [0.2, 0.2, 0.2])
    carrier.pos = [x, y, 0]
    # The spring is shortened so that the car rests where it was drawn.
    sag = (MASS_KG - 4 * _UNSPRUNG_KG) * 9.81 / 4 / _STIFFNESS
    carrier.add_joint(
        name=f"spring_{wheel}",
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=[0, 0, 1],
        stiffness=[_STIFFNESS, 0, 0],
        damping=[_SUSPENSION_DAMPING, 0, 0],
        springref=-sag,
        range=[-0.12, 0.12],
        limited=True,
    )
    holder, rim_kg = carrier, 15.0
    if x:
        holder = _part(carrier, f"knuckle_{wheel}", 1.0, [0.1, 0.1, 0.1])
        holder.add_joint(
            name=f"steer_{wheel}",
            type=mujoco.mjtJoint.mjJNT_HINGE,
            axis=[0, 0, 1],
            range=[-0.75, 0.75],
            limited=True,
            damping=[80, 0, 0],
            armature=5,
        )
        servo = spec.add_actuator(
            name=f"steer_{wheel}",
            target=f"steer_{wheel}",
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
        )
        servo.set_to_position(kp=20_000, kv=1_200)
        servo.ctrlrange, servo.ctrllimited = [-0.7, 0.7], True
        rim_kg = 14.0
    rim = _part(holder, f"wheel_{wheel}", rim_kg, [0.6, WHEEL_INERTIA_KG_M2, 0.6])
    rim.add_joint(
        name=f"drive_{wheel}",
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=[0, 1, 0],
        damping=[WHEEL_DAMPING, 0, 0],
    )
    rim.add_geom(
        name=f"tyre_{wheel}",
        type=mujoco.mjtGeom.mjGEOM_ELLIPSOID,
        size=[WHEEL_RADIUS_M, 0.11, WHEEL_RADIUS_M],
        mass=0,
        contype=8,
        conaffinity=1,
        friction=[1.0, 0.01, 0.001],
        condim=3,
        priority=1,
        rgba=[0.05, 0.05, 0.05, 1],
    )
    motor = spec.add_actuator(
        name=f"drive_{wheel}",
        target=f"drive_{wheel}",
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
    )
    motor.set_to_motor()


def _part(
    parent: mujoco.MjsBody, name: str, mass_kg: float, inertia: list[float]
) -> mujoco.MjsBody:
    part = parent.add_body(name=name)
    part.explicitinertial, part.mass, part.inertia = True, mass_kg, inertia
    return part
