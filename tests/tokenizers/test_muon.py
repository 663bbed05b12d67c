"""Laws of orthogonalised steps."""

import pytest
import torch

from brownfield.tokenizers.muon import Muon, orthogonal


@pytest.mark.parametrize("halves", [False, True])
@pytest.mark.parametrize("shape", [(5, 5), (16, 40), (40, 16)])
def test_singular_values_become_about_one(shape: tuple[int, int], halves: bool) -> None:
    torch.manual_seed(0)
    found = orthogonal(torch.randn(shape) * 1e3, halves)
    values = torch.linalg.svdvals(found)
    assert found.shape == shape and 0.6 < values.min() and values.max() < 1.3


def test_no_gradient_is_no_step() -> None:
    assert not orthogonal(torch.zeros(3, 4)).any()


@pytest.mark.parametrize("shape", [(24, 40), (40, 24), (24, 6, 3, 3)])
def test_steps_are_those_of_the_library(shape: tuple[int, ...]) -> None:
    """Theirs are in half precision, and of matrices only."""
    torch.manual_seed(0)
    ours = torch.randn(shape, requires_grad=True)
    theirs = ours.detach().flatten(1).clone().requires_grad_()
    before = theirs.detach().clone()
    mine = Muon([ours], lr=1e-2, weight_decay=0.1)
    library = torch.optim.Muon(
        [theirs], lr=1e-2, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(4):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.flatten(1)
        mine.step()
        library.step()
    moved = (theirs - before).norm()
    assert (ours.flatten(1) - theirs).norm() < 0.05 * moved


def test_refuses_vectors() -> None:
    with pytest.raises(ValueError, match="expected matrices and convolutions"):
        Muon([torch.zeros(3)])


def test_a_closure_computes_the_gradients() -> None:
    weight = torch.ones(3, 4, requires_grad=True)
    optimizer = Muon([weight], lr=1e-2)

    def closure() -> float:
        loss = weight.square().sum()
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) == 12
    assert (weight < 1).all()
