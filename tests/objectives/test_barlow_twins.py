"""Barlow Twins against numpy's correlation matrix, and where it is 0."""

import numpy as np
import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.objectives import BarlowTwins


def outputs(n: int, d: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, d, generator=generator, dtype=torch.float64) for _ in range(2)]


def whitened(n: int, d: int) -> torch.Tensor:
    z = outputs(n, d)[0].numpy()
    z = z - z.mean(0)
    left, _, right = np.linalg.svd(z, full_matrices=False)
    return torch.from_numpy(left @ right * np.sqrt(n))


def test_the_terms_equal_their_transcription() -> None:
    u, v = outputs(20, 4)
    c = np.corrcoef(u.numpy(), v.numpy(), rowvar=False)[:4, 4:]
    on = sum((1 - c[i, i]) ** 2 for i in range(4))
    off = sum(c[i, j] ** 2 for i in range(4) for j in range(4) if i != j)
    terms = BarlowTwins(weight=0.3, eps=1e-14)([u, v])
    assert terms["on_diagonal"].item() == pytest.approx(on, rel=1e-9)
    assert terms["off_diagonal"].item() == pytest.approx(off, rel=1e-9)
    assert terms["loss"].item() == pytest.approx(on + 0.3 * off, rel=1e-9)


def test_equal_and_whitened_views_give_zero() -> None:
    z = whitened(50, 4)
    assert BarlowTwins(eps=1e-12)([z, z])["loss"].item() == pytest.approx(0, abs=1e-12)


def test_equal_views_that_are_not_whitened_do_not() -> None:
    z = whitened(50, 4)
    mixed = z @ outputs(4, 4)[0]
    assert BarlowTwins()([mixed, mixed])["off_diagonal"] > 0.1


def test_scale_and_offset_of_a_coordinate_do_not_matter() -> None:
    u, v = outputs(20, 4)
    scale = torch.tensor([1.0, 2.0, 10.0, 100.0], dtype=torch.float64)
    objective = BarlowTwins(eps=1e-14)
    before, after = objective([u, v])["loss"], objective([scale * u + 3, v])["loss"]
    assert torch.allclose(before, after, rtol=1e-9)


def test_batch_statistics_are_those_of_batch_normalisation() -> None:
    u, v = outputs(20, 4)
    normalise = torch.nn.BatchNorm1d(4, affine=False, dtype=torch.float64)
    c = normalise(u).T @ normalise(v) / 20
    expected = (c.diagonal() - 1).square().sum()
    assert BarlowTwins()([u, v])["on_diagonal"].item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("arguments", [{"weight": -1.0}, {"eps": 0.0}])
def test_bad_arguments_are_named(arguments: dict[str, float]) -> None:
    ((name, value),) = arguments.items()
    with pytest.raises(InputError, match=f"{name} must be .*, got {value}"):
        BarlowTwins(**arguments)
