"""Which directions of the latents a code of few dimensions keeps, in closed form.

Coordinate-wise R2 hides what a near-singular covariance does: content may hold a direction of
tiny variance, and style one that interventions hardly change. A code of n_c outputs whose gain is
bounded can lower the contrastive loss by dropping the first for the second. This module finds
those directions and predicts, for a linear-Gaussian world, what such a code keeps.

With view 1 z = (c, s) of covariance S and view 2 z + (0, d), E[d d'] = D, a linear code u = W z
has, in the limit of many negatives, the contrastive loss of -||u - u'||^2 at temperature 1

    L(W) = tr(V) - 1/2 log det(I + 2 C) - tr((I + 2 C)^-1 U),
    U = W S W',  V = W (0 (+) D) W',  C = U + V,

where the first term aligns views and the others are E log E exp(-||u - u'||^2) over independent
samples: Gaussian anchors u of covariance U, candidates u' of covariance C, which is that of second
views (C = U where a separate batch of first views gives the candidates). The random subset of
changed dimensions makes d a mixture, of which the moment D is kept. Unbounded, W would isolate
content by blowing it up; a trained network has a finite gain, which is the one number the
prediction takes from it: the smallest singular value of its linear fit on the latents, the gain of
the direction it keeps most weakly, because directions compete at that margin. (On 16 trained
worlds apart from any study's, predicted and measured R2 of 160 directions correlate .96 with the
smallest, .88 with the geometric mean and .83 with the mean of the singular values.)
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize

from causal_ssl.errors import InputError

Array = NDArray[np.float64]
Candidates = Literal["second_view", "separate", "both_ways"]


@dataclass(frozen=True)
class Spectrum:
    """Directions of a world's latents, the strongest first.

    Attributes:
        content_variances: (n_c,), eigenvalues of the content covariance, descending.
        content_directions: (n_c, n_c), row k the unit direction of content_variances[k].
        style_stabilities: (n_s,), style variance over squared change along each generalised
            eigen-direction, descending: large means that interventions hardly change it.
        style_directions: (n_s, n_s), row k the unit direction of style_stabilities[k].
    """

    content_variances: Array
    content_directions: Array
    style_stabilities: Array
    style_directions: Array

    def in_latents(self) -> Array:
        """All directions as rows over z = (content, style): (n_c + n_s, n_c + n_s)."""
        n_c, n_s = len(self.content_variances), len(self.style_stabilities)
        rows = np.zeros((n_c + n_s, n_c + n_s))
        rows[:n_c, :n_c] = self.content_directions
        rows[n_c:, n_c:] = self.style_directions
        return rows


def change_moment(change_cov: Array, p_change: float) -> Array:
    """E[d d'] of a style change: d_A ~ N(0, change_cov_A), each dimension in A with p_change.

    Two different dimensions change together with probability p_change^2 (Assumption 3.2 of
    arXiv:2106.04619 with independent membership in A). Shape (n_s, n_s).

    Examples:
        >>> change_moment(np.array([[1.0, 0.5], [0.5, 1.0]]), 0.5)
        array([[0.5  , 0.125],
               [0.125, 0.5  ]])
    """
    together = np.full_like(change_cov, p_change**2)
    np.fill_diagonal(together, p_change)
    return change_cov * together


def spectrum(content_cov: Array, total_style_cov: Array, change: Array) -> Spectrum:
    """Eigen-directions of content, generalised eigen-directions of style against its change.

    Args:
        content_cov: (n_c, n_c).
        total_style_cov: (n_s, n_s), marginal, not given content.
        change: (n_s, n_s), from `change_moment`; must be positive definite.

    Examples:
        >>> found = spectrum(np.diag([4.0, 1.0]), np.diag([1.0, 9.0]), np.diag([1.0, 1.0]))
        >>> found.content_variances, found.style_stabilities
        (array([4., 1.]), array([9., 1.]))
    """
    variances, content = np.linalg.eigh(content_cov)
    stabilities, style = eigh(total_style_cov, change)
    style = style / np.linalg.norm(style, axis=0)
    return Spectrum(variances[::-1], content.T[::-1], stabilities[::-1], style.T[::-1])


def code_r2(code: Array, covariance: Array, directions: Array) -> Array:
    """R2 of the best linear (for Gaussian latents: the best) predictor of z @ t from u = code @ z.

    Args:
        code: (d_f, n), of full row rank on the support of z.
        covariance: (n, n) of z.
        directions: (k, n), one target direction t a row.

    Returns:
        (k,), in [0, 1].

    Examples:
        >>> code_r2(np.array([[1.0, 1.0]]), np.eye(2), np.eye(2))
        array([0.5, 0.5])
    """
    shared = code @ covariance @ directions.T
    explained = np.einsum("dk,dk->k", shared, np.linalg.pinv(code @ covariance @ code.T) @ shared)
    return explained / np.einsum("kn,nm,km->k", directions, covariance, directions)


def weakest_gain(representation: Array, latents: Array) -> float:
    """Smallest singular value of the least-squares linear map from latents to representation.

    Args:
        representation: (n, d_f), in the units in which the objective compares.
        latents: (n, k), in the world's units, n > k.
    """
    if len(representation) != len(latents) or len(latents) <= latents.shape[1]:
        raise InputError(
            f"weakest_gain needs equally many representations and latents, more than"
            f" {latents.shape[1]}: got {len(representation)} and {len(latents)}"
        )
    centred = latents - latents.mean(0)
    slope, *_ = np.linalg.lstsq(centred, representation - representation.mean(0), rcond=None)
    return float(np.linalg.svd(slope, compute_uv=False).min())


def contrastive_loss(
    code: torch.Tensor,
    covariance: torch.Tensor,
    change: torch.Tensor,
    *,
    candidates: Candidates = "second_view",
) -> torch.Tensor:
    """L(W) of the module's docstring, in nats, up to log(number of negatives).

    Args:
        code: (d_f, n_c + n_s), the W of the linear code.
        covariance: (n_c + n_s, n_c + n_s) of z.
        change: (n_s, n_s), second moment of the style change.
        candidates: what anchors (first views) are compared with: second views, a separate batch
            of first views, or "both_ways": the mean of the loss with anchors from either view and
            candidates from the other.
    """
    style = code[:, -len(change) :]
    moved = style @ change @ style.T
    first = code @ covariance @ code.T
    second = first + moved
    if candidates == "second_view":
        return moved.trace() - _repulsion(first, second)
    if candidates == "separate":
        return moved.trace() - _repulsion(first, first)
    return moved.trace() - (_repulsion(first, second) + _repulsion(second, first)) / 2


def _repulsion(anchors: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    """-E log E exp(-||u - u'||^2), over u and inside over u', from their covariances."""
    metric = torch.eye(len(anchors), dtype=anchors.dtype) + 2 * candidates
    return torch.logdet(metric) / 2 + torch.linalg.solve(metric, anchors).trace()


def predicted_code(
    covariance: Array,
    change: Array,
    *,
    n_outputs: int,
    gain: float,
    candidates: Candidates = "second_view",
    starts: int = 6,
) -> Array:
    """The linear code of largest singular value at most `gain` that minimises `contrastive_loss`.

    Args:
        covariance: (n_c + n_s, n_c + n_s) of z.
        change: (n_s, n_s), from `change_moment`.
        n_outputs: rows of the code.
        gain: bound on the singular values, in outputs per unit of latent.
        candidates: see `contrastive_loss`.
        starts: local searches from fixed random codes, of which the best is kept.

    Returns:
        (n_outputs, n_c + n_s), defined up to a rotation of the outputs.
    """
    if gain <= 0:
        raise InputError(f"gain must be positive, got {gain}: take it from weakest_gain")
    size = len(covariance)
    sigma, moment = torch.from_numpy(covariance), torch.from_numpy(change)

    def bounded(free: torch.Tensor) -> torch.Tensor:
        # With L L' = I + F F' the eigenvalues of (L^-1 F)(L^-1 F)' lie in [0, 1), and every code of
        # smaller norm is such an L^-1 F up to the rotation that the loss does not see.
        factor = torch.linalg.cholesky(torch.eye(n_outputs, dtype=torch.float64) + free @ free.T)
        return gain * torch.linalg.solve_triangular(factor, free, upper=False)

    def value_and_gradient(flat: Array) -> tuple[float, Array]:
        free = torch.from_numpy(flat).reshape(n_outputs, size).clone().requires_grad_()
        loss = contrastive_loss(bounded(free), sigma, moment, candidates=candidates)
        (slope,) = torch.autograd.grad(loss, free)
        return loss.item(), slope.reshape(-1).numpy()

    random = np.random.default_rng(0)
    found = [
        minimize(
            value_and_gradient, random.normal(size=n_outputs * size), jac=True, method="L-BFGS-B"
        )
        for _ in range(starts)
    ]
    best = min(found, key=lambda result: result.fun)
    return bounded(torch.from_numpy(best.x).reshape(n_outputs, size)).numpy()
