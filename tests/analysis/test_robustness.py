"""Corruption errors against hand computations, transcribed formulas and published rows."""

import csv
from importlib import resources

import pandas as pd
import pytest

from causal_ssl.analysis.robustness import (
    ALEXNET_CLEAN_ERROR,
    SEVERITIES,
    alexnet,
    baseline_of,
    corruption_scores,
)
from causal_ssl.errors import InputError

# Of the paper's table: CE in per cent in the order of ImageNet-C's 15 test corruptions; the clean
# top-1 error, printed mCE and mrCE, and to what the CE are rounded.
PAPER = {
    "supervised": (
        [80, 82, 83, 75, 89, 78, 80, 78, 75, 66, 57, 71, 85, 77, 77],
        (23.85, 76.7, 105.0, 1),
    ),
    "simclr": (
        [79.4, 81.9, 89.6, 94.8, 103.3, 101.8, 101.9, 83.7, 80.6, 65.6, 71.5, 54, 106.8, 105.2, 93],
        (30.7, 87.5, 111.9, 0.1),
    ),
    "relic": (
        [67.8, 70.7, 77, 81.4, 96.9, 92.7, 93.2, 73.7, 71.2, 54.5, 60.2, 46.9, 97.4, 85.5, 77.2],
        (29.7, 76.4, 87.7, 0.1),
    ),
    "byol": (
        [65.9, 68.4, 73.7, 75, 93.6, 86.3, 87.9, 74.3, 69.1, 48.5, 55, 48.6, 90.4, 74.3, 73],
        (25.7, 72.3, 90.0, 0.1),
    ),
    "relic_t": (
        [63.6, 65.7, 69.2, 73.2, 94, 81.9, 87, 73.2, 68, 47.5, 54.2, 48.4, 89.5, 75.6, 71.8],
        (25.2, 70.8, 88.4, 0.1),
    ),
}
TEST = [name for name, kind in alexnet().kinds.items() if kind == "test"]


def published_levels() -> dict[str, list[float]]:
    """AlexNet's five errors of each test corruption, as they stand in the file."""
    file = resources.files("causal_ssl.analysis") / "published" / "alexnet_imagenet_c.csv"
    rows = csv.DictReader(file.read_text().splitlines())
    return {
        row["corruption"]: [float(row[f"severity_{s}"]) for s in SEVERITIES]
        for row in rows
        if row["kind"] == "test"
    }


LEVELS = published_levels()


def errors_of(levels: dict[str, list[float]]) -> pd.DataFrame:
    """A tidy table of corruption -> errors at severity 1, 2, ..."""
    return pd.DataFrame(
        [
            {"corruption": name, "severity": severity, "error": error}
            for name, errors in levels.items()
            for severity, error in enumerate(errors, start=1)
        ]
    )


def with_ce(ce: list[float]) -> pd.DataFrame:
    """Errors whose CE are these, in per cent: each a multiple of AlexNet's.

    An error may be above 1 at one severity, so the sum is spread evenly.
    """
    sums = {name: sum(LEVELS[name]) * of / 100 for name, of in zip(TEST, ce, strict=True)}
    return errors_of({name: [total / 5] * 5 for name, total in sums.items()})


def test_the_normalisers_are_the_means_of_the_published_levels() -> None:
    assert len(LEVELS) == 15
    for name, levels in LEVELS.items():
        assert alexnet().errors[name] == pytest.approx(sum(levels) / 5, abs=1e-9)
    assert sum(alexnet().errors[name] for name in TEST) / 15 == pytest.approx(0.788993, abs=1e-6)
    others = {name: alexnet().errors[name] for name in alexnet().errors if name not in TEST}
    assert others == {
        "speckle_noise": 0.845,
        "gaussian_blur": 0.787,
        "spatter": 0.718,
        "saturate": 0.658,
    }


@pytest.mark.parametrize("method", PAPER)
def test_mrce_of_the_papers_rows_follow_from_their_ce(method: str) -> None:
    ce, (clean, mce, mrce, unit) = PAPER[method]
    scores = corruption_scores(with_ce(ce), clean=clean / 100)
    assert 100 * scores.value("ce", "snow") == pytest.approx(ce[7])
    # A relative CE moves with its CE by B / (B - B_0); what is printed is rounded, too.
    slopes = [1 / (1 - ALEXNET_CLEAN_ERROR / alexnet().errors[name]) for name in TEST]
    assert 100 * scores.value("mce") == pytest.approx(mce, abs=unit / 2 + 0.05)
    assert 100 * scores.value("mrce") == pytest.approx(mrce, abs=unit / 2 * sum(slopes) / 15 + 0.05)


def test_mrce_as_computed_before() -> None:
    found = {
        method: 100 * corruption_scores(with_ce(ce), clean=printed[0] / 100).value("mrce")
        for method, (ce, printed) in PAPER.items()
    }
    wanted = {"relic": 87.7, "byol": 90.0, "relic_t": 88.4, "simclr": 111.8}
    assert {name: round(found[name], 1) for name in wanted} == wanted


def test_an_average_of_the_errors_is_not_mce() -> None:
    scores = corruption_scores(with_ce(PAPER["relic_t"][0]), clean=0.252)
    # 44.2 % top-1 on average, as the row implies.
    assert 1 - scores.value("mean_error") == pytest.approx(0.442, abs=5e-4)
    assert scores.value("mce") > scores.value("mean_error") + 0.1


