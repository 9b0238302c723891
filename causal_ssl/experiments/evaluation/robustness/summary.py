"""The short of a robustness table, for a terminal and the head of its report."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
from rich.table import Table

from causal_ssl.datasets.suites import PROTOCOLS

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
    """

    suite: str
    metric: str
    value: str
    interval: str
    published: str
    note: str


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


def finding(table: pd.DataFrame) -> str:
    """What came out, in a sentence: mCE and the accuracies."""
    told = []
    for row in _summed_up(table):
        shifted = row["setting"] != "imagenet" and not _none(row["value"])
        if shifted and row["metric"] in ("mce", "top1"):
            line = _line(row)
            published = f" (published: {line.published})" if line.published else ""
            told.append(f"{line.metric} on {line.suite} {line.value}{published}")
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
    )


def _none(value: Any) -> bool:
    return bool(pd.isna(value))
