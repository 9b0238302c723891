"""The table of the invariance study, gathered from its finished cells."""

import pandas as pd

from causal_ssl.experiments import cells
from causal_ssl.experiments.invariance import plan
from causal_ssl.experiments.invariance.config import InvarianceStudy
from causal_ssl.experiments.run_directory import RunDirectory

COLUMNS = [
    "study",
    "setting",
    "method",
    "alpha",
    "seed",
    "metric",
    "variable",
    "environment",
    "against",
    "value",
    "low",
    "high",
    "probe",
]


def write_tables(directory: RunDirectory, config: InvarianceStudy) -> None:
    """Gather the finished cells into table.csv, and f_lda.csv for the worlds of seed 0."""
    wanted = plan.cells(config)
    found = cells.results(directory.path, [cell.name for cell in wanted])
    rows = [
        {"study": config.name, **result["cell"], **row}
        for result in found
        for row in result["rows"]
    ]
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    # What belongs to no environment, or to no pair, says so: a row's keys are never empty.
    table[["environment", "against"]] = table[["environment", "against"]].fillna("all")
    directory.write("table.csv", table.to_csv(index=False))
    pairs = [{**result["cell"], **row} for result in found for row in result["f_lda"]]
    directory.write("f_lda.csv", pd.DataFrame(pairs).to_csv(index=False))
