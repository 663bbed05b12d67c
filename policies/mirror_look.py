"""A running policy that looks into a mirror too.

What was learned from episodes in a mirror answers the mirrored look as well as the look
itself, and errs in another way. So both are answered, and what is likely is the mean of
the two. With the two exchanged that mean is mirrored, exactly: a mean over a group of
symmetries is equivariant, whatever is averaged (Yarotsky 2022, "Universal
approximations of invariant maps by neural networks", section 2). What is drawn from it
is not.

Shapes: rows 0 and 1 of a batch are the look and the mirrored one.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brownfield.policies.mirror import check_mirror, exchange
from brownfield.policies.recall import Memory
from brownfield.robot.body import Body


class MirrorLook:
    """Left and right exchanged, one look at a time."""

    def __init__(self, body: Body) -> None:
        """Raises: ValueError: the body's commands are for one side."""
        check_mirror(body.name)
        self._state = exchange([field.name for field in body.state])
        self._action = exchange([field.name for field in body.action])

    def states(self, state: NDArray[np.float32]) -> NDArray[np.float32]:
        """A state (S,) as two rows (2, S)."""
        order, sign = self._state
        return np.stack([state, state[order] * sign])

    def commands(self, command: NDArray[np.float32]) -> NDArray[np.float32]:
        """A command or its velocity (D,) as two rows (2, D)."""
        order, sign = self._action
        return np.stack([command, command[order] * sign])

    def frames(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame (H, W, 3) as two (2, H, W, 3)."""
        return np.stack([frame, frame[:, ::-1]])

    def memory(self, memory: Memory | None) -> Memory | None:
        """Two rows of earlier looks, whose ways `moved` are the first row's both."""
        if memory is None:
            return None
        sign = memory.moved.new_tensor([[[1.0, 1.0, 1.0]], [[1.0, -1.0, -1.0]]])
        return memory._replace(moved=memory.moved * sign)

    def mean(self, logits: Tensor) -> Tensor:
        """Logits of a block (2, K, bins), knot by knot -> logits (1, K, bins) of the
        mean of what both rows find likely, as the first one sees it.

        The middle id of a field means rest or no change, and those on both sides of it
        are alike.
        """
        order, sign = self._action
        rows = logits.float().softmax(-1).unflatten(1, (-1, len(order)))
        back = rows[1][:, torch.from_numpy(order).to(rows.device)]
        turned = torch.from_numpy(sign < 0).to(rows.device)[:, None]
        back = torch.where(turned, back.flip(-1), back)
        mean = (rows[0] + back) / 2
        return mean.clamp_min(1e-12).log().flatten(0, 1)[None]
