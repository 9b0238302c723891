"""The page of robustness says what its table says."""

import re

import pandas as pd
from test_suite_rows import PARTITIONS, half, scored

from causal_ssl.experiments.evaluation import runs
from causal_ssl.experiments.evaluation.robustness import page as suite_page
from causal_ssl.experiments.evaluation.robustness import rows as suite_rows
from causal_ssl.experiments.evaluation.robustness import summary as suite_summary
from causal_ssl.experiments.evaluation.robustness.config import Robustness

ENVIRONMENT = {"packages": {}, "processor": "a processor"}


def table(*, whole: bool) -> pd.DataFrame:
    clean = scored("imagenet", "all", [True, True, True, False])
    found = [half(each) for each in PARTITIONS if whole or each.startswith("fog")]
    rows = [*suite_rows.accuracies(clean), *suite_rows.corruption_rows(found, clean)]
    rows += suite_rows.accuracies(scored("imagenet-r", "all", [True, False, False, False]))
    rows = suite_rows.with_references(rows, "relic_t", comparable=True)
    return pd.DataFrame(rows, columns=[*runs.COLUMNS])


def text_of(found: pd.DataFrame) -> str:
    asked = Robustness(checkpoint="w.pth", suite_root="sets", suites=("imagenet-c", "imagenet-r"))
    drawn = suite_page.page(
        asked, found, source="w.pth", classifier="its own", environment=ENVIRONMENT
    )
    assert list(drawn.pictures) == ["corruptions"]
    without_pictures = re.sub(r'src="data:[^"]*"', "", drawn.html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", without_pictures.split("<body>")[1]))


def test_numbers_stand_beside_the_published_ones() -> None:
    found = table(whole=True)
    text = text_of(found)
    mce = found.query("metric == 'mce'")["value"].iloc[0]
    assert (
        f"mCE on ImageNet-C {100 * mce:.1f} (published: 70.8); top-1 on ImageNet-C 50.0 %" in text
    )
    assert "top-1 error" in text
    assert "75.0 % [30.1, 95.4] 76.2 %" in text
    assert "Published: arXiv:2010.07922, relic_t, arXiv:2201.05119, relic_t" in text
    assert "What is missing" not in text
    assert "causal-ssl evaluate robustness --checkpoint w.pth --suite-root sets --suites" in text
    fog = found.query("metric == 'ce' and variable == 'fog'")["value"].iloc[0]
    assert f"fog 50.0 {100 * fog:.1f} 47.5" in text


def test_what_is_missing_is_said() -> None:
    text = text_of(table(whole=False))
    assert "ImageNet-C: no mean error, mCE, mrCE, top-1 (missing: gaussian_noise, " in text
    assert "top-1 on ImageNet-R 25.0 %." in text
    assert "mCE on ImageNet-C" not in text


def test_where_nothing_is_whole_it_says_so() -> None:
    found = table(whole=False).query("setting == 'imagenet-c'")
    assert suite_summary.finding(found) == "Nothing that sums a test set up is whole."
