"""Randomness: a stream is a function of its key, and global state is left alone."""

import numpy as np
import pytest
import torch

from causal_ssl.randomness import derived_seed, generator_for, global_randomness_from


def test_different_keys_give_different_seeds() -> None:
    keys = [(s, name, k) for s in range(10) for name in ("views", "noise") for k in range(100)]
    keys += [(1, "1"), ("1", 1), (11,), ("11",)]  # keys that a naive concatenation confuses
    assert len({derived_seed(*key) for key in keys}) == len(keys)


def test_streams_of_neighbouring_keys_are_uncorrelated() -> None:
    draws = torch.stack([torch.randn(1000, generator=generator_for(0, k)) for k in range(50)])
    correlation = torch.corrcoef(draws)[~torch.eye(50, dtype=torch.bool)]
    # 1225 correlations of standard deviation 1 / sqrt(1000): the largest stays below 5 of them.
    assert correlation.abs().max() < 5 / 1000**0.5


def test_global_draws_depend_on_the_generator_alone_and_the_global_state_returns() -> None:
    def draw() -> torch.Tensor:
        with global_randomness_from(generator_for(3)):
            return torch.rand(4)

    torch.manual_seed(0)
    first, after_first = draw(), torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(draw(), first)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(1), after_first)


def test_the_generator_advances_so_that_two_blocks_differ() -> None:
    generator = generator_for(3)
    with global_randomness_from(generator):
        first = torch.rand(4)
    with global_randomness_from(generator):
        second = torch.rand(4)
    assert not torch.equal(first, second)


def test_global_state_returns_after_an_exception() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="inside"), global_randomness_from(generator_for(0)):
        raise RuntimeError("inside")
    assert torch.equal(torch.get_rng_state(), before)


def test_numpy_is_left_alone() -> None:
    np.random.seed(0)  # noqa: NPY002 - the claim is about the legacy global state
    expected = np.random.get_state()[1].copy()  # noqa: NPY002
    with global_randomness_from(generator_for(0)):
        torch.rand(3)
    assert np.array_equal(np.random.get_state()[1], expected)  # noqa: NPY002