def test_alexnet_itself_has_one_everywhere() -> None:
    scores = corruption_scores(errors_of(LEVELS), clean=ALEXNET_CLEAN_ERROR)
    ratios = scores.table.query("metric in ('ce', 'relative_ce', 'mce', 'mrce')")["value"]
    assert len(ratios) == 15 * 2 + 2
    assert ratios.tolist() == pytest.approx([1] * 32)


def test_validation_corruptions_enter_no_mean_of_the_test() -> None:
    test = with_ce(PAPER["byol"][0])
    extra = errors_of({name: [0.9] * 5 for name in ("speckle_noise", "gaussian_blur", "spatter")})
    without = corruption_scores(test, clean=0.257)
    some = corruption_scores(pd.concat([test, extra]), clean=0.257)
    assert some.value("mce") == without.value("mce")
    assert some.missing == ()
    assert some.missing_validation == ("saturate",)
    with pytest.raises(InputError, match=r"no validation_mce over the corruptions: .* saturate"):
        some.value("validation_mce")
    whole = pd.concat([test, extra, errors_of({"saturate": [0.5] * 5})])
    scores = corruption_scores(whole, clean=0.257)
    by_hand = (0.9 / 0.845 + 0.9 / 0.787 + 0.9 / 0.718 + 0.5 / 0.658) / 4
    assert scores.value("validation_mce") == pytest.approx(by_hand)
    assert scores.value("validation_mean_error") == pytest.approx(0.8)


def test_what_is_missing_is_named_and_there_is_no_mean() -> None:
    errors = errors_of(LEVELS)
    part = errors.query("corruption != 'snow'")
    part = part.query("corruption != 'frost' or severity in (1, 2, 4)")
    part = part.query("corruption != 'fog' or severity != 5")
    scores = corruption_scores(part, clean=0.3)
    assert scores.missing == ("snow", "frost: severities 3, 5", "fog: severity 5")
    assert set(scores.table["metric"]) == {"error", "ce", "relative_ce"}
    assert set(scores.table["corruption"]) == set(TEST) - {"snow", "frost", "fog"}
    with pytest.raises(InputError, match=r"no mce over .* snow, frost: severities 3, 5, fog"):
        scores.value("mce")


def test_a_baseline_of_ones_own_gives_its_name() -> None:
    base = baseline_of(
        errors_of({"fog": [0.2, 0.4], "blur": [0.1, 0.3], "tint": [0.05, 0.15]}),
        clean=0.1,
        validation=["tint"],
    )
    own = errors_of({"fog": [0.3, 0.3], "blur": [0.5, 0.3], "tint": [0.2, 0.2]})
    scores = corruption_scores(own, clean=0.2, baseline=base)
    assert scores.value("ce_by_supervised", "blur") == pytest.approx(0.4 / 0.2)
    assert scores.value("relative_ce_by_supervised", "blur") == pytest.approx(0.2 / 0.1)
    assert scores.value("mce_by_supervised") == pytest.approx((1 + 2) / 2)
    assert scores.value("mrce_by_supervised") == pytest.approx((0.1 / 0.2 + 2) / 2)
    assert scores.value("mean_error") == pytest.approx(0.35)
    # The baseline errs as often under `tint` as without: nothing to divide by.
    assert scores.undefined == ("tint",)
    assert scores.value("validation_mce_by_supervised") == pytest.approx(2)
    assert "validation_mrce_by_supervised" not in set(scores.table["metric"])
    assert not {"ce", "mce", "mrce"} & set(scores.table["metric"])


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        (errors_of({"fogg": [0.1]}), "unknown corruption 'fogg': did you mean 'fog'"),
        (errors_of({"fog": [0.1] * 6}), "fog at severity 6: expected severity 1, 2, 3, 4, 5"),
        (errors_of({"fog": [0.1, 7.0]}), r"fog at severity 2 has the error 7.0: .* share in \[0"),
        (errors_of({"fog": [float("nan")]}), "fog at severity 1 has the error nan"),
        (pd.concat([errors_of({"fog": [0.1]})] * 2), "fog at severity 1 has two errors"),
        (pd.DataFrame({"corruption": ["fog"], "severity": [1]}), "has no column error"),
    ],
)
def test_bad_tables_are_refused(errors: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        corruption_scores(errors, clean=0.2)


def test_bad_baselines_are_refused() -> None:
    uneven = errors_of({"fog": [0.1, 0.2], "blur": [0.1]})
    with pytest.raises(InputError, match="lacks blur: severity 2: score it"):
        baseline_of(uneven, clean=0.1)
    with pytest.raises(InputError, match="lacks all errors"):
        baseline_of(uneven[:0], clean=0.1)
    with pytest.raises(InputError, match="would pass for the published one"):
        baseline_of(errors_of({"fog": [0.1]}), clean=0.1, name="alexnet")
    with pytest.raises(InputError, match="unknown validation corruption 'frog'"):
        baseline_of(errors_of({"fog": [0.1]}), clean=0.1, validation=["frog"])


def test_a_baseline_that_misses_its_clean_error_by_rounding_divides_nothing() -> None:
    assert (0.1 + 0.2 + 0.3) / 3 > 0.2
    base = baseline_of(errors_of({"fog": [0.1, 0.2, 0.3]}), clean=0.2)
    scores = corruption_scores(errors_of({"fog": [0.2, 0.3, 0.4]}), clean=0.2, baseline=base)
    assert scores.undefined == ("fog",)
    assert scores.value("mce_by_supervised") == pytest.approx(1.5)
