"""BYOL's loss: its values by hand, its convention for several views, and the target it needs."""

from itertools import permutations
from math import cos, pi, sin

import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.objectives import Bootstrap, InfoNCE, ReLIC


def outputs(n_views: int, *shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(n_views)]


def test_it_is_the_sum_of_two_directions_and_the_mean_over_the_batch() -> None:
    # Angles between prediction and target: 60 and 90 degrees one way, 0 and 180 the other.
    def at(*angles: float) -> Tensor:
        return torch.tensor([[cos(a), sin(a)] for a in angles], dtype=torch.float64)

    o1, t2 = at(0, 0), at(pi / 3, pi / 2)
    o2, t1 = 7 * at(1, 2), 0.1 * at(1, 2 + pi)
    by_hand = ((2 - 2 * 0.5) + (2 - 2 * 0)) / 2 + (0 + 4) / 2
    assert Bootstrap()([o1, o2], target=[t1, t2])["loss"].item() == pytest.approx(by_hand)


def test_more_views_average_the_sum_of_both_directions_over_pairs() -> None:
    drawn = outputs(6, 8, 4)
    online, target = drawn[:3], drawn[3:]
    ordered = [
        (2 - 2 * torch.cosine_similarity(online[k], target[j])).mean()
        for k, j in permutations(range(3), 2)
    ]
    assert Bootstrap()(online, target)["loss"].item() == pytest.approx(sum(ordered).item() / 3)


def test_gradients_match_finite_differences() -> None:
    views = [view.requires_grad_() for view in outputs(4, 2, 5, 3)]
    assert torch.autograd.gradcheck(lambda a, b, c, d: Bootstrap()([a, b], [c, d])["loss"], views)


def test_neither_the_order_nor_the_length_of_outputs_matters() -> None:
    views, order = outputs(4, 8, 4), torch.tensor([3, 1, 0, 2, 7, 6, 5, 4])
    before = Bootstrap()(views[:2], views[2:])["loss"]
    moved = [view[order] for view in views]
    assert torch.allclose(Bootstrap()(moved[:2], moved[2:])["loss"], before, rtol=1e-12)
    longer = [(k + 2.0) * view for k, view in enumerate(views)]
    assert torch.allclose(Bootstrap()(longer[:2], longer[2:])["loss"], before, rtol=1e-12)
    mismatched = Bootstrap()(views[:2], moved[2:])["loss"]
    assert not torch.allclose(mismatched, before, rtol=1e-3)


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e12])
def test_extreme_outputs_are_finite(scale: float) -> None:
    views = [(scale * view.float()).requires_grad_() for view in outputs(4, 8, 4)]
    loss = Bootstrap()(views[:2], views[2:])["loss"]
    assert loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, views))


def test_equal_directions_are_0_exactly_and_never_below() -> None:
    views = [view.float() for view in outputs(1, 100, 16)] * 2
    assert Bootstrap()(views, target=views)["loss"].item() == 0


def test_a_call_without_target_is_refused_by_it_alone() -> None:
    assert Bootstrap().needs_target
    assert not InfoNCE().needs_target
    assert not ReLIC().needs_target
    views = outputs(2, 8, 4)
    with pytest.raises(InputError, match=r"no target: .* Bootstrap .*give target="):
        Bootstrap()(views)
    with pytest.raises(InputError, match="no batch of negatives"):
        Bootstrap()(views, target=views, negatives=views[0])
