"""Published numbers of encoders on ImageNet and under shift, each with its source."""

import csv
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

from causal_ssl.experiments.evaluation.robustness.config import METHODS

SUITES = {
    "ImageNet-C": ("imagenet-c", ""),
    "ImageNet-R": ("imagenet-r", "all"),
    "ImageNet-Sketch": ("imagenet-sketch", "all"),
    "ImageNet-V2 matched-frequency": ("imagenet-v2", "matched-frequency"),
    "ImageNet-V2 threshold-0.7": ("imagenet-v2", "threshold-0.7"),
    "ImageNet-V2 top-images": ("imagenet-v2", "top-images"),
    "ObjectNet": ("objectnet", "all"),
}
"""Benchmark -> suite and partition, as data sets are called here."""
METRICS = {"top-1 error %": "error", "top-1 accuracy %": "top1", "mCE": "mce", "mrCE": "mrce"}
TARGET = "ResNet-50 + target network"
OURS = {
    ("SimCLR", "ResNet-50"): "simclr",
    ("RELIC", "ResNet-50"): "relic",
    ("RELIC", TARGET): "relic_t",
    ("MoCo v2", TARGET): "moco_v2",
    ("BYOL", TARGET): "byol",
}
"""Method and architecture as printed -> method here; others have none."""


@cache
def robustness() -> pd.DataFrame:
    """Errors and accuracies under shift, of linear classifiers on frozen ResNet-50s.

    Returns:
        One row a number: method, suite, partition ("" for all of ImageNet-C), metric ("error" and
        "top1", shares in [0, 1]; "ce", "mce" and "mrce", where 1 is as AlexNet), variable (the
        corruption of a CE, else ""), reference, source. Of ReLIC's numbers, arXiv 2201.05119 gives
        the accuracies, with target network; its 44.5 % on ImageNet-C does not follow from the CE
        in arXiv 2010.07922, which are of 44.2 %.

    Examples:
        >>> rows = robustness().query("method == 'relic' and metric == 'mrce'")
        >>> float(rows["reference"].iloc[0])
        0.877
    """
    rows = []
    for line in _lines("relic_robustness.csv"):
        suite, partition = SUITES[line["benchmark"]]
        metric, variable = _metric(line["metric"])
        rows += [
            {
                "method": method,
                "suite": suite,
                "partition": partition,
                "metric": metric,
                "variable": variable,
                "reference": _share(line[method]),
                "source": line["source"],
            }
            for method in METHODS
            if line[method]
        ]
    return pd.DataFrame(rows)


@cache
def linear() -> pd.DataFrame:
    """Linear evaluation on ImageNet, a table of arXiv 2010.07922.

    Returns:
        One row a number: method (as it is called here, "" for those that are not here), printed
        (as it is called there), architecture, augmentations, metric ("top1" or "top5"), reference
        (a share in [0, 1]), source.

    Examples:
        >>> linear().query("method == 'relic_t'").set_index("metric")["reference"].to_dict()
        {'top1': 0.748, 'top5': 0.922}
    """
    rows = [
        {
            "method": OURS.get((line["method"], line["architecture"]), ""),
            "printed": line["method"],
            "architecture": line["architecture"],
            "augmentations": line["augmentations"],
            **accuracy,
        }
        for line in _lines("relic_imagenet.csv")
        for accuracy in _accuracies(line)
    ]
    return pd.DataFrame(rows)


@cache
def semi() -> pd.DataFrame:
    """Fine-tuning on 1 % and 10 % of ImageNet's labels, table 2 of arXiv 2006.07733.

    Returns:
        One row a number: method (as it is printed), architecture, percent (1 or 10), metric ("top1"
        or "top5"), reference (a share in [0, 1]), source.

    Examples:
        >>> rows = semi().query("method == 'BYOL' and metric == 'top1'")
        >>> rows.set_index("percent")["reference"].to_dict()
        {1: 0.532, 10: 0.688}
    """
    rows = [
        {
            "method": line["method"],
            "architecture": line["architecture"],
            "percent": int(line["percent"]),
            **accuracy,
        }
        for line in _lines("semi_imagenet.csv")
        for accuracy in _accuracies(line)
    ]
    return pd.DataFrame(rows)


def _accuracies(line: dict[str, str]) -> list[dict[str, Any]]:
    """Top-1 and top-5, those that are printed."""
    return [
        {"metric": metric, "reference": _share(line[metric]), "source": line["source"]}
        for metric in ("top1", "top5")
        if line[metric]
    ]


def _share(printed: str) -> float:
    return round(float(printed) / 100, 6)


def _metric(printed: str) -> tuple[str, str]:
    """The metric and the corruption, "" unless it is a CE."""
    if printed.startswith("CE "):
        return "ce", printed.removeprefix("CE ")
    return METRICS[printed], ""


def _lines(name: str) -> list[dict[str, str]]:
    file = resources.files("causal_ssl.experiments.evaluation") / "published" / name
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
