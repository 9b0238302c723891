"""The tables of a content/style study, gathered from its finished cells."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from causal_ssl.experiments import cells
from causal_ssl.experiments.content_style import plan
from causal_ssl.experiments.content_style.config import NumericalStudy
from causal_ssl.experiments.content_style.plan import Cell
from causal_ssl.experiments.content_style.published import with_references
from causal_ssl.experiments.run_directory import RunDirectory

COLUMNS = ["study", "setting", "method", "seed", "n_outputs", "metric", "variable", "value"]
PUBLISHED_COLUMNS = ["reference", "reference_std", "source"]


def write_tables(directory: RunDirectory, config: NumericalStudy) -> None:
    """Gather the finished cells into table.csv, history.csv and predictions.csv."""
    trained = plan.cells(config)
    found = cells.results(directory.path, [cell.name for cell in trained])
    worlds = plan.reference_cells(config)
    of_worlds = cells.results(directory.path, [cell.name for cell in worlds])
    references = {
        (cell.setting, cell.seed): result["rows"]
        for cell, result in zip(worlds, of_worlds, strict=True)
    }
    rows = [
        {"study": config.name, **asdict(cell), **row}
        for cell, result in zip(trained, found, strict=True)
        for row in result["rows"] + references[cell.setting, cell.seed]
    ]
    table = with_references(pd.DataFrame(rows))
    # The paper's encoders have as many outputs as there are contents.
    table.loc[table["n_outputs"] != config.n_content, PUBLISHED_COLUMNS] = None
    table = table[[*COLUMNS, *(name for name in table if name not in COLUMNS)]]
    directory.write("history.csv", _gathered(trained, found, "history").to_csv(index=False))
    shown = _gathered(trained, found, "predictions")
    directory.write("predictions.csv", shown[shown["seed"] == 0].to_csv(index=False))
    directory.write("table.csv", table.to_csv(index=False))


def _gathered(trained: Sequence[Cell], found: Sequence[dict], name: str) -> pd.DataFrame:
    tables = [
        pd.DataFrame(result[name]).assign(**asdict(cell))
        for cell, result in zip(trained, found, strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)
    keys = list(asdict(trained[0]))
    return table[keys + [column for column in table if column not in keys]]
