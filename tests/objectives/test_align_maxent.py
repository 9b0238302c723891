"""AlignMaxEnt: the kernel density entropy against loops and against known densities."""

from math import exp, log, pi

import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.objectives import AlignMaxEnt


def uniform(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def entropy_by_loops(outputs: torch.Tensor, bandwidth: float) -> float:
    rows, total = outputs.tolist(), 0.0
    for i, one in enumerate(rows):
        density = 0.0
        for j, other in enumerate(rows):
            if i != j:
                distance = sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
                density += exp(-distance / bandwidth) / (pi * bandwidth) ** (len(one) / 2)
        total -= log(density / (len(rows) - 1))
    return total / len(rows)


def test_the_terms_equal_their_transcription() -> None:
    u, v = uniform(9, 3), uniform(9, 3, seed=1)
    alignment = sum(sum((a - b) ** 2) for a, b in zip(u.numpy(), v.numpy(), strict=True)) / 9
    entropy = (entropy_by_loops(u, 0.1) + entropy_by_loops(v, 0.1)) / 2
    terms = AlignMaxEnt(bandwidth=0.1, weight=3.0)([u, v])
    assert terms["alignment"].item() == pytest.approx(alignment, rel=1e-12)
    assert terms["entropy"].item() == pytest.approx(entropy, rel=1e-12)
    assert terms["loss"].item() == pytest.approx(3 * alignment - entropy, rel=1e-12)


def test_the_weight_is_the_inverse_bandwidth_by_default() -> None:
    assert AlignMaxEnt(bandwidth=0.05).weight == 20


def test_the_entropy_tells_densities_apart_by_their_known_difference() -> None:
    # Uniform on [0, 1] has 0, on a half log 1/2. In one dimension with n = 4000 and kernels of
    # 1/100 and 1/50 of the width the bias at the ends is .013 and .021, the standard error .002.
    x = uniform(4000, 1)
    objective = AlignMaxEnt(bandwidth=2e-4)
    whole = objective([x, x])["entropy"].item()
    half = objective([x / 2, x / 2])["entropy"].item()
    assert whole == pytest.approx(0, abs=0.03)
    assert half == pytest.approx(log(0.5), abs=0.03)


def test_uniform_and_aligned_outputs_beat_collapsed_and_unaligned_ones() -> None:
    x, other = uniform(400, 2), uniform(400, 2, seed=1)
    objective = AlignMaxEnt()
    best = objective([x, x])["loss"]
    narrow = 0.5 + 0.1 * (x - 0.5)
    assert objective([narrow, narrow])["loss"] > best + 1
    assert objective([x, other])["loss"] > best + 1


def test_outputs_outside_the_cube_are_refused() -> None:
    with pytest.raises(InputError, match=r"sigmoid"):
        AlignMaxEnt()([uniform(5, 2), uniform(5, 2) - 0.5])


@pytest.mark.parametrize("arguments", [{"bandwidth": 0.0}, {"weight": -1.0}])
def test_bad_arguments_are_named(arguments: dict[str, float]) -> None:
    ((name, value),) = arguments.items()
    with pytest.raises(InputError, match=f"{name} must be .*, got {value}"):
        AlignMaxEnt(**arguments)
