"""The ReLIC paper's ImageNet rows, in the metrics of the study's table."""

from functools import cache

import pandas as pd

from causal_ssl import methods
from causal_ssl.analysis.robustness import alexnet
from causal_ssl.experiments.evaluation import published
from causal_ssl.experiments.evaluation.robustness.config import METHODS
from causal_ssl.experiments.robustness.config import BASELINE
from causal_ssl.experiments.robustness.sums import CLEAN, summed_up

ALPHA = 1.0
"""Of ReLIC's rows: what its recipe has here. The paper does not give its own."""
DATA = "ImageNet-C, ResNet-50, 15 corruptions"
BY = f"_by_{BASELINE}"
KEYS = ["method", "metric", "corruption"]
REFERENCES = ["reference", "reference_printed", "reference_data", "source"]


@cache
def table() -> pd.DataFrame:
    """What the paper prints by AlexNet, and what follows from it by its supervised network.

    A CE times AlexNet's mean error is the mean error, and errors are summed up as the study's own
    (`summed_up`). The paper prints six of its supervised CE as whole numbers: what is divided by
    them is good to 1 %.

    Returns:
        One row a number: method, metric, corruption, reference, reference_printed (CE, mCE and
        mrCE as printed, where 1 is as AlexNet; else missing), reference_data, source. The clean
        accuracies are those of the methods' recipes.

    Examples:
        >>> rows = table().query("corruption == ''").set_index(["method", "metric"])
        >>> columns = ["reference", "reference_printed"]
        >>> rows.loc[("relic", "mce_by_supervised"), columns].round(3).tolist()
        [0.991, 0.764]
    """
    printed = published.robustness().query("suite == 'imagenet-c'")
    printed = printed.rename(columns={"variable": "corruption"})
    ce = printed[printed["metric"] == "ce"]
    errors = ce.assign(
        metric="error", severity=1, value=ce["reference"] * ce["corruption"].map(alexnet().errors)
    )
    recipes = {name: methods.get(name).image_recipe().published for name in METHODS}
    clean = pd.DataFrame(
        [
            {
                "method": name,
                "metric": CLEAN,
                "corruption": "",
                "value": it.top1 / 100,
                "reference_data": f"ImageNet, ResNet-50, {it.epochs} epochs",
                "source": it.source,
            }
            for name, it in recipes.items()
            if it is not None
        ]
    )
    rows = pd.concat([clean, errors], ignore_index=True)
    rows = rows[["method", "metric", "corruption", "severity", "value"]]
    rows = rows.assign(dataset="imagenet", alpha=float("nan"), seed=0)
    sums = summed_up(rows).assign(reference_data=DATA, source=ce["source"].iloc[0])
    found = pd.concat([clean, sums], ignore_index=True).rename(columns={"value": "reference"})
    renamed = printed["metric"].where(printed["metric"] == "error", printed["metric"] + BY)
    printed = printed.assign(metric=renamed, reference_printed=printed["reference"])
    found = found.merge(printed[[*KEYS, "reference_printed"]], on=KEYS, how="left")
    return found[[*KEYS, *REFERENCES]]


def beside(ours: pd.DataFrame) -> pd.DataFrame:
    """The study's table with the columns `REFERENCES`.

    Published numbers stand beside the same metric over all severities; those of ReLIC beside alpha
    1. The paper's means are of 15 corruptions, whichever ours are of.
    """
    found = ours.fillna({"corruption": ""}).merge(table(), on=KEYS, how="left", validate="m:1")
    other = found["severity"].notna() | (found["alpha"].fillna(ALPHA) != ALPHA)
    found.loc[other, REFERENCES] = None
    return found
