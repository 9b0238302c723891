"""InfoNCE against loops over samples, and the properties of its two estimators."""

from math import exp, log, sqrt

import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.objectives import InfoNCE

SIMILARITIES = ["cosine", "inner", "neg_squared_l2", "neg_l1", "neg_l3", "neg_l2.5"]


def outputs(n_views: int, *shape: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(n_views)]


def phi(name: str, u: list[float], v: list[float]) -> float:
    inner = sum(a * b for a, b in zip(u, v, strict=True))
    if name == "inner":
        return inner
    if name == "cosine":
        return inner / sqrt(sum(a * a for a in u) * sum(b * b for b in v))
    p = 2.0 if name == "neg_squared_l2" else float(name.removeprefix("neg_l"))
    return -sum(abs(a - b) ** p for a, b in zip(u, v, strict=True))


def by_loops(name: str, tau: float, u: Tensor, v: Tensor, w: Tensor | None = None) -> float:
    anchors, positives = u.tolist(), v.tolist()
    total = 0.0
    for i, anchor in enumerate(anchors):
        right = exp(phi(name, anchor, positives[i]) / tau)
        wrong = [v for j, v in enumerate(positives) if j != i] if w is None else w.tolist()
        total -= log(right / (right + sum(exp(phi(name, anchor, z) / tau) for z in wrong)))
    return total / len(anchors)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("tau", [0.5, 2.0])
def test_each_estimator_equals_its_transcription(similarity: str, tau: float) -> None:
    u, v = outputs(2, 7, 3)
    (w,) = outputs(1, 5, 3, seed=1)
    one, other = by_loops(similarity, tau, u, v), by_loops(similarity, tau, v, u)
    value = InfoNCE(similarity, tau=tau)([u, v])["loss"].item()
    both = InfoNCE(similarity, tau=tau, symmetric=True)([u, v])["loss"].item()
    separate = InfoNCE(similarity, tau=tau, negatives="separate")([u, v], negatives=w)
    assert value == pytest.approx(one, rel=1e-12)
    assert both == pytest.approx((one + other) / 2, rel=1e-12)
    assert separate["loss"].item() == pytest.approx(by_loops(similarity, tau, u, v, w), rel=1e-12)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("negatives", ["second_view", "separate"])
def test_gradients_match_finite_differences(similarity: str, negatives: str) -> None:
    objective = InfoNCE(similarity, tau=0.7, negatives=negatives, symmetric=True)
    views = [view.requires_grad_() for view in outputs(3, 2, 6, 3)]

    def loss(u: Tensor, v: Tensor, w: Tensor) -> Tensor:
        return objective([u, v], negatives=w if negatives == "separate" else None)["loss"]

    # A second backward pass recomputes what the first one had kept: equal up to rounding.
    assert torch.autograd.gradcheck(loss, views, nondet_tol=1e-12)


def test_only_the_separate_estimator_takes_negatives() -> None:
    assert InfoNCE(negatives="separate").takes_negatives
    assert not InfoNCE().takes_negatives


def test_the_target_takes_the_place_of_the_candidates() -> None:
    u, v, a, b = outputs(4, 6, 3)
    symmetric = InfoNCE("neg_squared_l2", symmetric=True)([u, v], target=[a, b])["loss"]
    expected = (by_loops("neg_squared_l2", 1, u, b) + by_loops("neg_squared_l2", 1, v, a)) / 2
    assert symmetric.item() == pytest.approx(expected, rel=1e-12)


def test_three_views_average_over_their_pairs() -> None:
    u, v, w = outputs(3, 6, 3)
    value = InfoNCE("inner")([u, v, w])["loss"].item()
    pairs = [by_loops("inner", 1, *pair) for pair in ((u, v), (u, w), (v, w))]
    assert value == pytest.approx(sum(pairs) / 3, rel=1e-12)


def test_chance_is_the_log_of_the_number_of_candidates_which_can_be_taken_off() -> None:
    views = [torch.ones(8, 3)] * 2
    assert InfoNCE()(views)["loss"].item() == pytest.approx(log(8))
    assert InfoNCE(subtract_log_candidates=True)(views)["loss"].item() == pytest.approx(0, abs=1e-6)
    separate = InfoNCE(negatives="separate", subtract_log_candidates=True)
    assert separate(views, negatives=torch.ones(20, 3))["loss"].item() == pytest.approx(0, abs=1e-6)


def test_taking_off_the_constant_leaves_the_gradient() -> None:
    gradients = []
    for subtract in (False, True):
        u, v = (view.requires_grad_() for view in outputs(2, 6, 3))
        InfoNCE(subtract_log_candidates=subtract)([u, v])["loss"].backward()
        gradients.append(u.grad)
    assert torch.equal(*gradients)


def test_a_common_offset_costs_no_digits_and_the_loss_is_never_negative() -> None:
    # At offset 1000 squares are 1e6 and float32 resolves 0.06 of them; distances are about 1.
    u, _ = outputs(2, 64, 3)
    near = u + 0.01 * outputs(1, 64, 3, seed=1)[0]
    far = [(1000 + view).float() for view in (u, near)]
    exact = by_loops("neg_squared_l2", 1, *(view.double() for view in far))
    assert InfoNCE("neg_squared_l2")(far)["loss"].item() == pytest.approx(exact, rel=1e-4)
    apart = [(20 * view).float() for view in (u, u)]
    assert 0 <= InfoNCE("neg_squared_l2")(apart)["loss"] < 1e-3


@pytest.mark.parametrize(
    ("arguments", "call", "message"),
    [
        ({"tau": 0.0}, {}, "tau must be above 0, got 0.0"),
        ({"tau": -1.0}, {}, "tau must be above 0, got -1.0"),
        ({"tau": float("inf")}, {}, "tau must be finite, got inf"),
        ({"tau": float("nan")}, {}, "tau must be above 0, got nan"),
        ({"similarity": "cosin"}, {}, "'cosin'.*'cosine'"),
        ({"negatives": "seperate"}, {}, "'seperate'.*'separate'"),
        ({"negatives": "separate"}, {}, "without a batch of negatives"),
        ({}, {"negatives": torch.ones(5, 3)}, "with a batch of negatives"),
        ({"negatives": "separate"}, {"negatives": torch.ones(5, 4)}, r"\(5, 4\).*\(6, 3\)"),
        ({"negatives": "separate"}, {"negatives": torch.ones(2, 5, 3)}, r"\(2, 5, 3\).*\(6, 3\)"),
    ],
)
def test_bad_input_is_named(arguments: dict, call: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        InfoNCE(**arguments)(outputs(2, 6, 3), **call)
