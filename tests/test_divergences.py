"""Divergences: known values, their inequalities, and what happens at probability 0."""

from math import log, log1p, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from causal_ssl import divergences
from causal_ssl.divergences import DIVERGENCES, F_DIVERGENCES, chi2, hellinger2, js, kl, l2, tv
from causal_ssl.errors import InputError

SYMMETRIC = ["js", "hellinger2", "tv", "l2"]
# Sums of at most 8 terms of size up to 1 in float64: rounding stays far below this.
ROUNDING = 1e-12


@st.composite
def pairs(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities of two distributions on 2 to 8 points, some of them tiny."""
    k = draw(st.integers(2, 8))
    logits = st.lists(st.floats(-30, 30), min_size=k, max_size=k)
    p, q = (torch.tensor(draw(logits), dtype=torch.float64).log_softmax(-1) for _ in range(2))
    return p, q


@given(pairs())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_the_inequalities_between_divergences(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    value = {name: divergence(*pair).item() for name, divergence in DIVERGENCES.items()}
    assert all(number >= -ROUNDING for number in value.values())
    assert value["js"] <= log(2) + ROUNDING
    assert value["hellinger2"] <= value["tv"] + ROUNDING
    assert value["tv"] <= sqrt(2 * max(value["hellinger2"], 0)) + 1e-6  # the root of a rounding
    assert value["tv"] <= sqrt(max(value["kl"], 0) / 2) + 1e-6
    assert value["js"] <= value["tv"] * log(2) + ROUNDING
    assert value["l2"] <= 2 * value["tv"] + ROUNDING
    assert value["kl"] <= log1p(value["chi2"]) + ROUNDING


@given(pairs())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_values_agree_with_scipy_and_numpy(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    p, q = (log_p.exp().numpy() for log_p in pair)
    expected = {
        "kl": entropy(p, q),
        "js": jensenshannon(p, q) ** 2,
        "hellinger2": 1 - np.sqrt(p * q).sum(),
        "tv": np.abs(p - q).sum() / 2,
        "chi2": (p**2 / q).sum() - 1,
        "l2": ((p - q) ** 2).sum(),
    }
    for name, divergence in DIVERGENCES.items():
        assert divergence(*pair).item() == pytest.approx(expected[name], rel=1e-9, abs=1e-8), name


@given(pairs())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_symmetric_divergences_do_not_care_for_the_order(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    for name in SYMMETRIC:
        forward, reverse = DIVERGENCES[name](*pair), DIVERGENCES[name](*reversed(pair))
        assert forward.item() == pytest.approx(reverse.item(), abs=ROUNDING), name


def test_kl_does_care_for_the_order() -> None:
    p, q = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.1, 0.9]).log()
    assert abs(kl(p, q) - kl(q, p)) > 0.1


@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_divergence_is_zero_for_equal_distributions_and_positive_for_others(name: str) -> None:
    p = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]], dtype=torch.float64).log()
    q = torch.tensor([[0.3, 0.2, 0.5], [0.9, 0.1, 0.0]], dtype=torch.float64).log()
    assert DIVERGENCES[name](p, p).tolist() == pytest.approx([0, 0], abs=1e-15)
    assert (DIVERGENCES[name](p, q) > 1e-3).all()


def test_disjoint_supports_reach_the_upper_ends() -> None:
    p, q = torch.tensor([1.0, 0.0]).log(), torch.tensor([0.0, 1.0]).log()
    assert kl(p, q) == chi2(p, q) == torch.inf
    assert js(p, q).item() == pytest.approx(log(2))
    assert hellinger2(p, q) == tv(p, q) == 1
    assert l2(p, q) == 2


@pytest.mark.parametrize("name", DIVERGENCES)
def test_gradients_match_finite_differences(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)

    def value(logits: torch.Tensor) -> torch.Tensor:
        return DIVERGENCES[name](logits[0].log_softmax(-1), logits[1].log_softmax(-1))

    assert torch.autograd.gradcheck(value, (logits,))


def test_an_excluded_point_gives_kl_a_finite_gradient() -> None:
    log_p = torch.tensor([0.0, -torch.inf], requires_grad=True)
    log_q = torch.tensor([0.5, 0.5]).log().requires_grad_()
    kl(log_p, log_q).backward()
    assert log_p.grad is not None
    assert log_q.grad is not None
    assert log_p.grad.isfinite().all()
    assert log_q.grad.isfinite().all()


@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_point_that_both_exclude_changes_nothing(name: str) -> None:
    p, q = torch.tensor([0.3, 0.7]).log(), torch.tensor([0.6, 0.4]).log()
    nothing = torch.tensor([-torch.inf])
    wider = DIVERGENCES[name](torch.cat([p, nothing]), torch.cat([q, nothing]))
    assert torch.equal(wider, DIVERGENCES[name](p, q))


def test_a_point_that_the_first_alone_excludes_is_finite() -> None:
    p, q = torch.tensor([1.0, 0.0]).log(), torch.tensor([0.25, 0.75]).log()
    assert kl(p, q).item() == pytest.approx(log(4))
    assert chi2(p, q).item() == pytest.approx(0.75**2 / 0.25 + 0.75)


class TestDataProcessing:
    """A channel applied to both distributions never raises an f-divergence."""

    @pytest.mark.parametrize("name", F_DIVERGENCES)
    @given(seed=st.integers(0, 2**32 - 1))
    @settings(max_examples=50, deadline=None, derandomize=True)
    def test_of_random_channels(self, name: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        before, after = rng.integers(2, 8, size=2)
        p, q, *channel = rng.dirichlet(np.full(before, 0.5), size=2 + after)
        # Exact zeros in the second law as well, so that infinite values come up.
        q = np.where(rng.random(before) < 0.2, 0, q)
        q = q / q.sum() if q.sum() else p
        channel = np.array(channel) / np.sum(channel, axis=0)
        first, second = (torch.from_numpy(law).log() for law in (p, q))
        coarse = (torch.from_numpy(channel @ law).log() for law in (p, q))
        fine = F_DIVERGENCES[name](first, second).item()
        assert F_DIVERGENCES[name](*coarse).item() <= fine + ROUNDING * max(1, fine)

    def test_the_squared_distance_is_none_of_them(self) -> None:
        p, q = torch.tensor([0.5, 0.5, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.5, 0.5])
        merged = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
        assert l2(merged[0].log(), merged[1].log()) > l2(p.log(), q.log())
        assert set(DIVERGENCES) - set(F_DIVERGENCES) == {"l2"}


def test_leading_dimensions_are_kept() -> None:
    log_p = torch.zeros(2, 5, 3).log_softmax(-1)
    assert all(divergence(log_p, log_p).shape == (2, 5) for divergence in DIVERGENCES.values())


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"'helinger2'.*'hellinger2'"):
        divergences.get("helinger2")


@pytest.mark.parametrize("name", sorted(DIVERGENCES))
def test_gradients_are_finite_where_both_probabilities_are_zero(name: str) -> None:
    log_p = torch.tensor([0.5, 0.5, 0.0]).log().requires_grad_()
    log_q = torch.tensor([0.25, 0.75, 0.0]).log().requires_grad_()
    gradients = torch.autograd.grad(divergences.get(name)(log_p, log_q), (log_p, log_q))
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
