from pathlib import Path

import numpy as np
import pytest

from brownfield.tokenizers.text import ByteTokenizer


@pytest.mark.parametrize(
    "text", ["pick up the coffee cup", "Nimm die Tasse für Zoë", "拿起咖啡杯", "a" * 64]
)
def test_decode_inverts_encode(text: str) -> None:
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int64 and len(ids) == len(text.encode())
    assert tokenizer.decode(ids) == text


def test_any_bytes_decode() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        assert isinstance(ByteTokenizer().decode(rng.integers(0, 256, 64)), str)
    assert ByteTokenizer().decode(np.array([], int)) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got an empty one"),
        (" \n\t", "got an empty one"),
        ("x" * 65, "at most 64 bytes, got 65"),
        ("ü" * 33, "at most 64 bytes, got 66"),
        ("x" * 10_000, "at most 64 bytes, got 10000"),
        ("cup \ud800", "not valid Unicode"),
    ],
)
def test_says_what_is_wrong_with_a_prompt(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ByteTokenizer().encode(text)


def test_refuses_ids_that_are_no_bytes() -> None:
    with pytest.raises(ValueError, match=r"expected ids in 0\.\.255, got 3\.\.256"):
        ByteTokenizer().decode(np.array([3, 256]))
    with pytest.raises(ValueError, match="max_bytes must be positive"):
        ByteTokenizer(0)


def test_survives_the_disk(tmp_path: Path) -> None:
    ByteTokenizer(12).save(tmp_path / "text")
    assert ByteTokenizer.load(tmp_path / "text").max_bytes == 12
