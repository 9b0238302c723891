"""How much of the ground truth a representation holds: R2, MCC and class accuracy.

table = r2_scores(f(x), {"content": c, "style": s}, regressor="kernel_ridge")
from_content = r2_scores(c, {"style": s})       # the content-only reference for style
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from causal_ssl.analysis._splits import Floats, checked_n_fit, fit_and_score, matrix_of, points_of
from causal_ssl.analysis.kernel_ridge import KernelRidgeCV
from causal_ssl.errors import InputError, unknown_name
from causal_ssl.randomness import derived_seed

REGRESSORS = ("kernel_ridge", "linear")
CORRELATIONS = ("pearson", "spearman")


def r2_scores(
    representation: ArrayLike | Tensor,
    latents: Mapping[str, ArrayLike | Tensor],
    *,
    regressor: str = "kernel_ridge",
    score_representation: ArrayLike | Tensor | None = None,
    score_latents: Mapping[str, ArrayLike | Tensor] | None = None,
    n_fit: int | None = None,
    coordinates: bool = False,
    n_permutations: int = 0,
    seed: int = 0,
    alphas: Sequence[float] = (1.0, 0.1, 0.01, 0.001),
    gammas: Sequence[float] = tuple(np.logspace(-2, 2, 4).tolist()),
    cv: int = 3,
    device: torch.device | str | None = None,
) -> pd.DataFrame:
    """R2 of each latent variable predicted from a representation, on points not fitted on.

    Inputs and targets are standardised with the mean and deviation of the fit points. Kernel ridge
    chooses one (alpha, gamma) a variable by cross-validation among the fit points.

    Args:
        representation: (n, d_f), in any units.
        latents: variable -> (n, k) or (n,), row i belonging to row i of the representation.
        regressor: "kernel_ridge" (Gaussian kernel) or "linear" (least squares with intercept).
        score_representation, score_latents: the points to score on, (m, d_f) and as `latents`.
        n_fit: instead of these, fit on the first n_fit rows and score on the rest. Without either,
            the first half is fitted on.
        coordinates: add a row for each coordinate of a variable.
        n_permutations: add chance levels: as many refits to shuffled pairs, each coordinate of
            the latents of the fit points permuted together, under the metric's name + "_permuted".
        seed: of the permutations.
        alphas, gammas, cv, device: as `KernelRidgeCV`; gammas in standardised units.

    Returns:
        One row a variable: metric ("r2_kernel_ridge" or "r2_linear"), variable, coordinate
        ("average", or "0", "1", ... when asked for), value, permutation (-1 where pairs are
        intact), alpha and gamma (NaN for "linear"), n_fit, n_score. A value is at most 1; chance
        is 0 or slightly below (about -d_f / n_fit for "linear").

    Raises:
        InputError: NaN, lengths or variables that do not match, points both fitted on and scored,
            a constant latent coordinate, fewer fit points than folds, an unknown regressor.

    von Kuegelgen et al. 2021 (arXiv:2106.04619), section 5.1.

    Examples:
        >>> z = np.random.default_rng(0).normal(size=(400, 4))
        >>> table = r2_scores(z[:, :2] ** 3, {"content": z[:, :2], "style": z[:, 2:]})
        >>> table.loc[0, ["metric", "variable", "coordinate"]].tolist()
        ['r2_kernel_ridge', 'content', 'average']
        >>> (table["value"] > 0.8).tolist()
        [True, False]
    """
    if regressor not in REGRESSORS:
        raise unknown_name("regressor", regressor, REGRESSORS)
    if n_permutations < 0:
        raise InputError(f"n_permutations is {n_permutations}: expected 0 or more")
    device = device or (representation.device if isinstance(representation, Tensor) else None)
    fit, score = fit_and_score(
        representation, latents, score_representation, score_latents, n_fit, cv
    )
    x_scaler, z_scaler = StandardScaler().fit(fit.inputs), StandardScaler().fit(fit.targets)
    x, z = x_scaler.transform(fit.inputs), z_scaler.transform(fit.targets)
    shuffles = [np.arange(len(x)), *_permutations(len(x), n_permutations, seed)]
    targets = np.concatenate([z[shuffle] for shuffle in shuffles], axis=1)
    labels = [(p, name) for p in range(len(shuffles)) for name in fit.names]
    model: Any = LinearRegression()
    if regressor == "kernel_ridge":
        model = KernelRidgeCV(
            alphas=alphas, gammas=gammas, cv=cv, target_groups=labels, device=device
        )
    model.fit(x, targets)
    truth = np.tile(z_scaler.transform(score.targets), len(shuffles))
    predicted = model.predict(x_scaler.transform(score.inputs))
    rows = pd.DataFrame(
        {
            "metric": [f"r2_{regressor}" + ("_permuted" if p else "") for p, _ in labels],
            "variable": [name for _, name in labels],
            "coordinate": fit.coordinates * len(shuffles),
            "value": r2_score(truth, predicted, multioutput="raw_values"),
            "permutation": [p - 1 for p, _ in labels],
            "alpha": getattr(model, "alpha_", np.nan),
            "gamma": getattr(model, "gamma_", np.nan),
            "n_fit": len(x),
            "n_score": len(truth),
        }
    )
    return _with_averages(rows, coordinates)


def _with_averages(rows: pd.DataFrame, coordinates: bool) -> pd.DataFrame:
    """A row a variable with the mean over its coordinates, ahead of these if they are wanted."""
    keys = ["metric", "variable", "permutation"]
    others = [name for name in rows.columns if name not in {*keys, "coordinate", "value"}]
    average = rows.groupby(keys, sort=False, as_index=False).agg(
        {"value": "mean", **dict.fromkeys(others, "first")}
    )
    average["coordinate"] = "average"
    table = pd.concat([average, rows] if coordinates else [average], ignore_index=True)
    return table[rows.columns]


def _permutations(n: int, count: int, seed: int) -> list[NDArray[np.int64]]:
    draws = (np.random.default_rng(derived_seed(seed, "permuted pairs", k)) for k in range(count))
    return [draw.permutation(n) for draw in draws]


@dataclass(frozen=True)
class Matching:
    """One-to-one matching of representation to latent coordinates.

    `index` (k,): the representation coordinate matched to each latent one, -1 where there are too
    few; `correlation` (k,): their signed correlation, 0 where unmatched; `mcc`: the mean of its
    absolute values.
    """

    index: NDArray[np.int64]
    correlation: Floats
    mcc: float


def match_coordinates(
    representation: ArrayLike | Tensor, latents: ArrayLike | Tensor, *, correlation: str = "pearson"
) -> Matching:
    """The matching of coordinates that maximises the mean absolute correlation.

    Args and Raises as `mcc`.
    """
    if correlation not in CORRELATIONS:
        raise unknown_name("correlation", correlation, CORRELATIONS)
    points = points_of("mcc", representation, {"latents": latents})
    f, z = points.inputs, points.targets
    if correlation == "spearman":
        f, z = rankdata(f, axis=0), rankdata(z, axis=0)
    correlations = StandardScaler().fit_transform(f).T @ StandardScaler().fit_transform(z) / len(f)
    rows, columns = linear_sum_assignment(np.abs(correlations), maximize=True)
    index = np.full(z.shape[1], -1, dtype=np.int64)
    matched = np.zeros(z.shape[1])
    index[columns], matched[columns] = rows, correlations[rows, columns]
    return Matching(index, matched, float(np.abs(matched).mean()))


def mcc(
    representation: ArrayLike | Tensor, latents: ArrayLike | Tensor, *, correlation: str = "pearson"
) -> float:
    """Mean correlation coefficient: are the latents found one by one, up to sign and scale?

    The mean absolute correlation over latent coordinates, each matched to its own representation
    coordinate by optimal assignment; a latent left without a partner (d_f < k) counts 0.

    Args:
        representation: (n, d_f), in any units.
        latents: (n, k).
        correlation: "pearson", or "spearman" for recovery up to monotone functions.

    Returns:
        In [0, 1], 1 for a signed permutation of the latents. Chance is above 0: with k = d_f
        independent coordinates about sqrt(2 log(k) / n).

    Raises:
        InputError: NaN, lengths that differ, a constant latent coordinate, an unknown correlation.

    Hyvarinen & Morioka 2016 (arXiv:1605.06336).

    Examples:
        >>> z = np.random.default_rng(0).normal(size=(500, 3))
        >>> round(mcc(z[:, [2, 0, 1]] * [1.0, -3.0, 0.5], z), 6)
        1.0
    """
    return match_coordinates(representation, latents, correlation=correlation).mcc


def class_accuracy(
    representation: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    *,
    score_representation: ArrayLike | Tensor | None = None,
    score_labels: ArrayLike | Tensor | None = None,
    n_fit: int | None = None,
) -> float:
    """Accuracy of a logistic regression from the standardised representation to a class.

    Args:
        representation: (n, d_f), in any units.
        labels: (n,) class of each point.
        score_representation, score_labels, n_fit: the points to score on, as in `r2_scores`.

    Returns:
        In [0, 1]; chance is the share of the most frequent class among the score points.

    Raises:
        InputError: NaN, lengths that differ, a single class among the fit points.

    Examples:
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> class_accuracy(x, x[:, 0] > 0) > 0.9
        True
    """
    x, y = _labelled("fit", representation, labels)
    if (score_representation is None) != (score_labels is None):
        raise InputError("score_representation and score_labels go together: pass both or neither")
    if score_representation is None:
        cut = checked_n_fit(n_fit, len(x))
        x, y, score_x, score_y = x[:cut], y[:cut], x[cut:], y[cut:]
    elif n_fit is not None:
        raise InputError(f"n_fit is {n_fit} and a score set is given: pass one of them")
    else:
        score_x, score_y = _labelled("score", score_representation, score_labels)
    if len(np.unique(y)) < 2:
        raise InputError(f"all fit points have class {y[0]!r}: logistic regression needs two")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y)
    return float(model.score(score_x, score_y))


def _labelled(
    what: str, representation: ArrayLike | Tensor, labels: Any
) -> tuple[Floats, NDArray[Any]]:
    x = matrix_of(f"{what} representation", representation)
    y = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if y.shape != (len(x),):
        raise InputError(
            f"{what} labels have shape {y.shape}, expected ({len(x)},): pass one class a sample"
        )
    return x, y
