"""The spectrum of a world and the code that a bounded gain keeps, against cases solved by hand."""

import numpy as np
import pytest
import torch

from causal_ssl.analysis.spectrum import (
    Candidates,
    change_moment,
    code_r2,
    contrastive_loss,
    predicted_code,
    spectrum,
    weakest_gain,
)
from causal_ssl.errors import InputError


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def wishart(random: np.random.Generator, dim: int) -> np.ndarray:
    root = random.normal(size=(dim, dim))
    return root @ root.T


def latent_covariance(
    content_cov: np.ndarray, style_cov: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Of z = (c, s) with c ~ N(0, content_cov) and s | c ~ N(weight c, style_cov)."""
    cross = weight @ content_cov
    return np.block([[content_cov, cross.T], [cross, cross @ weight.T + style_cov]])


def test_change_moment_is_that_of_masked_draws(random: np.random.Generator) -> None:
    change_cov, n = wishart(random, 3), 200_000
    draws = random.multivariate_normal(np.zeros(3), change_cov, size=n)
    draws = draws * (random.random((n, 3)) < 0.75)
    scale = np.sqrt(np.outer(np.diag(change_cov), np.diag(change_cov)))
    error = np.abs(draws.T @ draws / n - change_moment(change_cov, 0.75)) / scale
    assert error.max() < 5 * np.sqrt(3 / n)


def test_directions_diagonalise_both_pairs(random: np.random.Generator) -> None:
    content_cov, style_cov, change = wishart(random, 4), wishart(random, 3), wishart(random, 3)
    found = spectrum(content_cov, style_cov, change)
    rows = found.content_directions
    np.testing.assert_allclose(
        rows @ content_cov @ rows.T, np.diag(found.content_variances), atol=1e-10
    )
    rows = found.style_directions
    for matrix in (rows @ style_cov @ rows.T, rows @ change @ rows.T):
        np.testing.assert_allclose(matrix, np.diag(np.diag(matrix)), atol=1e-8)
    ratio = np.diag(rows @ style_cov @ rows.T) / np.diag(rows @ change @ rows.T)
    np.testing.assert_allclose(ratio, found.style_stabilities, rtol=1e-8)
    assert np.all(np.diff(found.style_stabilities) <= 0)
    assert np.all(np.diff(found.content_variances) <= 0)


def test_code_r2_is_the_r2_of_a_regression(random: np.random.Generator) -> None:
    covariance, code, directions = (
        wishart(random, 5),
        random.normal(size=(2, 5)),
        random.normal(size=(3, 5)),
    )
    n = 100_000
    z = random.multivariate_normal(np.zeros(5), covariance, size=n)
    u, y = z @ code.T, z @ directions.T
    residual = y - u @ np.linalg.lstsq(u, y, rcond=None)[0]
    measured = 1 - residual.var(0) / y.var(0)
    # The standard error of an R2 is at most 2 sqrt(R2) (1 - R2) / sqrt(n) < 0.77 / sqrt(n).
    np.testing.assert_allclose(code_r2(code, covariance, directions), measured, atol=4 / np.sqrt(n))


def test_a_code_of_content_keeps_content_and_of_style_what_the_cause_explains() -> None:
    covariance = latent_covariance(np.eye(2), np.eye(1), np.array([[2.0, 0.0]]))
    content_code = np.eye(2, 3)
    np.testing.assert_allclose(code_r2(content_code, covariance, np.eye(3)), [1, 1, 4 / 5])


@pytest.mark.parametrize("candidates", ["second_view", "separate", "both_ways"])
def test_contrastive_loss_is_the_limit_of_infonce_with_many_negatives(
    random: np.random.Generator, candidates: Candidates
) -> None:
    """Monte Carlo of E||u - u'||^2 + E log E exp(-||u - v||^2) for a random Gaussian code."""
    covariance, change = wishart(random, 4) / 4, wishart(random, 2) / 4
    code, n = random.normal(size=(2, 4)), 4000
    z = random.multivariate_normal(np.zeros(4), covariance, size=2 * n) @ code.T
    moved = random.multivariate_normal(np.zeros(2), change, size=2 * n) @ code[:, 2:].T
    first, second = z[:n], (z + moved)[:n]
    others = {"first": z[n:], "second": (z + moved)[n:]}
    pairs = {
        "second_view": [(first, others["second"])],
        "separate": [(first, others["first"])],
        "both_ways": [(first, others["second"]), (second, others["first"])],
    }
    per_anchor = (moved[:n] ** 2).sum(1) + np.mean(
        [np.log(np.exp(-((u[:, None] - v) ** 2).sum(-1)).mean(1)) for u, v in pairs[candidates]], 0
    )
    tensors = map(torch.from_numpy, (code, covariance, change))
    expected = contrastive_loss(*tensors, candidates=candidates).item()
    # Sampling error of the anchors, twice for that of the shared candidates.
    assert abs(per_anchor.mean() - expected) < 4 * 2 * per_anchor.std() / np.sqrt(n)


def test_predicted_code_beats_content_and_the_swap_and_obeys_its_bound(
    random: np.random.Generator,
) -> None:
    covariance, change = (
        latent_covariance(wishart(random, 3), wishart(random, 3), np.zeros((3, 3))),
        wishart(random, 3),
    )
    for gain in (0.3, 1.0, 3.0):
        code = predicted_code(covariance, change, n_outputs=3, gain=gain)
        assert np.linalg.norm(code, 2) <= gain * (1 + 1e-9)
        loss = contrastive_loss(*map(torch.from_numpy, (code, covariance, change)))
        rivals = [gain * np.eye(3, 6), gain * np.eye(6)[[0, 1, 3]], gain * np.eye(6)[3:]]
        for rival in rivals:
            assert loss <= contrastive_loss(*map(torch.from_numpy, (rival, covariance, change)))


def test_a_tiny_content_direction_is_dropped_for_a_style_direction_that_hardly_changes() -> None:
    content_cov, style_cov, change = np.diag([1.0, 1e-3]), np.eye(2), np.diag([1e-3, 1.0])
    covariance = latent_covariance(content_cov, style_cov, np.zeros((2, 2)))
    kept = code_r2(predicted_code(covariance, change, n_outputs=2, gain=2.0), covariance, np.eye(4))
    assert kept[0] > 0.95
    assert kept[1] < 0.05
    assert kept[2] > 0.95
    assert kept[3] < 0.05


def test_with_well_conditioned_content_and_changing_style_content_is_isolated() -> None:
    covariance = latent_covariance(np.eye(3), np.eye(3), np.zeros((3, 3)))
    code = predicted_code(covariance, np.eye(3), n_outputs=3, gain=2.0)
    np.testing.assert_allclose(code_r2(code, covariance, np.eye(6)), [1, 1, 1, 0, 0, 0], atol=1e-3)


def test_weakest_gain_is_that_of_a_linear_map(random: np.random.Generator) -> None:
    z = random.normal(size=(500, 4))
    assert weakest_gain(z @ np.diag([3.0, 2.0, 0.5, 1.0])[:, :3] + 7.0, z) == pytest.approx(0.5)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="gain must be positive, got 0"):
        predicted_code(np.eye(4), np.eye(2), n_outputs=2, gain=0.0)
    with pytest.raises(InputError, match="got 3 and 4"):
        weakest_gain(np.zeros((3, 2)), np.zeros((4, 2)))
