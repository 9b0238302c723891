"""Errors under corruption, as ImageNet-C sums them up: CE, mCE, relative CE, mrCE.

    scores = corruption_scores(errors, clean=0.2385)
    scores.table               # a number a row, each named as what it is
    scores.missing             # what a mean lacks; then there is no mean

With E_sc the top-1 error of a classifier at severity s of corruption c, B_sc that of a baseline,
and E_0, B_0 those on clean images, all sums over the severities (Hendrycks and Dietterich 2019,
arXiv 1903.12261, section 4):

    CE_c          = sum_s E_sc / sum_s B_sc                     mCE  = mean over corruptions
    relative CE_c = sum_s (E_sc - E_0) / sum_s (B_sc - B_0)     mrCE = mean over corruptions

The published numbers have AlexNet for baseline and mean over 15 corruptions, 100 for 1 here; four
more are for choosing hyperparameters and enter no mean of the 15. The plain mean of the errors is a
number of its own, often printed as "mCE": here it is `mean_error`. Where AlexNet has no numbers, a
classifier of one's own takes its place, and gives them its name: `mce_by_supervised`.
"""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import pandas as pd

from causal_ssl.errors import InputError, in_range, one_of, unknown_name

Kind = Literal["test", "validation"]

ALEXNET_CLEAN_ERROR = 0.4348
"""AlexNet's top-1 error on clean ImageNet. The mrCE that the ReLIC paper (arXiv 2010.07922) prints
follow from its CE with this number, up to the rounding of what it prints."""
SEVERITIES = (1, 2, 3, 4, 5)
ROUNDING = 1e-9
"""A baseline's error, or its rise, up to which it is 0 and nothing is divided by it: means miss by
rounding what they are of, while one wrong image of a million is 1e-6."""


@dataclass(frozen=True)
class Baseline:
    """The classifier that errors are divided by.

    Attributes:
        name: enters the names of what it normalises, unless it is "alexnet".
        clean: error on clean images, in [0, 1].
        errors: corruption -> mean error over the severities, in [0, 1].
        kinds: corruption -> "test", or "validation" for those that enter no mean of the test.
        severities: that the means are over.
        source: where its numbers come from.
    """

    name: str
    clean: float
    errors: Mapping[str, float]
    kinds: Mapping[str, Kind]
    severities: tuple[int, ...]
    source: str

    def named(self, metric: str) -> str:
        """The name of a metric that is normalised by this: `ce`, or `ce_by_NAME`."""
        return metric if self.name == "alexnet" else f"{metric}_by_{self.name}"


@dataclass(frozen=True)
class CorruptionScores:
    """Errors under corruption, summed up.

    Attributes:
        table: a row a number: metric, corruption ("" for means), kind ("test", "validation"),
            value. Per corruption `error`, the mean over the severities in [0, 1], `ce` and
            `relative_ce`, where 1 is as the baseline; over the test corruptions `mean_error`,
            `mce` and `mrce`; over the others the same as `validation_mean_error` and so on. By
            another baseline than AlexNet all but the plain errors end in `_by_NAME`.
        missing: "frost: severities 3, 5" or "snow", of the test corruptions. A corruption that
            lacks a severity has no row; if any is missing there are no means.
        missing_validation: the same of the validation corruptions.
        undefined: corruptions whose relative CE, or CE, is undefined: they do not raise the
            baseline's own error. If it is one of them, the mean has no row either.
    """

    table: pd.DataFrame
    missing: tuple[str, ...]
    missing_validation: tuple[str, ...]
    undefined: tuple[str, ...]

    def value(self, metric: str, corruption: str = "") -> float:
        """One number of the table.

        Raises:
            InputError: it has none of that name; says what is missing.
        """
        rows = self.table.query("metric == @metric and corruption == @corruption")
        if rows.empty:
            lacking = self.missing + self.missing_validation + self.undefined
            raise InputError(
                f"there is no {metric} {corruption or 'over the corruptions'}: missing or "
                f"undefined are {', '.join(lacking) or 'none'}; see the table's metrics, "
                f"{', '.join(sorted(set(self.table['metric'])))}"
            )
        return float(rows["value"].iloc[0])


