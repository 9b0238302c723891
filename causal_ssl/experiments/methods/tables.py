"""The tables of the methods study, gathered from its finished cells."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from causal_ssl import methods
from causal_ssl.experiments import cells
from causal_ssl.experiments.image_study import tables as image_tables
from causal_ssl.experiments.methods import plan
from causal_ssl.experiments.methods.config import MethodsStudy
from causal_ssl.experiments.run_directory import RunDirectory

COLUMNS = ["study", "method", "seed", "metric", "variable", "value", "standard_error"]
PLANS = ["method", "what", "recipe", "run"]
REFERENCE: dict[str, Any] = {"reference": None, "reference_data": "", "source": ""}


def write_tables(directory: RunDirectory, config: MethodsStudy) -> None:
    """Gather the finished cells into table.csv, history.csv and plans.csv."""
    every = plan.cells(config)
    found = cells.results(directory.path, [cell.name for cell in every])
    results = list(zip(every, found, strict=True))
    rows = [
        {"study": config.name, **asdict(cell), **row, **_reference(cell.method, row["metric"])}
        for cell, result in results
        for row in result["rows"]
    ]
    table = image_tables.leading(pd.DataFrame(rows), COLUMNS)
    history = image_tables.history(results, ["method", "seed"])
    first = {cell.method: result for cell, result in results}
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
