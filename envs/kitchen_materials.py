"""What counters, walls and floors look like; some of it is never recorded with."""

from __future__ import annotations

import mujoco

_T = mujoco.mjtBuiltin
_M = mujoco.mjtMark
COUNTERS = (
    ("white", _T.mjBUILTIN_FLAT, _M.mjMARK_NONE, (0.86, 0.86, 0.83), (0.8, 0.8, 0.8)),
    (
        "granite",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_RANDOM,
        (0.35, 0.35, 0.37),
        (0.7, 0.7, 0.7),
    ),
    (
        "marble",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_RANDOM,
        (0.88, 0.87, 0.85),
        (0.6, 0.6, 0.62),
    ),
    (
        "oak",
        _T.mjBUILTIN_GRADIENT,
        _M.mjMARK_NONE,
        (0.72, 0.52, 0.32),
        (0.6, 0.42, 0.25),
    ),
    (
        "walnut",
        _T.mjBUILTIN_GRADIENT,
        _M.mjMARK_NONE,
        (0.42, 0.27, 0.17),
        (0.3, 0.2, 0.12),
    ),
    ("slate", _T.mjBUILTIN_FLAT, _M.mjMARK_NONE, (0.24, 0.26, 0.28), (0.2, 0.2, 0.2)),
    ("tiles", _T.mjBUILTIN_FLAT, _M.mjMARK_EDGE, (0.75, 0.73, 0.68), (0.5, 0.48, 0.45)),
    ("steel", _T.mjBUILTIN_FLAT, _M.mjMARK_NONE, (0.62, 0.64, 0.66), (0.6, 0.6, 0.6)),
    (
        "terrazzo",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_RANDOM,
        (0.7, 0.64, 0.6),
        (0.35, 0.3, 0.3),
    ),
)
"""Counter materials: name, pattern, marks, the pattern's two colours."""
WALLS = (
    (
        "blue-grey",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_NONE,
        (0.8, 0.86, 0.88),
        (0.8, 0.8, 0.8),
    ),
    ("cream", _T.mjBUILTIN_FLAT, _M.mjMARK_NONE, (0.93, 0.89, 0.78), (0.9, 0.9, 0.8)),
    ("sage", _T.mjBUILTIN_FLAT, _M.mjMARK_NONE, (0.62, 0.7, 0.6), (0.6, 0.7, 0.6)),
    (
        "terracotta",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_NONE,
        (0.76, 0.5, 0.4),
        (0.7, 0.5, 0.4),
    ),
    (
        "white tiles",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_EDGE,
        (0.92, 0.92, 0.92),
        (0.6, 0.6, 0.6),
    ),
    (
        "green tiles",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_EDGE,
        (0.4, 0.58, 0.52),
        (0.8, 0.82, 0.8),
    ),
    (
        "checks",
        _T.mjBUILTIN_CHECKER,
        _M.mjMARK_NONE,
        (0.8, 0.78, 0.72),
        (0.68, 0.66, 0.6),
    ),
    (
        "plaster",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_RANDOM,
        (0.78, 0.76, 0.74),
        (0.66, 0.64, 0.6),
    ),
    ("navy", _T.mjBUILTIN_FLAT, _M.mjMARK_NONE, (0.2, 0.26, 0.38), (0.2, 0.2, 0.3)),
)
"""Wall materials, as `COUNTERS`."""
UNSEEN_COUNTERS = (
    (
        "bamboo",
        _T.mjBUILTIN_CHECKER,
        _M.mjMARK_NONE,
        (0.85, 0.74, 0.5),
        (0.8, 0.68, 0.42),
    ),
    (
        "copper",
        _T.mjBUILTIN_GRADIENT,
        _M.mjMARK_NONE,
        (0.72, 0.42, 0.28),
        (0.5, 0.3, 0.2),
    ),
    (
        "verde",
        _T.mjBUILTIN_FLAT,
        _M.mjMARK_RANDOM,
        (0.16, 0.3, 0.24),
        (0.5, 0.62, 0.55),
    ),
)
"""Counter materials that nothing is recorded with."""
UNSEEN_WALLS = (
    ("brick", _T.mjBUILTIN_CHECKER, _M.mjMARK_EDGE, (0.6, 0.3, 0.24), (0.5, 0.24, 0.2)),
    ("mustard", _T.mjBUILTIN_FLAT, _M.mjMARK_NONE, (0.85, 0.66, 0.2), (0.8, 0.6, 0.2)),
    (
        "plum",
        _T.mjBUILTIN_GRADIENT,
        _M.mjMARK_NONE,
        (0.42, 0.22, 0.36),
        (0.3, 0.16, 0.28),
    ),
)
"""Wall materials that nothing is recorded with."""
MATERIALS = {"train": (COUNTERS, WALLS), "unseen": (UNSEEN_COUNTERS, UNSEEN_WALLS)}
"""Tables of counters and walls by name."""
