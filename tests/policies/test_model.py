"""Laws of the transformer's masks and packing."""

from dataclasses import replace

import pytest
import torch

from brownfield.policies.model import PAD_BYTE, ModelConfig, StreamTransformer
from brownfield.policies.port import PortConfig
from brownfield.policies.transformer import SquaredRelu, block_bias

SIZES = ModelConfig(width=32, layers=3, heads=2)
PORTS = {"g1": PortConfig(state_dim=7), "car": PortConfig(state_dim=7, action_dim=2)}


@pytest.fixture(scope="module")
def trunk() -> StreamTransformer:
    torch.manual_seed(0)
    return StreamTransformer(SIZES, PORTS).double().eval()


def _inputs(batch: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    codes = torch.rand(batch, 4, 8, 8, generator=generator, dtype=torch.float64)
    state = torch.randn(batch, 7, generator=generator, dtype=torch.float64)
    text = torch.randint(0, 256, (2, 64), generator=generator)
    text[:, 40:] = PAD_BYTE
    return codes * 2 - 1, state, text


def test_bias_is_causal_between_blocks_and_full_inside() -> None:
    seen = block_bias([2, 1, 2], 1, torch.device("cpu")) == 0
    expected = [
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1],
    ]
    assert seen.int().tolist() == expected


def test_look_is_the_same_alone_and_in_a_batch(trunk: StreamTransformer) -> None:
    codes, state, text = _inputs()
    prompt = torch.tensor([1, 0, 1])
    together = trunk.look("g1", codes, state, trunk.prefix("g1", text), prompt)
    for row in range(3):
        own = trunk.prefix("g1", text[prompt[row]][None])
        alone = trunk.look("g1", codes[row][None], state[row][None], own)
        torch.testing.assert_close(alone.action[0], together.action[row])
        torch.testing.assert_close(alone.auxiliary[0], together.auxiliary[row])


def test_looks_do_not_depend_on_what_is_asked_for(trunk: StreamTransformer) -> None:
    """So that a prompt has to be read: its own column is all that it chooses."""
    codes, state, text = _inputs()
    prefix = trunk.prefix("g1", text)
    first, second = (
        trunk.look("g1", codes, state, prefix, torch.full((3,), i)) for i in (0, 1)
    )
    torch.testing.assert_close(first.likeness, second.likeness)
    torch.testing.assert_close(first.pointing, first.likeness[..., 0])
    torch.testing.assert_close(second.pointing, first.likeness[..., 1])
    assert (first.action - second.action).abs().max() > 1e-4


def test_prompts_that_differ_in_a_word_differ_from_the_start() -> None:
    """With small detectors all prompts looked alike and none was ever learned."""
    torch.manual_seed(0)
    trunk = StreamTransformer(SIZES, PORTS)
    texts = [b"pick up the cup", b"pick up the box", b"please take the box"]
    rows = torch.full((3, 64), PAD_BYTE)
    for row, words in zip(rows, texts, strict=True):
        row[: len(words)] = torch.tensor(list(words))
    codes, state, _ = _inputs()
    likeness = trunk.look(
        "g1", codes.float(), state.float(), trunk.prefix("g1", rows), torch.arange(3)
    ).likeness
    assert likeness.std(2).mean() > 0.1


def test_pruned_last_layer_equals_the_full_pass(trunk: StreamTransformer) -> None:
    """Leaving rows out of the last block changes nothing in the rows that stay."""
    torch.manual_seed(2)
    x = torch.randn(2, 5, 32, dtype=torch.float64)
    bias = block_bias([2, 1, 2], 0, x.device).double()
    whole, _ = trunk.blocks[0](x, None, bias)
    part, (key, _) = trunk.blocks[0](x, None, bias, slice(3, None))
    torch.testing.assert_close(part, whole[:, 3:])
    assert key.shape[2] == 5


def test_video_and_state_do_not_depend_on_what_follows(
    trunk: StreamTransformer,
) -> None:
    """Neither the queries nor the state reach back into keys of the video."""
    codes, state, text = _inputs()
    prefix, prompt = trunk.prefix("g1", text), torch.tensor([0, 1, 1])
    first = trunk.look("g1", codes, state, prefix, prompt)
    other = trunk.look("g1", codes, state + 1, prefix, prompt)
    n_before = prefix.past[0][0].shape[2] + SIZES.video_positions
    for (key, _), (key_other, _) in zip(first.past, other.past, strict=True):
        assert torch.equal(key[:, :, :n_before], key_other[:, :, :n_before])
    assert not torch.equal(first.action, other.action)


