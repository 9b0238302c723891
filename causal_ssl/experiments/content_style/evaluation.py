"""What an encoder, and a world, are asked: small functions from points to rows of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from causal_ssl.analysis.identifiability import r2_scores
from causal_ssl.analysis.kernel_ridge import KernelRidgeCV
from causal_ssl.analysis.spectrum import code_r2
from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.experiments.content_style.config import ALPHAS, NumericalStudy
from causal_ssl.randomness import generator_for

Row = dict[str, Any]
"""metric, variable and value; further keys become columns."""

Encoder = Callable[[Tensor], Tensor]
SHOWN_POINTS = 250
"""Score points kept for the scatter of true against predicted content."""


@dataclass(frozen=True)
class Points:
    """Latents and observations drawn from one world for evaluation, never trained on.

    Attributes:
        latents: "content" (n, n_c) and "style" (n, n_s).
        x: (n, d).
        n_fit: the first n_fit are for fitting regressions, the others for scoring them.
    """

    latents: Mapping[str, Tensor]
    x: Tensor
    n_fit: int


@dataclass(frozen=True)
class Evaluation:
    """An encoder's outputs on the points of its world: what an evaluator gets.

    Attributes:
        representation: (n, d_f), float64, the units in which the objective compares.
        method: what it was trained with; "" for none.
        device: where the regressions are computed.
    """

    config: NumericalStudy
    world: ContentStyle
    points: Points
    representation: Tensor
    method: str = ""
    device: str = "cpu"

    @cached_property
    def kernel_ridge(self) -> pd.DataFrame:
        """`r2_scores` of content and style by kernel ridge, computed once."""
        return self.r2("kernel_ridge")

    def r2(self, regressor: str, latents: Mapping[str, Tensor] | None = None) -> pd.DataFrame:
        """`r2_scores` of the representation with the study's regression settings.

        Args:
            regressor: "kernel_ridge" or "linear".
            latents: variable -> (n, k); content and style when left out.
        """
        return r2_scores(
            self.representation,
            self.points.latents if latents is None else latents,
            regressor=regressor,
            n_fit=self.points.n_fit,
            alphas=ALPHAS[self.config.alphas],
            gammas=self.config.gammas,
            cv=self.config.folds,
            device=self.device,
        )


def draw_points(world: ContentStyle, config: NumericalStudy) -> Points:
    """Evaluation points of a world: the same for every method."""
    generator = generator_for(world.seed, "evaluation")
    sample = world.sample(config.n_fit + config.n_score, generator=generator)
    latents = {"content": sample.content.double(), "style": sample.style.double()}
    return Points(latents, sample.x, config.n_fit)


def evaluate(
    encoder: Encoder,
    world: ContentStyle,
    config: NumericalStudy,
    *,
    method: str = "",
    device: str = "cpu",
) -> Evaluation:
    """Apply an encoder, x (n, d) -> (n, d_f), to the evaluation points of a world.

    Args:
        method: what it was trained with; "" for none.
        device: where the regressions are to be computed; the encoder is applied where it is.
    """
    points = draw_points(world, config)
    with torch.no_grad():
        representation = torch.cat([encoder(part) for part in points.x.split(8192)])
    return Evaluation(config, world, points, representation.double().cpu(), method, device)


def identifiability_rows(evaluation: Evaluation) -> list[Row]:
    """R2 of content and style, by kernel ridge and by linear regression."""
    return _rows(pd.concat([evaluation.kernel_ridge, evaluation.r2("linear")]))


def reference_rows(world: ContentStyle, config: NumericalStudy, device: str = "cpu") -> list[Row]:
    """What dependence alone makes predictable: style from true content, content from true style.

    The first is the score on style of a perfect content representation (not a ceiling), the second
    the score on content of a representation that holds style alone. Estimated by the study's own
    regressors, and in closed form.
    """
    points = draw_points(world, config)
    covariance, n_c = world.latent_cov.numpy(), world.config.n_content
    identity = np.eye(len(covariance))
    coordinates = {"content": identity[:n_c], "style": identity[n_c:]}
    rows: list[Row] = []
    for known, asked in (("content", "style"), ("style", "content")):
        name = f"{asked}_from_true_{known}"
        perfect = Evaluation(config, world, points, points.latents[known], device=device)
        for regressor in ("kernel_ridge", "linear"):
            rows += _rows(perfect.r2(regressor, {name: points.latents[asked]}))
        closed = code_r2(coordinates[known], covariance, coordinates[asked]).mean()
        rows.append({"metric": "r2_closed_form", "variable": name, "value": float(closed)})
    return rows


def shown_predictions(evaluation: Evaluation) -> pd.DataFrame:
    """Kernel-ridge predictions of content at some score points, for a scatter plot.

    Returns:
        One row a point and coordinate: coordinate (from 0), true, predicted, standardised with
        the fit points' mean and deviation.
    """
    (chosen,) = evaluation.kernel_ridge.query("variable == 'content'").to_dict("records")
    n_fit = min(evaluation.points.n_fit, 2048)
    f = _standardised(evaluation.representation, n_fit)
    content = _standardised(evaluation.points.latents["content"], n_fit)
    model = KernelRidgeCV(
        alphas=(chosen["alpha"],), gammas=(chosen["gamma"],), cv=evaluation.config.folds
    ).fit(f[:n_fit], content[:n_fit])
    shown = slice(evaluation.points.n_fit, evaluation.points.n_fit + SHOWN_POINTS)
    true, predicted = content[shown], model.predict(f[shown])
    n, k = true.shape
    return pd.DataFrame(
        {
            "coordinate": np.tile(np.arange(k), n),
            "true": true.ravel(),
            "predicted": predicted.ravel(),
        }
    )


def _standardised(values: Tensor, n_fit: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    fit = values[:n_fit]
    return ((values - fit.mean(0)) / fit.std(0, correction=0)).numpy()


def _rows(table: pd.DataFrame) -> list[Row]:
    return [
        {key: row[key] for key in ("metric", "variable", "value")}
        for row in table.to_dict("records")
    ]
