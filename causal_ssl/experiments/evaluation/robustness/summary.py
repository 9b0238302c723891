"""The short of a robustness table, for a terminal and the head of its report."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
from rich.table import Table

from causal_ssl.analysis.robustness import corruption_scores
from causal_ssl.datasets.suites import PROTOCOLS, Suite

TITLES = {
    "top1": "top-1",
    "error": "top-1 error",
    "clean_top1": "clean top-1, same classes",
    "gap": "gap to clean",
    "mean_error": "mean error",
    "mce": "mCE",
    "mrce": "mrCE",
    "validation_mce": "validation mCE",
}
"""Metric -> what it is called."""
SUMMED_UP = ("mean_error", "mce", "mrce", "validation_mce", "top1")
"""Of ImageNet-C, whose partitions are many."""
ACCURACIES = ("top1", "error", *SUMMED_UP)
"""Whose notes say what they are, and after it what they lack."""
RATIOS = ("mce", "mrce", "validation_mce")
"""Printed by papers in hundredths, without a percent sign."""


@dataclass(frozen=True)
class Line:
    """A number of the summary, in words.

    Attributes:
        suite: the test set's title, with its partition where it has several.
        metric: what the number is.
        value: the number; "-": it is missing.
        interval: "[low, high]", "" for none.
        published: beside it, "" for none.
        note: what it is of, or why it is missing.
        short: of the note, what it is of less than is published.
    """

    suite: str
    metric: str
    value: str
    interval: str
    published: str
    note: str
    short: str


def lines(table: pd.DataFrame) -> list[Line]:
    """A line for every number that sums a test set up.

    Args:
        table: of `causal-ssl evaluate robustness`.
    """
    return [_line(row) for row in _summed_up(table)]


def missing(table: pd.DataFrame) -> Iterator[str]:
    """What test sets lack, one sentence a reason."""
    empty = table[table["value"].isna()]
    for (suite, note), rows in empty.groupby(["setting", "note"], sort=False):
        shown = dict.fromkeys(TITLES[row["metric"]] for row in _summed_up(rows))
        if shown:
            names = ", ".join(shown)
            yield f"{PROTOCOLS[str(suite)].title}: no {names} ({note})"


def partial(table: pd.DataFrame) -> Iterator[str]:
    """What the numbers of test sets are short of, one sentence a reason."""
    told: dict[str, list[str]] = {}
    for row in _summed_up(table):
        if row["metric"] in ACCURACIES and not _none(row["value"]) and (short := short_of(row)):
            line = _line(row)
            told.setdefault(f"{line.suite}: {{}} of a part alone ({short})", []).append(line.metric)
    for sentence, metrics in told.items():
        yield sentence.format(", ".join(metrics))


def foretold(suites: Iterable[Suite]) -> Iterator[str]:
    """What is seen to be missing before anything is scored."""
    for suite in suites:
        if gone := len(suite.missing_classes):
            yield f"{suite.protocol.title}: {gone:,} of {len(suite.answers):,} classes missing"
        if suite.name == "imagenet-c":
            there = pd.DataFrame(
                [name.split("/") for name in suite.partitions], columns=["corruption", "severity"]
            ).astype({"severity": int})
            scores = corruption_scores(there.assign(error=0.0), clean=None)
            for kind, missing in (
                ("mean over the test corruptions, no mCE", scores.missing),
                ("mean over the validation corruptions", scores.missing_validation),
            ):
                if missing:
                    yield f"{suite.protocol.title}: no {kind} (missing: {', '.join(missing)})"
        elif suite.missing:
            yield f"{suite.protocol.title}: {', '.join(suite.missing)} missing"


def short_of(row: Mapping[str, Any]) -> str:
    """What a number is of less than is published, "" for nothing: its note after what it is."""
    short = row["note"].split("; ")[1:] if row["metric"] in ACCURACIES else []
    images = [] if not short or _none(row["n"]) else [f"{row['n']:,.0f} images"]
    return ", ".join([*images, *short])


def finding(table: pd.DataFrame) -> str:
    """What came out, in a sentence: mCE and the accuracies."""
    told = []
    for row in _summed_up(table):
        shifted = row["setting"] != "imagenet" and not _none(row["value"])
        if shifted and row["metric"] in ("mce", "top1"):
            line = _line(row)
            beside = f"published: {line.published}" if line.published else short_of(row)
            told.append(
                f"{line.metric} on {line.suite} {line.value}" + (f" ({beside})" if beside else "")
            )
    return f"{'; '.join(told)}." if told else "Nothing that sums a test set up is whole."


def sources(table: pd.DataFrame) -> list[str]:
    """Of the published numbers beside."""
    return list(table["source"].dropna().unique())


def for_terminal(table: pd.DataFrame) -> Table:
    """The lines as a table."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("test set")
    shown.add_column("number")
    shown.add_column("value", justify="right", no_wrap=True)
    shown.add_column("published", justify="right", no_wrap=True)
    for suite, own in groupby(lines(table), key=lambda line: line.suite):
        for k, line in enumerate(own):
            value = f"{line.value} {line.interval}".strip()
            shown.add_row("" if k else suite, line.metric, value, line.published)
    return shown


def in_words(metric: str, value: float) -> str:
    """A number as papers print it.

    Examples:
        >>> in_words("mce", 0.708), in_words("top1", 0.7482)
        ('70.8', '74.8 %')
    """
    return f"{100 * value:.1f}" + ("" if metric in RATIOS else " %")


def _summed_up(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [row for row in table.to_dict("records") if _sums_up(row)]


def _sums_up(row: dict[str, Any]) -> bool:
    if row["setting"] == "imagenet-c":
        return row["metric"] in SUMMED_UP and row["variable"] == ""
    return row["metric"] in TITLES and not (row["metric"] == "error" and _none(row["reference"]))


def _line(row: dict[str, Any]) -> Line:
    metric, several = row["metric"], row["variable"] not in ("", "all")
    value = "-" if _none(row["value"]) else in_words(metric, row["value"])
    low, high = row["low"], row["high"]
    return Line(
        PROTOCOLS[row["setting"]].title + (f" {row['variable']}" if several else ""),
        TITLES[metric],
        value,
        "" if _none(low) else f"[{100 * low:.1f}, {100 * high:.1f}]",
        "" if _none(row["reference"]) else in_words(metric, row["reference"]),
        row["note"],
        short_of(row),
    )


def _none(value: Any) -> bool:
    return bool(pd.isna(value))
