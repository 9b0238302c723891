"""The tables of the Causal3DIdent study, gathered from its finished cells."""

from dataclasses import asdict

import pandas as pd

from causal_ssl.experiments import cells
from causal_ssl.experiments.causal3dident import plan, published
from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy
from causal_ssl.experiments.causal3dident.evaluation import PERMUTED
from causal_ssl.experiments.run_directory import RunDirectory

COLUMNS = ["study", "setting", "method", "seed", "layer", "metric", "variable", "value"]
HISTORY = ["setting", "method", "seed", "step", "term", "value"]


def write_tables(directory: RunDirectory, config: Causal3DIdentStudy) -> None:
    """Gather the finished cells into table.csv and history.csv."""
    every = plan.cells(config)
    found = cells.results(directory.path, [cell.name for cell in every])
    rows = [
        {"study": config.name, **asdict(cell), **row, "views": result["source"]}
        for cell, result in zip(every, found, strict=True)
        for row in result["rows"]
    ]
    table = pd.DataFrame(rows).merge(
        published.table(), on=["setting", "method", "variable"], how="left"
    )
    # The paper's table is of the final layer, and of intact pairs.
    beside = (table["layer"] == "final") & ~table["metric"].str.endswith(PERMUTED)
    table.loc[~beside, ["reference", "reference_std", "source"]] = None
    table = table[[*COLUMNS, *(name for name in table if name not in COLUMNS)]]
    histories = [
        pd.DataFrame(result["history"]).rename(columns={"metric": "term"}).assign(**asdict(cell))
        for cell, result in zip(every, found, strict=True)
        if cell.is_trained
    ]
    history = pd.concat(histories, ignore_index=True)[HISTORY]
    directory.write("history.csv", history.to_csv(index=False))
    directory.write("table.csv", table.to_csv(index=False))