def test_world_sees_the_executed_ids_and_action_does_not(
    trunk: StreamTransformer,
) -> None:
    codes, state, text = _inputs()
    look = trunk.look("g1", codes, state, trunk.prefix("g1", text[:1]))
    executed = torch.zeros(3, PORTS["g1"].n_executed, dtype=torch.float64)
    still, moved = (
        trunk.world("g1", executed, look.past),
        trunk.world("g1", executed + 1, look.past),
    )
    assert still.video.shape == (3, 64, 23) and still.state.shape == (3, 7, 256)
    assert not torch.equal(still.video, moved.video)
    again = trunk.look("g1", codes, state, trunk.prefix("g1", text[:1]))
    assert torch.equal(look.action, again.action)


def test_bytes_are_guessed_from_earlier_bytes_only(trunk: StreamTransformer) -> None:
    _, _, text = _inputs()
    changed = text.clone()
    changed[:, 24:] = 65
    before, after = trunk.prefix("g1", text).text, trunk.prefix("g1", changed).text
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 4:], after[:, 4:])


def test_packing_keeps_cells_in_place(trunk: StreamTransformer) -> None:
    codes, _, _ = _inputs()
    packed = trunk._pack(codes)
    cells = trunk._unpack(packed)
    torch.testing.assert_close(cells, codes.flatten(2).transpose(1, 2))


def test_bodies_share_all_but_their_ports(trunk: StreamTransformer) -> None:
    codes, state, text = _inputs()
    ours = trunk.look("g1", codes, state, trunk.prefix("g1", text[:1]))
    theirs = trunk.look("car", codes, state, trunk.prefix("car", text[:1]))
    assert ours.action.shape == (3, 20, 127) and theirs.action.shape == (3, 4, 127)
    # What a place looks like, and what a word means, is the same to both.
    assert torch.equal(ours.likeness, theirs.likeness)
    ours.action.sum().backward()
    touched = {name for name, p in trunk.named_parameters() if p.grad is not None}
    trunk.zero_grad(set_to_none=True)
    assert any(name.startswith("ports.g1.") for name in touched)
    assert not any(name.startswith("ports.car.") for name in touched)


def test_an_unknown_body_is_named(trunk: StreamTransformer) -> None:
    with pytest.raises(ValueError, match="no body 'boat'; it has g1, car"):
        trunk.port("boat")
    with pytest.raises(ValueError, match="at least one body"):
        StreamTransformer(SIZES, {})


def test_squared_relu_has_the_right_gradient() -> None:
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SquaredRelu.apply, (x,))


def test_sizes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="width by heads"):
        ModelConfig(width=30, heads=4)
    with pytest.raises(ValueError, match="layers"):
        ModelConfig(layers=1)
    with pytest.raises(ValueError, match="video_blocks must be at least 0"):
        ModelConfig(video_blocks=-1)


def test_what_is_lent_to_a_part_is_seen_there() -> None:
    torch.manual_seed(0)
    sizes = replace(SIZES, video_levels=(8, 8, 8, 2), video_lent=1, video_shares=8)
    seeing = StreamTransformer(sizes, PORTS).eval()
    codes, state, text = (x.float() if x.is_floating_point() else x for x in _inputs())
    prefix = seeing.prefix("g1", text)
    prompt = torch.zeros(3, dtype=torch.long)

    def look() -> torch.Tensor:
        return seeing.look("g1", codes, state, prefix, prompt).auxiliary

    # Nothing is told in detail: what is lent says nothing.
    codes[:, -1] = -1
    plain = look()
    codes[:, -2, 0, 0] += 0.5
    assert torch.equal(look(), plain)
    # Once something is, the first of the lent channels belong to it.
    codes[:, -1, 3, 4] = 1
    told = look()
    codes[:, -2, 0, 0] -= 0.5
    assert not torch.allclose(look(), told)
    codes[:, -2, 7, 7] += 0.5
    assert not torch.equal(told, plain)


def test_codes_are_read_beside_their_neighbours_only_where_blocks_do() -> None:
    torch.manual_seed(0)
    for blocks in (0, 1):
        sizes = replace(SIZES, video_blocks=blocks, video_width=16)
        reading = StreamTransformer(sizes, PORTS).eval()
        for parameter in reading.video_reader.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        codes = _inputs()[0].float()
        before = reading.see(codes)[0]
        codes[:, :, 1, 1] += 0.5
        changed = (reading.see(codes)[0] != before).any(2)
        # Positions of 2 x 2 codes: the first holds the code, others are beside it.
        assert changed[:, 0].all() and not changed[:, 10].any()
        assert bool(changed[:, 1].all()) == bool(changed[:, 5].all()) == bool(blocks)
