"""Slots: bijective, neighbours next to each other, dealt where they help."""

import numpy as np
import pytest

from brownfield.tokenizers.embedded_quantizer import distortion
from brownfield.tokenizers.gray_slots import (
    MAX_CELLS,
    MAX_DIGITS,
    Digit,
    SlotTable,
    allocate,
)

SCALE = np.geomspace(1.0, 0.01, 30)


@pytest.fixture(scope="module")
def slots():
    return allocate(SCALE, 8, 1024, 20, 1e-4)


def test_slots_fit_in_the_vocabulary(slots):
    assert slots[0][0] == Digit(-1, 8)
    cells = np.ones(len(SCALE), int)
    for slot in slots:
        assert 1 <= len(slot) <= MAX_DIGITS
        assert 512 <= np.prod([d.radix for d in slot]) <= 1024
        assert len({d.coefficient for d in slot}) == len(slot)
        for digit in slot:
            if digit.coefficient >= 0:
                cells[digit.coefficient] *= digit.radix
    assert cells.max() <= MAX_CELLS
    # Water-filling: cells in proportion to the scale, as far as radices allow.
    assert np.corrcoef(np.log(cells), np.log(SCALE))[0, 1] > 0.9


def test_dealing_ends_when_the_error_is_small():
    many = allocate(SCALE, 8, 1024, 100, 1e-9)
    few = allocate(SCALE, 8, 1024, 100, 0.05)
    assert len(few) < len(many)
    cells = np.ones(len(SCALE), int)
    for slot in few:
        for digit in slot:
            if digit.coefficient >= 0:
                cells[digit.coefficient] *= digit.radix
    left = (2 * SCALE**2 * [distortion(int(m)) for m in cells]).sum()
    assert left <= 0.05


def test_ids_and_digits_are_each_others_inverse(slots):
    table = SlotTable(slots, 1024)
    for i, size in enumerate(table.sizes):
        digits = table.digit_of_id[i, :size]
        assert len(np.unique(digits, axis=0)) == size
        own = np.zeros((size, len(slots), MAX_DIGITS), dtype=np.int64)
        own[:, i] = digits
        np.testing.assert_array_equal(table.ids(own)[:, i], np.arange(size))


def test_next_ids_differ_in_one_digit_by_one(slots):
    table = SlotTable(slots, 1024)
    for i, size in enumerate(table.sizes):
        step = np.abs(np.diff(table.digit_of_id[i, :size], axis=0))
        np.testing.assert_array_equal(step.sum(1), 1)


def test_ids_that_are_not_in_use_read_as_the_last(slots):
    table = SlotTable(slots, 1024)
    for i, size in enumerate(table.sizes):
        unused = table.digit_of_id[i, size:]
        last = table.digit_of_id[i, size - 1]
        np.testing.assert_array_equal(unused, np.broadcast_to(last, unused.shape))


def test_weights_put_digits_together(slots):
    table = SlotTable(slots, 1024)
    cell = np.zeros(len(table.refined), dtype=np.int64)
    for i in range(len(slots)):
        for j, digit in enumerate(slots[i]):
            if digit.coefficient >= 0:
                k = table.coefficient[i, j]
                cell[k] += (digit.radix - 1) * table.weight[i, j]
    np.testing.assert_array_equal(cell, table.cells - 1)
    np.testing.assert_array_equal(table.cells_left[-1], 1)
    np.testing.assert_array_equal(table.cells_known[0], 1)
