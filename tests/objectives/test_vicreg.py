"""VICReg against a numpy transcription of the official form."""

import numpy as np
import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.objectives import VICReg


def outputs(n: int, d: int, scale: float = 0.5) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [scale * torch.randn(n, d, generator=generator, dtype=torch.float64) for _ in range(2)]


def test_the_terms_equal_their_transcription() -> None:
    views = outputs(20, 4)
    a, b = (view.numpy() for view in views)
    invariance = ((a - b) ** 2).mean()
    variance = np.mean([np.maximum(0, 1 - np.sqrt(z.var(0, ddof=1) + 1e-4)).mean() for z in (a, b)])
    covariance = 0.0
    for z in (a, b):
        cov = np.cov(z, rowvar=False)
        covariance += sum(cov[i, j] ** 2 for i in range(4) for j in range(4) if i != j) / 4
    terms = VICReg()(views)
    assert terms["invariance"].item() == pytest.approx(invariance, rel=1e-12)
    assert terms["variance"].item() == pytest.approx(variance, rel=1e-12)
    assert terms["covariance"].item() == pytest.approx(covariance, rel=1e-12)
    expected = 25 * invariance + 25 * variance + covariance
    assert terms["loss"].item() == pytest.approx(expected, rel=1e-12)


def test_collapsed_outputs_cost_the_whole_hinge() -> None:
    constant = torch.zeros(10, 4)
    terms = VICReg()([constant, constant])
    assert terms["variance"].item() == pytest.approx(1 - 1e-2)  # 1 - sqrt(eps)
    assert terms["invariance"] == terms["covariance"] == 0


def test_collapsed_outputs_have_a_finite_gradient() -> None:
    constant = torch.zeros(10, 4, requires_grad=True)
    VICReg()([constant, constant])["loss"].backward()
    assert constant.grad is not None
    assert constant.grad.isfinite().all()


def test_the_weights_weigh_their_terms() -> None:
    views = outputs(20, 4)
    for name in ("invariance", "variance", "covariance"):
        weights = {f"{other}_weight": 0.0 for other in ("invariance", "variance", "covariance")}
        terms = VICReg(**{**weights, f"{name}_weight": 2.0})(views)
        assert torch.allclose(terms["loss"], 2 * terms[name])


def test_bad_arguments_are_named() -> None:
    with pytest.raises(InputError, match=r"variance_weight must be at least 0, got -1\.0"):
        VICReg(variance_weight=-1.0)
