"""The tables of the methods study, gathered from its finished cells."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from causal_ssl import methods
from causal_ssl.experiments import cells
from causal_ssl.experiments.comparison import plan
from causal_ssl.experiments.comparison.config import MethodsStudy
from causal_ssl.experiments.run_directory import RunDirectory

COLUMNS = ["study", "method", "seed", "metric", "variable", "value", "standard_error"]
HISTORY = ["method", "seed", "step", "term", "value"]
PLANS = ["method", "what", "recipe", "run"]
REFERENCE: dict[str, Any] = {"reference": None, "reference_data": "", "source": ""}


def write_tables(directory: RunDirectory, config: MethodsStudy) -> None:
    """Gather the finished cells into table.csv, history.csv and plans.csv."""
    every = plan.cells(config)
    found = cells.results(directory.path, [cell.name for cell in every])
    rows = [
        {"study": config.name, **asdict(cell), **row, **_reference(cell.method, row["metric"])}
        for cell, result in zip(every, found, strict=True)
        for row in result["rows"]
    ]
    table = pd.DataFrame(rows)
    table = table[[*COLUMNS, *(name for name in table if name not in COLUMNS)]]
    histories = [
        pd.DataFrame(result["metrics"]).rename(columns={"metric": "term"}).assign(**asdict(cell))
        for cell, result in zip(every, found, strict=True)
        if cell.is_trained
    ]
    history = pd.concat(histories, ignore_index=True)[HISTORY]
    first = {cell.method: result for cell, result in zip(every, found, strict=True)}
    plans = [row | {"method": name} for name in config.methods for row in first[name]["plan"]]
    directory.write("plans.csv", pd.DataFrame(plans)[PLANS].to_csv(index=False))
    directory.write("history.csv", history.to_csv(index=False))
    directory.write("table.csv", table.to_csv(index=False))


def _reference(method: str, metric: str) -> dict[str, Any]:
    """What the recipe's paper reports of a linear classifier, on other images."""
    if metric != "linear_top1" or method not in methods.pretraining_names():
        return REFERENCE
    published = methods.get(method).image_recipe().published
    if published is None:
        return REFERENCE
    return {
        "reference": published.top1 / 100,
        "reference_data": f"ImageNet, ResNet-50, {published.epochs} epochs",
        "source": published.source,
    }
