"""The page of robustness says what its table says."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
from test_suite_rows import PARTITIONS, half, scored

from causal_ssl.experiments.evaluation import runs
from causal_ssl.experiments.evaluation.robustness import page as suite_page
from causal_ssl.experiments.evaluation.robustness import rows as suite_rows
from causal_ssl.experiments.evaluation.robustness import summary as suite_summary
from causal_ssl.experiments.evaluation.robustness.config import Robustness

TWO = {"n1": (0,), "n2": (1,)}
ENVIRONMENT = {"packages": {}, "processor": "a processor"}


def table(*, whole: bool) -> pd.DataFrame:
    clean = scored("imagenet", "all", [True, True, True, False])
    found = [half(each) for each in PARTITIONS if whole or each.startswith("fog")]
    rows = [*suite_rows.accuracies(clean), *suite_rows.corruption_rows(found, clean)]
    rows += suite_rows.accuracies(scored("imagenet-r", "all", [True, False, False, False]))
    rows = suite_rows.with_references(rows, "relic_t", comparable=True)
    return pd.DataFrame(rows, columns=[*runs.COLUMNS])


def few_classes() -> pd.DataFrame:
    """All partitions, of one class of two."""
    suite = replace(scored("imagenet-c", "fog/1", []).suite, answers=TWO, missing_classes=("n1",))
    found = [replace(half(each), suite=suite) for each in PARTITIONS]
    rows = suite_rows.with_references(
        suite_rows.corruption_rows(found, None), "relic_t", comparable=True
    )
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


def test_numbers_of_a_part_of_the_classes_say_so_wherever_they_are_told() -> None:
    found = few_classes()
    notes = found.set_index(["metric", "variable"])["note"]
    assert notes["mce", ""] == "mean of CE over 15 test corruptions; 1 of 2 classes missing"
    assert notes["validation_mce", ""].endswith("4 validation corruptions; 1 of 2 classes missing")
    assert "top-1 on ImageNet-C 50.0 % (1 of 2 classes missing)." in suite_summary.finding(found)
    said = "ImageNet-C: mean error, mCE, validation mCE, top-1 of a part alone (1 of 2 classes "
    assert any(line.startswith(said) for line in suite_summary.partial(found))
    text = text_of(found)
    assert text.count(said) == 1
    assert "mean of CE over 15 test corruptions; of a part alone, see “What is missing”" in text


def test_what_is_missing_is_foretold_as_it_is_told_at_the_end() -> None:
    suite = scored("imagenet-c", "fog/1", []).suite
    there = {each: Path(each) for each in PARTITIONS if each not in ("fog/3", "snow/1", "snow/2")}
    suite = replace(suite, folders=there, answers=TWO, missing_classes=("n1",))
    assert list(suite_summary.foretold([suite])) == [
        "ImageNet-C: 1 of 2 classes missing",
        "ImageNet-C: no mean over the test corruptions, no mCE (missing: snow: severities 1, 2, "
        "fog: severity 3)",
    ]


def test_a_list_of_what_is_missing_stands_once() -> None:
    text = text_of(table(whole=False))
    assert text.count("gaussian_noise, shot_noise") == 1
    assert text.count("missing, see “What is missing”") == 1


def test_where_nothing_is_whole_it_says_so() -> None:
    found = table(whole=False).query("setting == 'imagenet-c'")
    assert suite_summary.finding(found) == "Nothing that sums a test set up is whole."
