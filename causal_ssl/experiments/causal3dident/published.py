"""Published numbers of the Causal3DIdent study, each with its source."""

import csv
from functools import cache
from importlib import resources

import pandas as pd

from causal_ssl.experiments.causal3dident.settings import SETTINGS

METHODS = {"infonce": "simclr", "barlow_twins": "barlow_twins"}
"""Methods here -> as the paper calls the objective: InfoNCE with cosine similarity and tau = 1 is
its SimCLR."""

PUBLISHED_LAMBDA = 0.0051
"""Of the Barlow Twins rows that stand beside ours; the paper tried a second one on two rows."""

VARIABLES = (
    "class",
    "object_position",
    "spotlight_position",
    "object_hue",
    "spotlight_hue",
    "background_hue",
    "object_rotation",
)
"""In the order of the paper's columns: accuracy for the class, R2 for the others."""


@cache
def table() -> pd.DataFrame:
    """Table 1 of arXiv:2106.04619 and its counterpart for Barlow Twins, in tidy form.

    Returns:
        One row a number: setting, method, variable, reference (mean over the paper's seeds),
        reference_std, source. ReLIC, which the paper did not train, has none.

    Examples:
        >>> rows = table().query("setting == 'lt_hues' and method == 'infonce'")
        >>> rows.set_index("variable").loc["object_position", "reference"]
        np.float64(0.59)
    """
    file = resources.files("causal_ssl.experiments.causal3dident") / "published"
    with (file / "causal3dident.csv").open(encoding="utf-8") as lines:
        read = list(csv.DictReader(lines))
    ours = {published: method for method, published in METHODS.items()}
    named = {setting.title: setting.name for setting in SETTINGS.values()}
    rows = []
    for line in read:
        if line["lambda"] and float(line["lambda"]) != PUBLISHED_LAMBDA:
            continue
        for variable in VARIABLES:
            mean, deviation = map(float, line[variable].split("±"))
            rows.append(
                {
                    "setting": named[line["views"]],
                    "method": ours[line["method"]],
                    "variable": variable,
                    "reference": mean,
                    "reference_std": deviation,
                    "source": line["source"],
                }
            )
    return pd.DataFrame(rows)
