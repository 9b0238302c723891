"""The tables of the study of Theorem 1, gathered from its finished cells.

table.csv      tidy: what came out in each setting, over its models
models.csv     a row a model and measure, of the first models of each setting: for figures
witnesses.csv  models in which the bound fails where its premise does, written out
"""

import pandas as pd

from causal_ssl.analysis.theorem1 import TOLERANCE, summary
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.theorem1 import jobs, plan
from causal_ssl.experiments.theorem1.config import Theorem1Study
from causal_ssl.experiments.theorem1.witnesses import witness_table

METHOD = "exact"
COLUMNS = ["study", "setting", "method", "seed", "metric", "variable", "value"]
SHOWN_MODELS = 1000
"""Models of a setting in models.csv: more do not show in a figure. The cells hold all of them."""
SHOWN_COLUMNS = [
    "setting", "seed", "measure", "comparisons", "violations", "excess",
    "proxy_gap", "task_gap", "overlap",
]  # fmt: skip


def write_tables(directory: RunDirectory, config: Theorem1Study) -> None:
    """Gather the finished cells; infinite values are written as inf, missing ones are empty."""
    results = jobs.load(directory.path, plan.jobs(config))
    shown = results[results["seed"] < config.first_seed + SHOWN_MODELS]
    directory.write("models.csv", shown[SHOWN_COLUMNS].to_csv(index=False))
    directory.write("witnesses.csv", witness_table(results).to_csv(index=False))
    directory.write("table.csv", tidy(results, config).to_csv(index=False))


def tidy(results: pd.DataFrame, config: Theorem1Study) -> pd.DataFrame:
    """What came out in each setting, over its models.

    Args:
        results: of `theorem1.check_models`.
        config: the study's; its `first_seed` stands in the column seed.

    Returns:
        `COLUMNS`. Metrics are those of `theorem1.summary` and, each over models,
        - models_violating (variable: a measure): with a violation in that measure;
        - models_with_premise, models_with_constant_channel: in which p(Y_t | Y_R, f), or else
          p(Y_t | Y_R), is the same in all environments; violating_with_premise,
          violating_with_constant_channel: those of them with a violation (variable "all");
        - infinite_gap, infinite_task_gap (variable: a measure): models whose largest gap is
          infinite;
        - overlap (q05, median, q95): quantiles of the smallest overlap of two environments;
        - accuracy (proxy, task): medians;
        - premise_gap, channel_gap (tv): medians of the largest gaps of p(Y_t | Y_R, f) and of
          p(Y_t | Y_R).
    """
    parts = [summary(results)]
    for setting, own in results.groupby("setting", sort=False):
        found = {**_violating(own), **_infinite(own), **_about_models(own)}
        rows = [(setting, metric, variable, float(found[metric, variable]))
                for metric, variable in found]  # fmt: skip
        parts.append(pd.DataFrame(rows, columns=["setting", "metric", "variable", "value"]))
    table = pd.concat(parts, ignore_index=True)
    place = {name: k for k, name in enumerate(config.settings)}
    table = table.sort_values("setting", key=lambda column: column.map(place), kind="stable")
    return table.assign(study=config.name, method=METHOD, seed=config.first_seed)[COLUMNS]


Found = dict[tuple[str, str], float]


def _violating(results: pd.DataFrame) -> Found:
    """How many models violate the bound: in a measure, and where a premise holds."""
    found: Found = {
        ("models_violating", str(measure)): (rows["violations"] > 0).sum()
        for measure, rows in results.groupby("measure", sort=False)
    }
    for gap, kind in [("premise_gap", "premise"), ("channel_gap", "constant_channel")]:
        # Not "<=": a gap that is missing for want of overlap breaks no premise.
        own = results[~(results[gap] > TOLERANCE)]
        violating = own[own["violations"] > 0]
        found[f"models_with_{kind}", "all"] = own["seed"].nunique()
        found[f"violating_with_{kind}", "all"] = violating["seed"].nunique()
    return found


def _infinite(results: pd.DataFrame) -> Found:
    return {
        (f"infinite_{metric}", str(measure)): rows[column].eq(float("inf")).sum()
        for metric, column in [("gap", "proxy_gap"), ("task_gap", "task_gap")]
        for measure, rows in results.groupby("measure", sort=False)
    }


def _about_models(results: pd.DataFrame) -> Found:
    models = results.drop_duplicates("seed")
    quantiles = {"q05": 0.05, "median": 0.5, "q95": 0.95}
    return {
        **{("overlap", name): models["overlap"].quantile(q) for name, q in quantiles.items()},
        ("accuracy", "proxy"): models["proxy_accuracy"].median(),
        ("accuracy", "task"): models["task_accuracy"].median(),
        ("premise_gap", "tv"): models["premise_gap"].median(),
        ("channel_gap", "tv"): models["channel_gap"].median(),
    }