@cache
def alexnet() -> Baseline:
    """AlexNet on ImageNet-C, the published denominators.

    Those of the 15 test corruptions are means of five published errors; of the 4 validation
    corruptions only the mean is published, to a tenth of a per cent.

    Examples:
        >>> alexnet().errors["gaussian_noise"], alexnet().kinds["spatter"]
        (0.886428, 'validation')
    """
    file = resources.files("causal_ssl.analysis") / "published" / "alexnet_imagenet_c.csv"
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    kinds: dict[str, Kind] = {
        row["corruption"]: "test" if row["kind"] == "test" else "validation" for row in rows
    }
    errors = {row["corruption"]: float(row["error"]) for row in rows}
    source = rows[0]["source"]
    return Baseline("alexnet", ALEXNET_CLEAN_ERROR, errors, kinds, SEVERITIES, source)


def baseline_of(
    errors: pd.DataFrame,
    *,
    clean: float,
    name: str = "supervised",
    validation: Collection[str] = (),
) -> Baseline:
    """A classifier of one's own to divide by, where AlexNet has no numbers.

    Args:
        errors: of that classifier, as `corruption_scores` takes them; every corruption at the
            same severities.
        clean: its error on clean images, in [0, 1].
        name: what it is; all numbers that it normalises are named after it.
        validation: corruptions that are for choosing hyperparameters.

    Raises:
        InputError: no errors, severities that differ between corruptions, an unknown corruption
            in `validation`, the name "alexnet".

    Examples:
        >>> errors = pd.DataFrame({"corruption": "fog", "severity": [1, 3], "error": [0.2, 0.4]})
        >>> base = baseline_of(errors, clean=0.1)
        >>> base.severities, round(base.errors["fog"], 3), base.named("mce")
        ((1, 3), 0.3, 'mce_by_supervised')
    """
    if name == alexnet().name:
        raise InputError("a baseline named 'alexnet' would pass for the published one: rename it")
    levels = _levels(errors, None)
    severities = tuple(sorted({severity for found in levels.values() for severity in found}))
    lacking = [words for each in levels if (words := _lacking(each, levels, severities))]
    if lacking or not levels:
        raise InputError(
            f"the baseline {name!r} lacks {'; '.join(lacking) or 'all errors'}: score it on every "
            "corruption at the same severities"
        )
    for corruption in validation:
        one_of("validation corruption", corruption, levels)
    means = {each: sum(found.values()) / len(found) for each, found in levels.items()}
    kinds: dict[str, Kind] = {
        each: "validation" if each in validation else "test" for each in levels
    }
    clean = in_range("clean", clean, at_least=0, at_most=1)
    return Baseline(name, clean, means, kinds, severities, "scored here")


def corruption_scores(
    errors: pd.DataFrame, *, clean: float | None, baseline: Baseline | None = None
) -> CorruptionScores:
    """Sum up errors under corruption against a baseline.

    Args:
        errors: a row each corruption and severity, with columns corruption, severity (1 to 5) and
            error, a share of wrong top-1 answers in [0, 1].
        clean: the error on clean images, in [0, 1]; None: not known, so no relative CE.
        baseline: to divide by; None: AlexNet on ImageNet-C.

    Raises:
        InputError: a column is missing; a corruption or severity that the baseline lacks; one
            that is there twice; errors outside [0, 1] or missing.

    Examples:
        >>> errors = pd.DataFrame({"corruption": "fog", "severity": SEVERITIES, "error": 0.5})
        >>> scores = corruption_scores(errors, clean=0.25)
        >>> round(scores.value("ce", "fog"), 4), len(scores.missing), scores.missing[0]
        (0.6103, 14, 'gaussian_noise')
        >>> scores.table["metric"].tolist()
        ['error', 'ce', 'relative_ce']
    """
    baseline = baseline or alexnet()
    if clean is not None:
        in_range("clean", clean, at_least=0, at_most=1)
    levels = _levels(errors, baseline)
    lacking = {each: _lacking(each, levels, baseline.severities) for each in baseline.errors}
    each = [
        _scores(corruption, levels[corruption], clean, baseline)
        for corruption in baseline.errors
        if not lacking[corruption]
    ]
    rows = pd.DataFrame(
        [row for rows in each for row in rows], columns=["metric", "corruption", "kind", "value"]
    )
    undefined = tuple(sorted(set(rows.loc[rows["value"].isna(), "corruption"])))
    missing: dict[Kind, tuple[str, ...]] = {
        kind: tuple(w for name, w in lacking.items() if w and baseline.kinds[name] == kind)
        for kind in ("test", "validation")
    }
    means = [
        _means(rows[rows["kind"] == kind], kind, baseline)
        for kind, words in missing.items()
        if not words and kind in baseline.kinds.values()
    ]
    table = pd.concat([rows, *means], ignore_index=True).dropna(subset="value")
    table = table.reset_index(drop=True)
    return CorruptionScores(table, missing["test"], missing["validation"], undefined)


