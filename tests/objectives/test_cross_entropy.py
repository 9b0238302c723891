"""The supervised loss against torch's on one view, over views and replicas, and what it refuses."""

from math import log

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from causal_ssl.errors import InputError
from causal_ssl.objectives import CrossEntropy

LABELS = torch.tensor([3, 0, 3, 1, 1, 3])  # class 2 of 4 is absent: numbers are kept, not ranks


def logits(n_views: int, *shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(n_views)]


@pytest.mark.parametrize("n_views", [1, 2, 3])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_the_mean_over_views_of_torchs(n_views: int, smoothing: float) -> None:
    views = [view.requires_grad_() for view in logits(n_views, 6, 4)]
    loss = CrossEntropy(label_smoothing=smoothing)(views, groups=LABELS)["loss"]
    per_view = [F.cross_entropy(view, LABELS, label_smoothing=smoothing) for view in views]
    expected = sum(per_view) / n_views
    assert torch.allclose(loss, expected, rtol=1e-12)
    for one, other in zip(
        torch.autograd.grad(loss, views), torch.autograd.grad(expected, views), strict=True
    ):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-15)


def test_replicas_get_what_they_get_alone() -> None:
    (views,) = logits(1, 2, 3, 6, 4)
    labels = torch.randint(4, (2, 3, 6), generator=torch.Generator().manual_seed(0))
    together = CrossEntropy()([views], groups=labels)["loss"]
    assert together.shape == (2, 3)
    for r in ((0, 1), (1, 2)):
        assert torch.allclose(together[r], CrossEntropy()([views[r]], groups=labels[r])["loss"])


def test_chance_is_log_k_the_order_is_free_and_small_integers_do() -> None:
    flat = CrossEntropy()([torch.zeros(6, 4)], groups=LABELS.to(torch.uint8))["loss"]
    assert flat.item() == pytest.approx(log(4))
    (view,) = logits(1, 6, 4)
    before = CrossEntropy()([view], groups=LABELS)["loss"]
    assert torch.allclose(CrossEntropy()([view.flip(0)], groups=LABELS.flip(0))["loss"], before)
    assert not torch.allclose(CrossEntropy()([view], groups=LABELS.flip(0))["loss"], before)


def test_extreme_logits_are_finite() -> None:
    (view,) = ((1e6 * view.float()).requires_grad_() for view in logits(1, 6, 4))
    loss = CrossEntropy(label_smoothing=0.1)([view], groups=LABELS)["loss"]
    loss.backward()
    assert loss.isfinite()
    assert view.grad.isfinite().all()


def test_gradients_match_finite_differences() -> None:
    views = [view.requires_grad_() for view in logits(2, 2, 6, 4)]
    objective, labels = CrossEntropy(label_smoothing=0.2), LABELS.expand(2, 6)
    assert torch.autograd.gradcheck(lambda u, v: objective([u, v], groups=labels)["loss"], views)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({}, "no groups: CrossEntropy needs the class of each sample"),
        ({"groups": LABELS + 1}, r"class 4 with logits of 4 classes: .* 0 to 3"),
        ({"groups": LABELS - 1}, "class -1 with logits"),
        ({"groups": torch.full((6,), -100)}, "class -100 with logits"),  # torch would ignore it
        ({"groups": LABELS.float()}, "torch.float32"),
        ({"groups": LABELS[:5]}, r"\(5,\).*\(6, 4\)"),
        ({"groups": LABELS, "target": [torch.zeros(6, 4)]}, "no target network"),
        ({"groups": LABELS, "negatives": torch.zeros(6, 4)}, "no batch of negatives"),
        ({"groups": LABELS, "negative_groups": LABELS}, "leave negative_groups out"),
    ],
)
def test_bad_calls_are_named(call: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CrossEntropy()(logits(1, 6, 4), **call)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, float("nan")])
def test_bad_smoothing_is_named(smoothing: float) -> None:
    with pytest.raises(InputError, match=f"label_smoothing .*{smoothing}"):
        CrossEntropy(label_smoothing=smoothing)
