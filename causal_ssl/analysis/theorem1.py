"""Theorem 1 on finite models, exactly: is the gap of every task bounded by the gap of the proxy?

results = check_models("refinement", range(1000))    # a row a model and measure
results["violations"].sum()                          # 0
summary(results)                                     # models, violations, models_with_gap, gap

If the task is a channel of the proxy, Y_t independent of (f(X), S) given Y_R, the data processing
inequality bounds its gap: for every f-divergence D, environments i, j and value v,

    D(p_i(Y_t | f = v) || p_j(Y_t | f = v)) <= D(p_i(Y_R | f = v) || p_j(Y_R | f = v)),

hence Theorem 1 of arXiv:2010.07922, where the right side is 0. Averaged over f it reads
I(Y_t; E | f) <= I(Y_R; E | f). Both are checked on laws enumerated in float64.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from causal_ssl.analysis.theorem1_settings import PROXY, REPRESENTATION, TASK, Case, draw
from causal_ssl.divergences import F_DIVERGENCES
from causal_ssl.scm.finite_invariance import (
    Floats,
    checked_weights,
    common_mass,
    environment_laws,
    information,
    pointwise_gaps,
)

MEASURES = (*F_DIVERGENCES, "information")
"""The divergences of the pointwise bound, and I(Y; E | f) of the averaged one."""

TOLERANCE = 1e-12
"""Relative to max(1, D). Against 40-digit arithmetic the gaps were off by 2e-15 of it at most.

