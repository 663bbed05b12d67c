"""NumPy or torch: what one piece of arithmetic needs of either."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


class ArrayKind:
    """NumPy in float64, or torch in the type and on the device of a tensor."""

    def __init__(self, like: torch.Tensor | None = None) -> None:
        self.like = like
        self.xp: Any = np if like is None else torch

    @classmethod
    def of(cls, *values: Any) -> ArrayKind:
        """Torch where any value is a floating tensor, the kind of the first one."""
        for value in values:
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                return cls(value)
        return cls()

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two kinds the same."""
        return () if self.like is None else (self.like.dtype, self.like.device)

    def put(self, array: Any) -> Any:
        """An array in this kind; whole numbers become int64."""
        if self.like is None:
            array = array.cpu().numpy() if isinstance(array, torch.Tensor) else array
            array = np.ascontiguousarray(array)
            return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        tensor = torch.as_tensor(np.array(array) if _foreign(array) else array)
        whole = not tensor.is_floating_point()
        return tensor.to(self.like.device, torch.int64 if whole else self.like.dtype)

    def whole(self, values: Any) -> Any:
        """int64, cut towards zero."""
        return values.astype(np.int64) if self.like is None else values.long()

    def joined(self, parts: list[Any], axis: int) -> Any:
        """Concatenated."""
        if self.like is None:
            return np.concatenate(parts, axis)
        return torch.cat(parts, axis)

    def take(self, values: Any, index: Any) -> Any:
        """values[index] along the first axis, for any shape of index."""
        if self.like is None:
            return values.take(index, 0)
        # Four times as fast as indexing, on a CPU.
        rows = values.index_select(0, index.reshape(-1))
        return rows.reshape(*index.shape, *values.shape[1:])

    def zeros(self, *shape: int) -> Any:
        """Floating zeros."""
        if self.like is None:
            return np.zeros(shape)
        return torch.zeros(shape, dtype=self.like.dtype, device=self.like.device)

    def batch_last(self, values: Any) -> Any:
        """(B, T, D) as (T, D, B)."""
        if self.like is None:
            return np.ascontiguousarray(values.transpose(1, 2, 0))
        return values.permute(1, 2, 0).contiguous()

    def batch_first(self, values: Any) -> Any:
        """(T, D, B) as (B, T, D)."""
        if self.like is None:
            return values.transpose(2, 0, 1)
        return values.permute(2, 0, 1)


def _foreign(array: Any) -> bool:
    return not isinstance(array, torch.Tensor)
