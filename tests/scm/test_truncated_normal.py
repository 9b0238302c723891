"""Truncated normals against SciPy, in the tails and in float32."""

import pytest
import torch
from scipy import stats

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.scm import truncated_normal

INF = float("inf")
BOUNDS = [
    (-1.0, 1.0),
    (0.0, 1.0),
    (-2.0, 5.0),
    (-INF, INF),
    (3.0, 4.0),
    (-9.0, -8.0),
    (8.0, INF),
    (-INF, -30.0),
    (50.0, 51.0),
    (-0.001, 0.001),
    (-200.0, -100.0),
]


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_quantiles_are_those_of_scipy(low: float, high: float) -> None:
    u = torch.linspace(1e-6, 1 - 1e-6, 999, dtype=torch.float64)
    ours = truncated_normal(u, low=low, high=high)
    theirs = torch.from_numpy(stats.truncnorm.ppf(u.numpy(), low, high))
    width = float(theirs.max() - theirs.min())
    assert float((ours - theirs).abs().max()) < 1e-9 * width
    assert bool((ours.diff() >= 0).all())


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_float32_is_finite_and_inside_even_at_the_ends_of_the_noise(
    low: float, high: float
) -> None:
    noise = torch.rand(10_000, generator=generator_for("noise"))
    noise = torch.cat([noise, torch.tensor([0.0, 1.0, 1e-45, 1 - 2**-24])])
    x = truncated_normal(noise, low=low, high=high)
    assert x.dtype == torch.float32
    assert bool(x.isfinite().all())
    # Compared in float64: 0.001 as float32 lies above 0.001.
    assert bool((x.double() >= low).all())
    assert bool((x.double() <= high).all())


def test_samples_follow_the_law() -> None:
    n = 20_000
    loc = torch.rand(n, generator=generator_for("loc")) * 2 - 1
    u = torch.rand(n, generator=generator_for("law"))
    x = truncated_normal(u, loc=loc, scale=0.5, low=-1.0, high=1.0)
    a, b = ((bound - loc.double()) / 0.5 for bound in (-1.0, 1.0))
    back = stats.truncnorm.cdf(x.double().numpy(), a, b, loc=loc.double().numpy(), scale=0.5)
    # Probability integral transform; the seed is fixed, 0.001 is one unlucky seed in a thousand.
    assert stats.kstest(back, "uniform").pvalue > 0.001


def test_broadcasts() -> None:
    x = truncated_normal(
        torch.full((4, 3), 0.5), loc=torch.tensor([0.0, 1.0, 2.0]), low=-9.0, high=9.0
    )
    torch.testing.assert_close(x, torch.tensor([0.0, 1.0, 2.0]).expand(4, 3), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 1.0, "high": 1.0}, r"on \[1, 1\]: expected low < high"),
        ({"low": 2.0, "high": -1.0}, r"on \[2, -1\]"),
        ({"low": float("nan")}, r"on \[nan, inf\]"),
        ({"scale": 0.0}, "scale = 0"),
        ({"scale": -1.0}, "scale = -1"),
        ({"loc": float("nan")}, "loc = NaN"),
    ],
)
def test_bad_parameters(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        truncated_normal(torch.tensor(0.5), **arguments)
