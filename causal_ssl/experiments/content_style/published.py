"""Published numbers of the numerical study, each with its source."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

import pandas as pd

from causal_ssl.experiments.content_style.settings import SETTINGS

METRICS = {"kernel_ridge": "r2_kernel_ridge", "linear": "r2_linear"}


@cache
def numerical() -> pd.DataFrame:
    """Tables of arXiv:2106.04619 in tidy form.

    Returns:
        One row a number: setting, metric, variable ("content" or "style"), reference (mean over
        the paper's seeds), reference_std, source, superseded (a number of an earlier version of the
        paper, which version 4 replaced).
    """
    path = (
        resources.files("causal_ssl.experiments.content_style")
        / "published"
        / "content_style_numerical.csv"
    )
    with path.open() as file:
        lines = list(csv.DictReader(file))
    rows = [
        {
            "setting": _setting(line),
            "metric": METRICS[line["fit"]],
            "variable": variable,
            "reference": float(line[f"{variable}_r2_mean"]),
            "reference_std": float(line[f"{variable}_r2_std"]),
            "source": line["source"],
            "superseded": line["source"].startswith("earlier"),
        }
        for line in lines
        for variable in ("content", "style")
    ]
    return pd.DataFrame(rows)


def with_references(table: pd.DataFrame) -> pd.DataFrame:
    """A study's table with the published value beside every row that has one.

    Args:
        table: tidy, with columns setting, metric, variable, method.

    Returns:
        The same rows and three more columns: reference, reference_std, source. The paper trained
        with InfoNCE; its numbers stand beside every method's.
    """
    current = numerical().query("not superseded").drop(columns="superseded")
    return table.merge(current, on=["setting", "metric", "variable"], how="left")


def _setting(line: Mapping[str, str]) -> str:
    wanted = float(line["p_change"]), line["statistical"] == "true", line["causal"] == "true"
    (name,) = (
        setting.name
        for setting in SETTINGS.values()
        if (setting.p_change, setting.statistical, setting.causal) == wanted
    )
    return name
