"""ImageNet-C summed up from what was told rightly, and beside which published numbers it stands."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from causal_ssl.analysis.robustness import ALEXNET_CLEAN_ERROR, alexnet
from causal_ssl.datasets.suites import PROTOCOLS, Suite, Transform
from causal_ssl.datasets.suites.protocols import CORRUPTIONS
from causal_ssl.experiments.evaluation.robustness import rows as suite_rows
from causal_ssl.experiments.evaluation.robustness.scores import Scored

PARTITIONS = tuple(f"{name}/{severity}" for name in CORRUPTIONS for severity in range(1, 6))
TEST = [name for name, kind in alexnet().kinds.items() if kind == "test"]


def scored(name: str, partition: str, right: Iterable[bool]) -> Scored:
    """A whole partition has four images here."""
    protocol = replace(PROTOCOLS[name], images=4)
    suite = Suite(name, protocol, Transform(), {}, (), {}, (), ())
    return Scored(suite, partition, np.array([*right]), "four images")


def half(partition: str) -> Scored:
    return scored("imagenet-c", partition, [True, False, True, False])


def frame(found: list[Scored], clean: Scored | None, *, comparable: bool = True) -> pd.DataFrame:
    rows = suite_rows.corruption_rows(found, clean)
    finished = suite_rows.with_references(rows, "relic_t", comparable=comparable)
    columns = ["metric", "variable", "value", "reference", "source", "note"]
    return pd.DataFrame(finished, columns=columns).set_index(["metric", "variable"]).sort_index()


@pytest.fixture
def clean() -> Scored:
    return scored("imagenet", "all", [True, True, True, False])


def test_all_of_it_has_means_beside_the_papers(clean: Scored) -> None:
    table = frame([half(partition) for partition in PARTITIONS], clean)
    below = np.array([alexnet().errors[name] for name in TEST])
    expected = {
        ("mean_error", ""): (0.5, None),
        ("top1", ""): (0.5, 0.445),
        ("mce", ""): ((0.5 / below).mean(), 0.708),
        ("mrce", ""): ((0.25 / (below - ALEXNET_CLEAN_ERROR)).mean(), 0.884),
        ("ce", "fog"): (0.5 / alexnet().errors["fog"], 0.475),
        ("relative_ce", "fog"): (0.25 / (alexnet().errors["fog"] - ALEXNET_CLEAN_ERROR), None),
        ("validation_mean_error", ""): (0.5, None),
    }
    for key, (value, reference) in expected.items():
        assert table.loc[key, "value"] == pytest.approx(value), key
        found = table.loc[key, "reference"]
        assert pd.isna(found) if reference is None else found == reference, key
    assert not table["value"].isna().any()
    assert table["reference"].notna().sum() == 15 + 3


def test_an_image_too_few_takes_published_numbers_away_from_what_it_enters(clean: Scored) -> None:
    found = [half(partition) for partition in PARTITIONS if partition != "fog/3"]
    table = frame([*found, scored("imagenet-c", "fog/3", [True, False])], clean)
    assert table["reference"].notna().sum() == 14
    assert pd.isna(table.loc[("ce", "fog"), "reference"])
    assert pd.isna(table.loc[("mce", ""), "reference"])
    few = scored("imagenet", "all", [True, True, True])
    table = frame([half(partition) for partition in PARTITIONS], few)
    assert pd.isna(table.loc[("mrce", ""), "reference"])
    assert table.loc[("mce", ""), "reference"] == 0.708


def test_what_was_seen_otherwise_has_no_published_numbers_beside(clean: Scored) -> None:
    table = frame([half(partition) for partition in PARTITIONS], clean, comparable=False)
    assert not table["reference"].notna().any()


def test_without_validation_corruptions_the_test_ones_have_their_means(clean: Scored) -> None:
    found = [half(each) for each in PARTITIONS if each.split("/")[0] in TEST]
    table = frame(found, clean)
    assert table.loc[("mce", ""), "reference"] == 0.708
    assert table["value"].isna().groupby(level="metric").sum()["ce"] == 4
    note = "missing: speckle_noise, gaussian_blur, spatter, saturate"
    assert table.loc[("validation_mce", ""), "note"] == note


def test_without_clean_images_there_is_no_relative_ce() -> None:
    table = frame([half(partition) for partition in PARTITIONS], None)
    lacking = table[table["value"].isna()]
    metrics = set(lacking.index.get_level_values("metric"))
    assert metrics == {"relative_ce", "mrce", "validation_mrce"}
    assert set(lacking["note"]) == {"needs clean images: give --data-root"}
