"""Was an action tokenizer fitted for the body that is to speak it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike


class Fitted(Protocol):
    """What a tokenizer remembers of the body that it was fitted for."""

    @property
    def names(self) -> tuple[str, ...]:
        """Fields (D), in order."""
        ...

    @property
    def rate_hz(self) -> float:
        """Commands per second [Hz]."""
        ...

    @property
    def limits(self) -> dict[str, Any]:
        """Of `lower`, `upper`, `max_rate` and `rest` those (D,) that it keeps to."""
        ...


def check_body(
    tokenizer: Fitted, names: Sequence[str], rate_hz: float, **limits: ArrayLike
) -> None:
    """Make sure that a tokenizer was fitted for a body.

    Args:
        tokenizer: any action tokenizer.
        names: the body's fields (D), in order.
        rate_hz: the body's commands per second [Hz].
        limits: the body's `lower`, `upper`, `max_rate`, `rest` (D,); those that the
            tokenizer knows nothing of are not compared.

    Raises:
        ValueError: says what differs: names, their order, rate or a limit.
    """
    if tuple(names) != tuple(tokenizer.names):
        raise ValueError(
            f"the action tokenizer is for the fields {list(tokenizer.names)}, the body "
            f"has {list(names)}"
        )
    if rate_hz != tokenizer.rate_hz:
        raise ValueError(
            f"the action tokenizer was fitted at {tokenizer.rate_hz} Hz, the body has "
            f"{rate_hz}"
        )
    for what, own in tokenizer.limits.items():
        if what not in limits:
            continue
        other = np.asarray(limits[what], float)
        same = np.isclose(own, other, rtol=0, atol=1e-9, equal_nan=True)
        if not same.all():
            i = int(np.argmin(same))
            raise ValueError(
                f"{what} of {names[i]}: the action tokenizer has {own[i]}, the body "
                f"{other[i]}"
            )
