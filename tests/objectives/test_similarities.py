"""Similarities: all pairs against one pair at a time, and the names that give them."""

import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.objectives import Cosine, Inner, NegLp, NegSquaredL2, Similarity
from causal_ssl.objectives.similarities import similarity_of

ALL = [Cosine(), Inner(), NegSquaredL2(), NegLp(1), NegLp(2), NegLp(2.5), NegLp(3), NegLp(4)]
every_similarity = pytest.mark.parametrize("similarity", ALL, ids=str)


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@every_similarity
def test_all_pairs_equal_one_pair_at_a_time(similarity: Similarity) -> None:
    u, v = vectors(2, 4, 3), vectors(2, 5, 3, seed=1)
    table = similarity.pairwise(u, v)
    assert table.shape == (2, 4, 5)
    for i in range(4):
        for j in range(5):
            one = similarity.paired(u[:, i : i + 1], v[:, j : j + 1]).squeeze(-1)
            assert torch.allclose(table[:, i, j], one, rtol=1e-11)


@every_similarity
def test_it_is_symmetric(similarity: Similarity) -> None:
    u, v = vectors(4, 3), vectors(5, 3, seed=1)
    forward, reverse = similarity.pairwise(u, v), similarity.pairwise(v, u).mT
    assert torch.allclose(forward, reverse, rtol=1e-12)


@every_similarity
def test_gradients_match_finite_differences(similarity: Similarity) -> None:
    u, v = vectors(4, 3).requires_grad_(), vectors(5, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(similarity.pairwise, (u, v))


@pytest.mark.parametrize("p", [1, 1.5, 2, 2.5, 3, 4])
def test_equal_vectors_have_a_finite_gradient(p: float) -> None:
    u = vectors(4, 3).requires_grad_()
    NegLp(p).pairwise(u, u.detach()).sum().backward()
    assert u.grad is not None
    assert u.grad.isfinite().all()


def test_the_size_of_a_difference_counts_for_odd_p_and_not_its_sign() -> None:
    u, v = torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, -2.0]])
    assert NegLp(3).paired(u, v).item() == -16
    assert NegLp(1).paired(u, v).item() == -4


def test_l2_by_matrix_product_equals_the_broadcast() -> None:
    u, v = vectors(6, 3), vectors(5, 3, seed=1)
    assert torch.allclose(NegSquaredL2().pairwise(u, v), NegLp(2).pairwise(u, v), rtol=1e-12)


def test_names_give_similarities() -> None:
    assert similarity_of("cosine") == Cosine()
    assert similarity_of("neg_l3") == NegLp(3)
    assert similarity_of("neg_l1.5") == NegLp(1.5)
    mine = NegLp(7)
    assert similarity_of(mine) is mine


@pytest.mark.parametrize("name", ["neg_square_l2", "neg_l", "neg_l-3", "euclid"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=name):
        similarity_of(name)


@pytest.mark.parametrize("p", [0.0, 0.5, -1.0, float("inf"), float("nan")])
def test_p_out_of_range_is_refused(p: float) -> None:
    with pytest.raises(InputError, match=f"p must be .*, got {p}"):
        NegLp(p)
