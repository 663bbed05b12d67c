"""A ladder for a robot that nobody has recorded: nothing in it comes from data.

Cosines in time, every joint for itself, and amplitudes that fall with frequency as
those of smooth motion do. It costs more tokens than one that was fitted; the classes
of its gain span everything from trembling to the whole range of a joint.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dct

from brownfield.tokenizers.embedded_quantizer import distortion
from brownfield.tokenizers.gray_slots import SlotTable, allocate
from brownfield.tokenizers.ladder_model import FINEST, GAINS, LadderModel
from brownfield.tokenizers.onset_spline import OnsetSpline

CONTROLS_PER_S = 14.0
"""Control points per second: what human motion on a humanoid needs."""
FALL = 2.0
"""Power by which amplitudes fall with frequency: those of a motion with continuous
velocity and jumps in acceleration fall with the second or faster."""
LARGEST, SMALLEST = 0.5, 0.5 / 2**6
"""Amplitudes (RMS, normalised) of the two outermost classes of the gain."""


def universal_model(
    steps: int, horizon_s: float, joints: int, vocab_size: int, max_slots: int
) -> LadderModel:
    """A ladder without a fit.

    Args:
        steps: rows of a chunk (T).
        horizon_s: time of the last row [s].
        joints: fields that move (J).
        vocab_size: ids of a slot.
        max_slots: most slots.
    """
    n_control = max(5, min(steps + 2, 3 + round(CONTROLS_PER_S * horizon_s)))
    times = np.arange(1, steps + 1) / steps * horizon_s
    phi = OnsetSpline(n_control, horizon_s)(times)
    u, s, vt = np.linalg.svd(phi, full_matrices=False)
    keep = s > 1e-9 * s[0]
    u, to_spline = u[:, keep], (vt[keep] / s[keep, None]).T
    cosines = dct(np.eye(steps), axis=0, norm="ortho").T[:, : u.shape[1]]
    turn = np.linalg.qr(u.T @ np.asarray(cosines))[0]
    modes = turn.shape[1]
    amplitude = (1.0 + np.arange(modes)) ** -FALL
    amplitude *= np.sqrt(steps / (amplitude**2).sum())
    gain = np.geomspace(SMALLEST, LARGEST, GAINS)
    scale = np.repeat(amplitude / np.sqrt(2), joints)
    floor = (FINEST / gain.max()) ** 2 * steps * joints
    slots = allocate(scale, GAINS, vocab_size, max_slots, floor)
    table = SlotTable(slots, vocab_size)
    left = np.ones((len(slots) + 1, len(scale)))
    for i, known in enumerate(table.cells_known):
        left[i, table.refined] = [distortion(int(m)) for m in known]
    error = np.sqrt((left * 2 * scale**2).sum(1) / (steps * joints))
    return LadderModel(
        n_control=n_control,
        horizon_s=horizon_s,
        time_map=to_spline @ turn,
        time_read=turn.T @ u.T,
        joint_map=np.eye(joints),
        gain_edges=np.log2(np.sqrt(gain[1:] * gain[:-1])),
        gain=gain,
        scale=scale,
        slots=slots,
        error=gain[:, None] * error,
    )