It also tells a gap from none: of 60,000 models those with equal laws had at most 2e-16, in total
variation, and all others at least 9e-9.
"""


def check_models(setting: str, seeds: Iterable[int]) -> pd.DataFrame:
    """`check` of the models that the seeds stand for in a setting, one table.

    Raises:
        InputError: an unknown setting.

    Examples:
        >>> results = check_models("channel", range(20))
        >>> len(results), int(results["violations"].sum())
        (120, 0)
    """
    return pd.DataFrame([row for seed in seeds for row in _rows(draw(setting, seed))])


def check(case: Case) -> pd.DataFrame:
    """Whether the bound holds in a model, at every value of f that two environments share.

    Returns:
        A row a measure, with the columns
        - setting, seed; measure: kl, js, tv, hellinger2, chi2, information;
        - comparisons: ordered pairs of environments and values of f compared (1 for information);
        - violations: those where the task's gap exceeds the proxy's by more than 1e-12 max(1, D);
        - excess: the largest (task - proxy) / max(1, proxy); NaN without comparisons;
        - proxy_gap, task_gap: the largest gaps, in nats where the measure has a unit;
        and, the same in each row,
        - environments: their number; overlap: the smallest of two laws of f, in [0, 1];
        - proxy_accuracy, task_accuracy: of the Bayes predictor from f, environments pooled;
        - premise_gap: the largest total variation between environments of p(Y_t | Y_R, f);
        - channel_gap: that of p(Y_t | Y_R), which is 0 also in some models where the bound fails.

    Examples:
        >>> from causal_ssl.analysis.theorem1_settings import hidden_channel_bits
        >>> bits = check(hidden_channel_bits()).set_index("measure").loc["tv"]
        >>> print(*bits[["proxy_gap", "task_gap", "channel_gap", "overlap"]])
        0.0 1.0 0.0 1.0
    """
    return pd.DataFrame(_rows(case))


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """What `check_models` found in each setting, over its models.

    Args:
        results: rows of `check_models`, of one or several settings.

    Returns:
        Columns setting, metric, variable, value, with the metrics
        - models: how many; models_compared: in which two environments share a value of f;
          models_with_gap: with a proxy gap in total variation above 1e-12; models_violating: with
          at least one violation (variable "all");
        - violations, comparisons (variable: a measure, or "all" for their sum);
        - excess (variable: a measure): the largest, over models with comparisons;
        - gap, task_gap (variable: a measure): the median over models of the largest gaps.

    Examples:
        >>> table = summary(check_models("entangled_representation", range(10)))
        >>> table.set_index(["metric", "variable"])["value"].loc[
        ...     [("models", "all"), ("models_with_gap", "all"), ("violations", "all")]
        ... ].tolist()
        [10.0, 10.0, 0.0]
    """
    rows = [
        {"setting": setting, "metric": metric, "variable": variable, "value": float(value)}
        for setting, of_setting in results.groupby("setting", sort=False)
        for (metric, variable), value in _metrics(of_setting).items()
    ]
    return pd.DataFrame(rows)


def _metrics(results: pd.DataFrame) -> dict[tuple[str, str], float]:
    tv = results[results["measure"] == "tv"]
    violating = results.groupby("seed")["violations"].sum() > 0
    counts = {
        "models": len(tv),
        "models_compared": (tv["comparisons"] > 0).sum(),
        "models_with_gap": (tv["proxy_gap"] > TOLERANCE).sum(),
        "models_violating": violating.sum(),
        "violations": results["violations"].sum(),
        "comparisons": results["comparisons"].sum(),
    }
    by_measure = results.groupby("measure", sort=False).agg(
        violations=("violations", "sum"),
        comparisons=("comparisons", "sum"),
        excess=("excess", "max"),
        gap=("proxy_gap", "median"),
        task_gap=("task_gap", "median"),
    )
    return {(metric, "all"): value for metric, value in counts.items()} | {
        (metric, measure): by_measure.loc[measure, metric]
        for metric in by_measure
        for measure in by_measure.index
    }


@dataclass(frozen=True, eq=False)
class Comparison:
    """All gaps of a model, over ordered pairs of its e environments and k_f values of f.

    Attributes:
        law: (e, k_f, k_R, k_t), p_e(F, Y_R, Y_t).
        labelled: (2, e, k_f, max(k_R, k_t)), p_e(F, Y_R) and p_e(F, Y_t), the shorter with zeros.
        gaps: (d, 2, e, e, k_f), of proxy and task in the `F_DIVERGENCES`; NaN off the common
            support.
        excess: (d, e, e, k_f), (task - proxy) / max(1, proxy), or its limits where they are
            infinite; NaN also where i = j.
    """

    law: Floats
    labelled: Floats
    gaps: Floats
    excess: Floats


def compare(case: Case) -> Comparison:
    """The gaps of proxy and task at every value of f that two environments share."""
    law = environment_laws(case.scm, case.environments, REPRESENTATION, PROXY, TASK)
    law = law.astype(np.float64)
    e, k_f, k_proxy, k_task = law.shape
    # A label of probability 0 adds nothing to any divergence: one array holds both.
    labelled = np.zeros((2, e, k_f, max(k_proxy, k_task)))
    labelled[0, ..., :k_proxy], labelled[1, ..., :k_task] = law.sum(3), law.sum(2)
    gaps = pointwise_gaps(labelled, list(F_DIVERGENCES))
    excess = _excess(proxy=gaps[:, 0], task=gaps[:, 1])
    excess[:, np.eye(e, dtype=bool)] = np.nan
    return Comparison(law, labelled, gaps, excess)


def _excess(proxy: Floats, task: Floats) -> Floats:
    """(task - proxy) / max(1, proxy); an infinite proxy bounds everything: 0 or -1."""
    with np.errstate(invalid="ignore"):
        relative = (task - proxy) / np.maximum(1, proxy)
    return np.where(np.isinf(proxy), np.where(np.isinf(task), 0.0, -1.0), relative)


def _rows(case: Case) -> list[dict[str, Any]]:
    found = compare(case)
    e = len(found.law)
    averages = information(found.labelled, checked_weights(None, e))
    average_excess = _excess(*averages)
    violations = (found.excess > TOLERANCE).sum((1, 2, 3)).tolist()
    worst_excess = _largest(found.excess).tolist()
    proxy_gaps, task_gaps = (_largest(found.gaps[:, label]).tolist() for label in (0, 1))
    proxy_accuracy, task_accuracy = found.labelled.mean(1).max(-1).sum(-1).tolist()
    columns = {
        "measure": MEASURES,
        "comparisons": [int((~np.isnan(found.excess[0])).sum())] * len(violations) + [1],
        "violations": [*violations, int(average_excess > TOLERANCE)],
        "excess": [*worst_excess, float(average_excess)],
        "proxy_gap": [*proxy_gaps, float(averages[0])],
        "task_gap": [*task_gaps, float(averages[1])],
    }
    about_the_model = {
        "environments": e,
        "overlap": float(common_mass(found.labelled[0]).sum(-1).min()),
        "proxy_accuracy": proxy_accuracy,
        "task_accuracy": task_accuracy,
        "premise_gap": _largest_tv(found.law.reshape(e, -1, found.law.shape[-1])),
        "channel_gap": _largest_tv(found.law.sum(1)),
    }
    return [
        {"setting": case.setting, "seed": case.seed}
        | dict(zip(columns, values, strict=True))
        | about_the_model
        for values in zip(*columns.values(), strict=True)
    ]


def _largest(values: Floats) -> Floats:
    """(d,): the largest of each (d, ...), NaN left out; NaN where there is nothing else."""
    return np.fmax.reduce(values.reshape(len(values), -1), axis=1)


def _largest_tv(law: Floats) -> float:
    return float(_largest(pointwise_gaps(law, ["tv"]))[0])
