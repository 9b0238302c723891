"""The page "Evaluate your encoder" prints the published numbers that the package has."""

from pathlib import Path

import pandas as pd
import pytest

from causal_ssl.experiments.evaluation import published
from causal_ssl.experiments.evaluation.robustness.config import METHODS, SUITES

PAGE = Path(__file__).parents[3] / "docs" / "evaluation.md"
TITLES = {
    ("imagenet-c", "mce"): "ImageNet-C, mCE",
    ("imagenet-c", "mrce"): "ImageNet-C, mrCE",
    ("imagenet-c", "top1"): "ImageNet-C, top-1",
    ("imagenet-r", "error"): "ImageNet-R, top-1 error",
    ("imagenet-sketch", "top1"): "ImageNet-Sketch, top-1",
    ("objectnet", "top1"): "ObjectNet, top-1",
}


@pytest.fixture(scope="module")
def rows() -> set[tuple[str, ...]]:
    """The cells of every line of every table."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    return {tuple(cell.strip() for cell in line[1:-1].split("|")) for line in lines}


def printed(references: pd.Series, names: tuple[str, ...]) -> list[str]:
    """Hundredths, "" where there is none."""
    return [f"{100 * references[name]:.1f}" if name in references else "" for name in names]


def test_linear_evaluation(rows: set[tuple[str, ...]]) -> None:
    keys = ["printed", "architecture", "augmentations"]
    for key, own in published.linear().groupby(keys):
        numbers = printed(own.set_index("metric")["reference"], ("top1", "top5"))
        assert (*key, *numbers) in rows


def test_numbers_under_shift(rows: set[tuple[str, ...]]) -> None:
    keys = ["suite", "partition", "metric", "variable"]
    for (suite, partition, metric, corruption), own in published.robustness().groupby(keys):
        title = TITLES.get((suite, metric), f"CE, {corruption.replace('_', ' ')}")
        if suite == "imagenet-v2":
            title = f"ImageNet-V2 {partition}, top-1"
        assert (title, *printed(own.set_index("method")["reference"], METHODS)) in rows


def test_every_suite_has_its_layout(rows: set[tuple[str, ...]]) -> None:
    assert {f"`{suite}`" for suite in SUITES} <= {row[0] for row in rows if len(row) == 5}
