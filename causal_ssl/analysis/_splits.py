"""The points that a measure fits on and those that it scores on: checked, and disjoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from causal_ssl.analysis._inputs import finite_matrix
from causal_ssl.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """Representations (n, d) and latents (n, t), with name and coordinate of each column."""

    inputs: Floats
    targets: Floats
    names: list[str]
    coordinates: list[str]

    def rows(self, rows: slice) -> "Points":
        return Points(self.inputs[rows], self.targets[rows], self.names, self.coordinates)


def points_of(
    what: str, representation: ArrayLike | Tensor, latents: Mapping[str, ArrayLike | Tensor]
) -> Points:
    if not latents:
        raise InputError(f"{what} latents are empty: name at least one variable to predict")
    inputs = matrix_of(f"{what} representation", representation)
    blocks = {name: matrix_of(f"{what} latent {name!r}", z) for name, z in latents.items()}
    for name, block in blocks.items():
        if len(block) != len(inputs):
            raise InputError(
                f"{what} latent {name!r} has {len(block)} rows and the representation "
                f"{len(inputs)}: pass one row of each a sample"
            )
        constant = np.flatnonzero(np.ptp(block, axis=0) == 0)
        if len(constant):
            raise InputError(
                f"{what} latent {name!r} is constant in coordinate {constant[0]}: R2 is undefined "
                "there, leave that coordinate out"
            )
    names = [name for name, block in blocks.items() for _ in range(block.shape[1])]
    coordinates = [str(k) for block in blocks.values() for k in range(block.shape[1])]
    return Points(inputs, np.concatenate(list(blocks.values()), axis=1), names, coordinates)


def fit_and_score(
    representation: ArrayLike | Tensor,
    latents: Mapping[str, ArrayLike | Tensor],
    score_representation: ArrayLike | Tensor | None,
    score_latents: Mapping[str, ArrayLike | Tensor] | None,
    n_fit: int | None,
    cv: int,
) -> tuple[Points, Points]:
    if (score_representation is None) != (score_latents is None):
        raise InputError("score_representation and score_latents go together: pass both or neither")
    fit = points_of("fit", representation, latents)
    if score_representation is None or score_latents is None:
        n_fit = checked_n_fit(n_fit, len(fit.inputs))
        fit, score = fit.rows(slice(n_fit)), fit.rows(slice(n_fit, None))
        _refuse_constant(fit, "fit")
        _refuse_constant(score, "score")
    else:
        if n_fit is not None:
            raise InputError(f"n_fit is {n_fit} and a score set is given: pass one of them")
        if set(score_latents) != set(latents):
            raise InputError(
                f"score_latents holds {sorted(score_latents)} and latents {sorted(latents)}: "
                "pass the same variables"
            )
        ordered = {name: score_latents[name] for name in latents}
        score = points_of("score", score_representation, ordered)
        _refuse_other_columns(fit, score)
    if len(fit.inputs) < cv:
        raise InputError(
            f"{len(fit.inputs)} fit points cannot make {cv} folds: pass more points or a smaller cv"
        )
    _refuse_overlap(fit, score)
    return fit, score


def checked_n_fit(n_fit: int | None, n: int) -> int:
    n_fit = n // 2 if n_fit is None else n_fit
    if not 2 <= n_fit <= n - 2:
        raise InputError(
            f"n_fit is {n_fit} of {n} points: leave at least two to fit on and two to score on"
        )
    return n_fit


def _refuse_constant(points: Points, what: str) -> None:
    constant = np.flatnonzero(np.ptp(points.targets, axis=0) == 0)
    if len(constant):
        name, coordinate = points.names[constant[0]], points.coordinates[constant[0]]
        raise InputError(
            f"latent {name!r} is constant in coordinate {coordinate} on the {what} points: R2 is "
            "undefined there, shuffle the points or leave that coordinate out"
        )


def _refuse_other_columns(fit: Points, score: Points) -> None:
    if (fit.inputs.shape[1], fit.names) != (score.inputs.shape[1], score.names):
        raise InputError(
            f"the score set has {score.inputs.shape[1]} representation and {len(score.names)} "
            f"latent coordinates, the fit set {fit.inputs.shape[1]} and {len(fit.names)}: "
            "they must be the same"
        )


def _refuse_overlap(fit: Points, score: Points) -> None:
    """A point in both sets inflates every R2 (public code has scored points that it fitted on)."""
    fitted = {row.tobytes() for row in np.concatenate([fit.inputs, fit.targets], axis=1)}
    scored = np.concatenate([score.inputs, score.targets], axis=1)
    shared = sum(row.tobytes() in fitted for row in scored)
    if shared:
        raise InputError(
            f"{shared} of {len(scored)} score points are among the fit points: make them disjoint"
        )


def matrix_of(name: str, values: Any) -> Floats:
    """`values` as a finite float64 matrix; a vector becomes one column."""
    if not isinstance(values, Tensor):
        values = np.asarray(values)
    matrix: Floats = (
        finite_matrix(name, values[:, None] if values.ndim == 1 else values).cpu().numpy()
    )
    return matrix
