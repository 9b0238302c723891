"""Which directions of a world's latents an encoder keeps, beside what its spectrum predicts."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from causal_ssl import methods
from causal_ssl.analysis.spectrum import (
    Candidates,
    change_moment,
    code_r2,
    predicted_code,
    spectrum,
    weakest_gain,
)
from causal_ssl.experiments.content_style.evaluation import Evaluation, Row
from causal_ssl.objectives import InfoNCE, ReLIC

Array = NDArray[np.float64]
WHITENED = "content_whitened"


def spectrum_rows(evaluation: Evaluation) -> list[Row]:
    """R2 of every direction of the spectrum, measured and predicted; content R2 when whitened.

    Returns:
        Rows with metric r2_kernel_ridge and r2_linear for each content_direction_<k> and
        style_direction_<k> (strongest first) and their mean over content directions, which is the
        R2 in whitened coordinates; r2_predicted for directions, content and style; variance of
        each content direction, stability of each style direction.
    """
    world = evaluation.world
    covariance, n_c = world.latent_cov.numpy(), world.config.n_content
    change = change_moment(world.change_cov.numpy(), world.config.p_change)
    found = spectrum(covariance[:n_c, :n_c], covariance[n_c:, n_c:], change)
    rows = [
        *_rows("variance", "content_direction", found.content_variances),
        *_rows("stability", "style_direction", found.style_stabilities),
    ]
    latents = torch.cat([evaluation.points.latents[name] for name in ("content", "style")], dim=1)
    directions = found.in_latents()
    targets = latents @ torch.from_numpy(directions.copy()).T
    names = _names(n_c, world.config.n_style)
    for regressor in ("kernel_ridge", "linear"):
        table = evaluation.r2(regressor, {name: targets[:, [k]] for k, name in enumerate(names)})
        values = dict(zip(table["variable"], table["value"], strict=True))
        rows += [_row(f"r2_{regressor}", name, values[name]) for name in names]
        whitened = float(np.mean([values[name] for name in names[:n_c]]))
        rows.append(_row(f"r2_{regressor}", WHITENED, whitened))
    if evaluation.method and is_predicted(methods.get(evaluation.method)):
        rows += _predicted(evaluation, covariance, change, directions, latents.numpy())
    return rows


def is_predicted(method: methods.Method) -> bool:
    """Whether `analysis.spectrum` predicts its codes: its loss is contrastive, in squared L2.

    ReLIC's invariance term is no part of that prediction, its two directions are.

    Examples:
        >>> [name for name in methods.names() if is_predicted(methods.get(name))]
        ['infonce', 'relic', 'relic_t']
    """
    contrastive = issubclass(method.objective_class, InfoNCE | ReLIC)
    return contrastive and method.options["similarity"] == "neg_squared_l2"


def _predicted(
    evaluation: Evaluation, covariance: Array, change: Array, directions: Array, latents: Array
) -> list[Row]:
    n_c, n_outputs = evaluation.world.config.n_content, evaluation.representation.shape[1]
    gain = weakest_gain(evaluation.representation.numpy(), latents)
    # -||u - u'||^2 / tau is the similarity of u / sqrt(tau) at temperature 1, the prediction's.
    gain /= math.sqrt(evaluation.config.tau)
    if gain == 0:  # collapsed: it holds no direction, and there is nothing to predict
        return []
    candidates = _candidates(methods.get(evaluation.method), evaluation.config.negatives)
    code = predicted_code(covariance, change, n_outputs=n_outputs, gain=gain, candidates=candidates)
    names = _names(n_c, len(covariance) - n_c)
    by_direction = code_r2(code, covariance, directions)
    by_coordinate = code_r2(code, covariance, np.eye(len(covariance)))
    return [
        *(_row("r2_predicted", *pair) for pair in zip(names, by_direction, strict=True)),
        _row("r2_predicted", WHITENED, by_direction[:n_c].mean()),
        _row("r2_predicted", "content", by_coordinate[:n_c].mean()),
        _row("r2_predicted", "style", by_coordinate[n_c:].mean()),
    ]


def _candidates(method: methods.Method, negatives: str) -> Candidates:
    """What the method's anchors were compared with."""
    if issubclass(method.objective_class, ReLIC):
        return "both_ways"
    return "separate" if negatives == "separate" else "second_view"


def _names(n_content: int, n_style: int) -> list[str]:
    return [f"content_direction_{k + 1}" for k in range(n_content)] + [
        f"style_direction_{k + 1}" for k in range(n_style)
    ]


def _rows(metric: str, kind: str, values: Array) -> list[Row]:
    return [_row(metric, f"{kind}_{k + 1}", value) for k, value in enumerate(values)]


def _row(metric: str, variable: str, value: float) -> Row:
    return {"metric": metric, "variable": variable, "value": float(value)}
