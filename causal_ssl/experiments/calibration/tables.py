"""The table of a calibration: rejections, uniformity and coverage, with their own uncertainty."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, kstest

from causal_ssl.experiments import cells
from causal_ssl.experiments.calibration import plan, worlds
from causal_ssl.experiments.calibration.config import CalibrationStudy
from causal_ssl.experiments.calibration.plan import Configuration
from causal_ssl.experiments.run_directory import RunDirectory

COLUMNS = [
    "study",
    "setting",
    "method",
    "seed",
    "metric",
    "variable",
    "n",
    "ratio",
    "value",
    "low",
    "high",
    "replications",
    "information",
]
ALPHA = 0.05


def write_tables(directory: RunDirectory, config: CalibrationStudy) -> None:
    """Gather the finished cells into table.csv, and p_values.csv for the uniformity figure."""
    every = plan.jobs(config)
    rows, kept = [], []
    for each in plan.configurations(config):
        own = sorted((job for job in every if job.configuration == each), key=lambda job: job.first)
        found = cells.results(directory.path, [job.name for job in own])
        values = [value for result in found for value in result["values"]]
        if each.part == "coverage":
            rows += _coverage(each, np.array(values), found[0]["truth"])
        else:
            rows += _rejections(each, np.array(values))
        if each.part == "discrete":
            kept += [{"variable": each.law, "n": each.n, "p_value": value} for value in values]
    table = pd.DataFrame(rows).assign(study=config.name, seed=0)[COLUMNS]
    directory.write("table.csv", table.to_csv(index=False))
    uniform = pd.DataFrame(kept, columns=["variable", "n", "p_value"])
    directory.write("p_values.csv", uniform.to_csv(index=False))


def _rejections(each: Configuration, p_values: np.ndarray) -> list[dict[str, Any]]:
    """Share of p-values up to 5 %, with its binomial interval; under the null also uniformity."""
    law = worlds.LAWS[each.law]
    row = _row(each, getattr(law, "information", 0.0), len(p_values))
    rows = [row | _share("rejection", p_values <= ALPHA)]
    if each.part == "discrete":
        rows.append(row | {"metric": "ks_p_value", "value": kstest(p_values, "uniform").pvalue})
    return rows


def _coverage(each: Configuration, ends: np.ndarray, truth: float) -> list[dict[str, Any]]:
    """Share of intervals that hold the truth, their mean width, and both biases."""
    low, high, plug_in, held_out = ends.T
    row = _row(each, truth, len(ends))
    inside = (low <= truth + 1e-12) & (truth <= high + 1e-12)
    return [
        row | _share("coverage", inside),
        row | {"metric": "width", "value": float((high - low).mean())},
        row | {"metric": "bias_plug_in", "value": float(plug_in.mean() - truth)},
        row | {"metric": "bias_held_out", "value": float(held_out.mean() - truth)},
    ]


def _row(each: Configuration, information: float, replications: int) -> dict[str, Any]:
    return {
        "setting": each.part,
        "method": each.method,
        "variable": each.law,
        "n": each.n,
        "ratio": each.ratio,
        "replications": replications,
        "information": information,
        "low": None,
        "high": None,
    }


def _share(metric: str, hits: Sequence[bool] | np.ndarray) -> dict[str, Any]:
    test = binomtest(int(np.sum(hits)), len(hits))
    interval = test.proportion_ci(confidence_level=0.95, method="wilson")
    return {
        "metric": metric,
        "value": test.statistic,
        "low": interval.low,
        "high": interval.high,
    }
