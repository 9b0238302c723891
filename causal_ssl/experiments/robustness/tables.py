"""The tables of the robustness study, gathered from its finished cells."""

from dataclasses import asdict

import pandas as pd

from causal_ssl.experiments import cells
from causal_ssl.experiments.image_study import tables as image_tables
from causal_ssl.experiments.robustness import plan, published
from causal_ssl.experiments.robustness.config import RobustnessStudy
from causal_ssl.experiments.robustness.sums import CELL, summed_up
from causal_ssl.experiments.run_directory import RunDirectory

COLUMNS = ["study", *CELL, "metric", "corruption", "severity", "value", "low", "high", "n"]


def write_tables(directory: RunDirectory, config: RobustnessStudy) -> None:
    """Gather the finished cells into table.csv and history.csv."""
    every = plan.cells(config)
    found = cells.results(directory.path, [cell.name for cell in every])
    results = list(zip(every, found, strict=True))
    rows = pd.DataFrame(
        [{**asdict(cell), **row} for cell, result in results for row in result["rows"]]
    )
    table = pd.concat([rows, summed_up(rows)], ignore_index=True).assign(study=config.name)
    history = image_tables.history(results, CELL)
    directory.write("history.csv", history.to_csv(index=False))
    directory.write(
        "table.csv", image_tables.leading(published.beside(table), COLUMNS).to_csv(index=False)
    )
