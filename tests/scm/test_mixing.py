"""The mixing: exactly invertible, well conditioned by the stated rule."""

import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.scm import InvertibleMLP, draw_mixing
from causal_ssl.scm.mixing import CHUNK, _conditioned_at_most, _draws, _most_inverse_trace


def test_inverse_undoes_the_mixing() -> None:
    mixing = draw_mixing(10, generator=generator_for("mixing", 0))
    z = 3 * torch.randn(10_000, 10, generator=generator_for("z"))
    error = float((mixing.inverse(mixing(z)) - z).abs().max())
    assert error <= 1e-4 * max(1.0, float(z.abs().max()))


def test_inverse_in_float64_is_exact() -> None:
    mixing = draw_mixing(10, generator=generator_for("mixing", 1))
    z = torch.randn(1000, 10, generator=generator_for("z"), dtype=torch.float64)
    torch.testing.assert_close(mixing.inverse(mixing(z)), z, atol=1e-12, rtol=1e-12)


def test_is_the_stated_network() -> None:
    mixing = draw_mixing(4, candidates=50, generator=generator_for("network"))
    z = torch.randn(2, 3, 4, generator=generator_for("z"), dtype=torch.float64)
    expected = z
    for layer, weight in enumerate(mixing.weights):
        expected = torch.einsum("ij,...j->...i", weight, expected)
        if layer < 2:  # none after the last
            expected = torch.where(expected > 0, expected, 0.2 * expected)
    assert len(mixing.weights) == 3
    assert mixing(z).is_contiguous()
    torch.testing.assert_close(mixing(z), expected)


def test_columns_have_unit_length() -> None:
    weights = draw_mixing(7, candidates=50, generator=generator_for("columns")).weights
    torch.testing.assert_close(weights.norm(dim=1), torch.ones(3, 7).double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("rank", [1, 26])
def test_no_layer_is_worse_conditioned_than_the_rule_allows(rank: int) -> None:
    """The rule, by SVD on the same stream of draws, without the search's screening."""
    candidates = 9_000
    mixing = draw_mixing(6, candidates=candidates, rank=rank, generator=generator_for("rule", rank))
    draws = _draws(6, generator_for("rule", rank))
    chunks = -(-candidates // CHUNK)
    pool = torch.cat([next(draws) for _ in range(chunks)])[:candidates]
    limit = torch.linalg.cond(pool.double()).sort().values[rank - 1]
    conditions = torch.linalg.cond(mixing.weights)
    assert bool((conditions <= limit * (1 + 1e-9)).all())
    # And the layers are the first that obey it.
    accepted: list[torch.Tensor] = []
    while len(accepted) < 3:
        matrices = next(draws).double()
        accepted.extend(matrices[torch.linalg.cond(matrices) <= limit * (1 + 1e-9)])
    assert torch.equal(torch.stack(accepted[:3]), mixing.weights)


def test_screening_loses_no_well_conditioned_matrix() -> None:
    draws = _draws(10, generator_for("screen"))
    matrices = torch.cat([next(draws) for _ in range(8)])
    conditions = torch.linalg.cond(matrices.double())
    for limit in (5.0, 10.0, 40.0):
        found, numbers = _conditioned_at_most(limit, matrices)
        torch.testing.assert_close(numbers, conditions[conditions <= limit])
        assert len(found) == int((conditions <= limit).sum())


def test_bound_on_the_inverse_is_attained() -> None:
    """A Gram matrix of dimension 2 and condition number 3, by hand."""
    # Eigenvalues m and 9 m with sum 2: m = 0.2, so 1 / 0.2 + 1 / 1.8.
    assert _most_inverse_trace(2, 3.0) == pytest.approx(5 + 1 / 1.8)
    assert _most_inverse_trace(5, 1.0) == pytest.approx(5.0)


def test_is_a_function_of_the_generator() -> None:
    one, two, other = (
        draw_mixing(5, candidates=100, generator=generator_for("g", k)).weights for k in (0, 0, 1)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_one_dimension() -> None:
    mixing = draw_mixing(1, candidates=10, generator=generator_for("one"))
    z = torch.tensor([[2.0], [-3.0]])
    torch.testing.assert_close(mixing.inverse(mixing(z)), z)


def test_state_travels() -> None:
    mixing = draw_mixing(4, candidates=50, generator=generator_for("state"))
    other = InvertibleMLP(torch.eye(4).repeat(3, 1, 1))
    other.load_state_dict(mixing.state_dict())
    z = torch.randn(5, 4, generator=generator_for("z"))
    assert torch.equal(other(z), mixing(z))


@pytest.mark.parametrize(
    ("weights", "slope", "message"),
    [
        (torch.eye(3), 0.2, r"shape \(3, 3\)"),
        (torch.zeros(2, 3, 4), 0.2, r"shape \(2, 3, 4\)"),
        (torch.stack([torch.eye(2), torch.ones(2, 2)]), 0.2, "layer 2 has condition number"),
        (torch.full((1, 2, 2), torch.nan), 0.2, "weights with 4 NaN"),
        (torch.eye(2)[None], 0.0, "slope must be above 0, got 0"),
    ],
)
def test_what_has_no_inverse_is_refused(weights: torch.Tensor, slope: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        InvertibleMLP(weights, slope)


@pytest.mark.parametrize("bad", [{"dim": 0}, {"layers": 0}, {"candidates": 0}, {"rank": 0}])
def test_sizes_below_one(bad: dict[str, int]) -> None:
    name = next(iter(bad))
    with pytest.raises(InputError, match=f"{name} must be at least 1"):
        draw_mixing(**{"dim": 3, **bad}, generator=generator_for(0))


def test_rank_beyond_the_candidates() -> None:
    with pytest.raises(InputError, match="rank must be at least 1 and at most 4, got 5"):
        draw_mixing(3, candidates=4, rank=5, generator=generator_for(0))
