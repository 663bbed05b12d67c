"""Ids and digits are two spellings of the same."""

import numpy as np
import pytest

from brownfield.tokenizers.action_bins import KnotBinTokenizer
from brownfield.tokenizers.action_tokenizers import (
    ACTION_TOKENIZERS,
    load_action_tokenizer,
)
from brownfield.tokenizers.id_digits import IdDigits

RNG = np.random.default_rng(0)
CHUNKS = np.cumsum(RNG.normal(0, 0.05, (300, 8, 3)), 1)
STILL = np.zeros((300, 3))


@pytest.mark.parametrize("name", ACTION_TOKENIZERS)
def test_rounded_places_are_the_digits_of_the_ids(name, tmp_path):
    codec = ACTION_TOKENIZERS[name][1].fit(CHUNKS, STILL, STILL, 10.0)
    ids, digits = codec.encode(CHUNKS, STILL, STILL), codec.digits
    assert ids.shape == (300, codec.n_tokens)
    motion = codec.decode(ids, STILL, STILL)
    assert np.sqrt(np.mean((motion - CHUNKS) ** 2)) < 0.05
    place = codec.places(CHUNKS, STILL, STILL)
    assert place.shape == (300, *digits.radix.shape)
    assert (place >= -0.5).all() and (place <= digits.radix - 0.5).all()
    rounded = np.minimum(np.floor(place + 0.5), digits.radix - 1)
    # Halves may be rounded either way, by one digit.
    assert np.abs(rounded - digits.of(ids)).max() <= (name != "ladder")
    assert np.mean(rounded == digits.of(ids)) > 0.99
    assert np.array_equal(digits.ids(digits.of(ids)), ids)
    values = digits.values(digits.of(ids))
    assert values.shape == (300, (digits.radix > 1).sum())
    assert np.abs(values).max() <= 1
    assert digits.quantity.shape == digits.radix.shape
    codec.save(tmp_path / "codec")
    loaded = load_action_tokenizer(tmp_path / "codec")
    assert type(loaded) is type(codec)
    assert np.array_equal(loaded.digits.of_id, digits.of_id)


def test_digits_of_one_quantity_divide_it():
    """Read as one number, the digits of a coefficient are as ordered as it is."""
    codec = ACTION_TOKENIZERS["ladder"][1].fit(CHUNKS, STILL, STILL, 10.0)
    digits = codec.digits
    said = digits.of(codec.encode(CHUNKS, STILL, STILL))
    place = codec.places(CHUNKS, STILL, STILL)
    real, shared = digits.radix > 1, 0
    for quantity in np.unique(digits.quantity[real]):
        own = real & (digits.quantity == quantity)
        cell = np.zeros(len(said))
        for digit, radix in zip(said[:, own].T, digits.radix[own], strict=True):
            cell = cell * radix + digit
        shared += own.sum() > 1
        # Without the coarser digits the coarsest one's place is the whole quantity's.
        whole = place[:, own][:, 0] + 0.5
        finer = np.prod(digits.radix[own][1:])
        assert np.abs(whole * finer - cell - 0.5).max() <= 0.5 + 1e-6
    assert shared > 1
    first = said[:, 0, 0]
    assert len(digits.gain) == digits.radix[0, 0]
    size = [np.abs(CHUNKS[first == g]).mean() for g in np.unique(first)]
    assert (np.diff(digits.gain) > 0).all() and np.argmax(size) == len(size) - 1


def test_ids_not_in_use_read_as_one_that_is():
    codec = ACTION_TOKENIZERS["ladder"][1].fit(CHUNKS, STILL, STILL, 10.0)
    digits, sizes = codec.digits, codec.slot_sizes
    most = np.full(codec.n_tokens, codec.vocab_size - 1)
    assert np.array_equal(digits.ids(digits.of(most)), sizes - 1)


def test_ids_of_the_wrong_kind_are_named():
    digits = IdDigits.plain(4, 9)
    assert digits.alike
    with pytest.raises(ValueError, match=r"0\.\.8, got 0 to 9"):
        digits.of([0, 1, 2, 9])
    with pytest.raises(ValueError, match="expected 4 ids"):
        digits.of([0, 1, 2])


def test_a_folder_of_something_else_is_refused(tmp_path):
    KnotBinTokenizer.fit(CHUNKS, STILL, STILL, 10.0).save(tmp_path / "codec")
    description = tmp_path / "codec" / "codec.json"
    description.write_text(description.read_text().replace("knot-bin", "other"))
    with pytest.raises(ValueError, match="was changed"):
        load_action_tokenizer(tmp_path / "codec")
