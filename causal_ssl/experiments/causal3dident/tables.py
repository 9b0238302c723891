"""The tables of the Causal3DIdent study, gathered from its finished cells."""

from dataclasses import asdict

import pandas as pd

from causal_ssl.experiments import cells
from causal_ssl.experiments.causal3dident import plan, published
from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy
from causal_ssl.experiments.causal3dident.evaluation import PERMUTED
from causal_ssl.experiments.image_study import tables as image_tables
from causal_ssl.experiments.run_directory import RunDirectory

COLUMNS = ["study", "setting", "method", "seed", "layer", "metric", "variable", "value"]


def write_tables(directory: RunDirectory, config: Causal3DIdentStudy) -> None:
    """Gather the finished cells into table.csv and history.csv."""
    every = plan.cells(config)
    found = cells.results(directory.path, [cell.name for cell in every])
    results = list(zip(every, found, strict=True))
    rows = [
        {"study": config.name, **asdict(cell), **row, "views": result["source"]}
        for cell, result in results
        for row in result["rows"]
    ]
    table = pd.DataFrame(rows).merge(
        published.table(), on=["setting", "method", "variable"], how="left"
    )
    # The paper's table is of the final layer, and of intact pairs.
    beside = (table["layer"] == "final") & ~table["metric"].str.endswith(PERMUTED)
    table.loc[~beside, ["reference", "reference_std", "source"]] = None
    history = image_tables.history(results, ["setting", "method", "seed"])
    directory.write("history.csv", history.to_csv(index=False))
    directory.write("table.csv", image_tables.leading(table, COLUMNS).to_csv(index=False))
