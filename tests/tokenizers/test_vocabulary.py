from pathlib import Path

import pytest

from brownfield.tokenizers.vocabulary import MODES, Vocabulary


def vocabulary(**changes) -> Vocabulary:
    sizes = {"state_size": 256, "value_size": 255, "action_size": 127}
    names = {"bodies": ("g1",), "cameras": ("head",), "hashes": {"video": "ab"}}
    return Vocabulary(**{**sizes, "video_size": 1000, **names, **changes})


KINDS = ("text", "special", "state", "value", "action", "video")


@pytest.mark.parametrize("action_size", [1, 127, 1024])
def test_ranges_are_disjoint_and_leave_no_gap(action_size: int) -> None:
    words = vocabulary(action_size=action_size)
    ids = [i for kind in KINDS for i in getattr(words, kind)]
    assert ids == list(range(len(ids)))
    assert len(words.action) == action_size and len(words.text) == 256
    assert words.size % 128 == 0 and 0 <= words.size - len(ids) < 128


def test_every_id_has_its_own_name() -> None:
    words = vocabulary()
    names = [words.name(i) for i in range(words.video.stop)]
    assert len(set(names)) == len(names)
    assert all(words.marker(words.name(i)) == i for i in words.special)
    assert {words.name(i) for i in range(words.video.stop, words.size)} == {"padding"}
    assert set(MODES) <= {words.name(i) for i in words.special}


def test_survives_the_disk(tmp_path: Path) -> None:
    words = vocabulary(cameras=("head", "wrist"))
    words.save(tmp_path / "vocabulary")
    assert Vocabulary.load(tmp_path / "vocabulary") == words
    assert Vocabulary.load(tmp_path / "vocabulary") != vocabulary()


def test_refuses_other_tokenizers() -> None:
    words = vocabulary()
    words.check_hashes({"video": "ab"})
    with pytest.raises(ValueError, match="video tokenizer: expected hash ab, got cd"):
        words.check_hashes({"video": "cd"})
    with pytest.raises(ValueError, match="video tokenizer"):
        words.check_hashes({})
    with pytest.raises(ValueError, match="action tokenizer"):
        words.check_hashes({"video": "ab", "action": "cd"})


def test_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(ValueError, match="video_size must be positive"):
        vocabulary(video_size=0)
    with pytest.raises(ValueError, match="cameras"):
        vocabulary(cameras=("head", "head"))
    with pytest.raises(ValueError, match="bodies"):
        vocabulary(bodies=())
    with pytest.raises(ValueError, match="no special token 'fly'; there are: bos"):
        vocabulary().marker("fly")
    with pytest.raises(ValueError, match="expected an id in"):
        vocabulary().name(-1)