def _scores(
    corruption: str, levels: dict[int, float], clean: float | None, baseline: Baseline
) -> list[tuple[str, str, Kind, float]]:
    """The rows of one corruption; NaN where the baseline's denominator is not positive."""
    error = sum(levels.values()) / len(levels)
    below = baseline.errors[corruption]
    quotients = {"ce": (error, below)}
    if clean is not None:
        quotients["relative_ce"] = (error - clean, below - baseline.clean)
    named = {
        baseline.named(metric): above / under if under > ROUNDING else float("nan")
        for metric, (above, under) in quotients.items()
    }
    kind = baseline.kinds[corruption]
    return [(metric, corruption, kind, v) for metric, v in ({"error": error} | named).items()]


def _means(rows: pd.DataFrame, kind: Kind, baseline: Baseline) -> pd.DataFrame:
    """Of one kind of corruptions, all of them; NaN where one is undefined."""
    names = {
        "error": "mean_error",
        baseline.named("ce"): baseline.named("mce"),
        baseline.named("relative_ce"): baseline.named("mrce"),
    }
    prefix = "" if kind == "test" else f"{kind}_"
    values = [
        (
            f"{prefix}{name}",
            "",
            kind,
            rows.loc[rows["metric"] == metric, "value"].mean(skipna=False),
        )
        for metric, name in names.items()
        if metric in set(rows["metric"])
    ]
    return pd.DataFrame(values, columns=rows.columns)


def _lacking(
    corruption: str, levels: dict[str, dict[int, float]], severities: tuple[int, ...]
) -> str:
    """What of a corruption is missing, in words; "" for nothing."""
    if corruption not in levels:
        return corruption
    gone = [str(severity) for severity in severities if severity not in levels[corruption]]
    if not gone:
        return ""
    return f"{corruption}: {'severity' if len(gone) == 1 else 'severities'} {', '.join(gone)}"


def _levels(errors: pd.DataFrame, baseline: Baseline | None) -> dict[str, dict[int, float]]:
    """Corruption -> severity -> error, checked; against a baseline if there is one."""
    if gone := [name for name in ("corruption", "severity", "error") if name not in errors]:
        raise InputError(
            f"the table of errors has no column {', '.join(gone)}: it needs corruption, severity "
            "and error"
        )
    levels: dict[str, dict[int, float]] = {}
    for corruption, severity, error in zip(
        errors["corruption"], errors["severity"], errors["error"], strict=True
    ):
        where = f"{corruption} at severity {severity}"
        if baseline and corruption not in baseline.errors:
            raise unknown_name("corruption", corruption, baseline.errors)
        known = baseline.severities if baseline else SEVERITIES
        if severity not in known:
            raise InputError(f"{where}: expected severity {', '.join(map(str, known))}")
        if severity in levels.setdefault(corruption, {}):
            raise InputError(f"{where} has two errors: give one")
        if not 0 <= error <= 1:
            raise InputError(f"{where} has the error {error}: expected a share in [0, 1]")
        levels[corruption][int(severity)] = float(error)
    return levels
