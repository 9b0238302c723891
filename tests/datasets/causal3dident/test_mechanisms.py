"""Mechanisms of scene variables: their laws, and that they can be inverted."""

import pytest
import torch

from causal_ssl.datasets.causal3dident.mechanisms import TruncatedNormal, Uniform, UniformClass
from causal_ssl.errors import InputError

EVEN = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]


def test_classes_share_the_noise_evenly() -> None:
    drawn = UniformClass([2, 0, 5])((torch.arange(300) + 0.5) / 300)
    assert drawn.bincount().tolist() == [100, 0, 100, 0, 0, 100]
    assert UniformClass([2, 0, 5])(torch.tensor([0.0, 1.0])).tolist() == [2, 5]


def test_noise_of_a_class_gives_it_back() -> None:
    mechanism = UniformClass()
    assert torch.equal(mechanism(mechanism.abduct(torch.arange(7))), torch.arange(7))


def test_a_class_that_is_never_drawn_has_no_noise() -> None:
    with pytest.raises(InputError, match=r"class 3 is never drawn.*one of \[0, 1\]"):
        UniformClass([0, 1]).abduct(torch.tensor([1, 3]))


@pytest.mark.parametrize("classes", [[], [0, 0], [7], [-1]])
def test_classes_that_are_not_there(classes: list[int]) -> None:
    with pytest.raises(InputError, match="expected some of 0 to 6, each once"):
        UniformClass(classes)


def test_noise_of_a_uniform_value() -> None:
    torch.testing.assert_close(Uniform().abduct(Uniform()(EVEN)), EVEN, atol=1e-15, rtol=0)


@pytest.mark.parametrize("mean", [-1.0, 0.3, 1.0])
@pytest.mark.parametrize("scale", [0.2, 0.5, 1.0])
def test_noise_of_a_truncated_value(mean: float, scale: float) -> None:
    mechanism = TruncatedNormal(lambda cause: cause, scale)
    cause = torch.full_like(EVEN, mean)
    value = mechanism(noise=EVEN, cause=cause)
    assert value.abs().max() <= 1
    torch.testing.assert_close(mechanism.abduct(value, cause=cause), EVEN, atol=1e-14, rtol=0)


def test_scale_out_of_range() -> None:
    with pytest.raises(InputError, match="scale must be above 0, got 0"):
        TruncatedNormal(lambda cause: cause, 0.0)
