"""The report of `evaluate robustness`, written from its table."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import pandas as pd

from causal_ssl.analysis.corruption_plot import corruption_errors
from causal_ssl.analysis.report import Bullets, Cell, Details, Report, Row, Section, Table
from causal_ssl.datasets.suites.protocols import TEST, VALIDATION
from causal_ssl.experiments.evaluation.command import command
from causal_ssl.experiments.evaluation.images import SIZE
from causal_ssl.experiments.evaluation.robustness.config import Robustness
from causal_ssl.experiments.evaluation.robustness.summary import (
    Line,
    finding,
    for_terminal,
    lines,
    missing,
    partial,
    sources,
)
from causal_ssl.experiments.page import Drawn, drawn, footer, picture, reproduced_by

GROUPS = {**TEST, "validation": VALIDATION["extra"]}
HYPHEN = "\N{NON-BREAKING HYPHEN}"
MISSING = "What is missing"
KEEP_IN_MIND = (
    "Intervals are over images, drawn independently: they say nothing of other trainings of the"
    " encoder or of the classifier.",
    "Means over corruptions have no interval: their partitions are of the same images.",
    "The mean error is not mCE: it is not divided by AlexNet’s errors. Both are of the 15 test"
    " corruptions; those for choosing hyperparameters stand apart.",
    "On ImageNet-R and -A the 200 classes alone compete, so accuracy there is to be held against"
    " clean images of the same classes, not against ImageNet’s.",
)


def page(
    asked: Robustness,
    table: pd.DataFrame,
    *,
    source: str,
    classifier: str,
    environment: Mapping[str, Any],
) -> Drawn:
    """The report.

    Args:
        asked: the options.
        table: of the run.
        source: the encoder, in words.
        classifier: how it was trained, in words.
        environment: what it ran on.
    """
    reasons = [*partial(table), *missing(table)]
    sections = [Section("", [_numbers(table)])]
    if (table["setting"] == "imagenet-c").any():
        sections.append(_corruptions(table, asked.beside))
    if reasons:
        sections.append(Section(MISSING, [Bullets(reasons)]))
    report = Report(
        title="How well does it do under shift?",
        subtitle=f"Test sets for ImageNet’s classes, scored with a linear classifier of {source}",
        finding=finding(table),
        facts=[
            f"classifier: {classifier}",
            f"{asked.size or SIZE} px, resized {asked.interpolation}",
            str(environment["processor"]),
        ],
        sections=[
            *sections,
            Section("What to keep in mind", [Bullets(KEEP_IN_MIND)]),
            reproduced_by(command(asked), asked, environment),
        ],
        footer=footer(environment),
    )
    return drawn(report, for_terminal(table))


def _numbers(table: pd.DataFrame) -> Table:
    rows: list[Row] = []
    shown = ""
    for (suite, note), own in groupby(lines(table), key=lambda line: (line.suite, _note(line))):
        alike, first, shown = list(own), suite != shown, suite
        for k, line in enumerate(alike):
            cells = [
                Cell(suite.replace("-", HYPHEN) if first and k == 0 else "", strong=True),
                Cell(line.metric),
                Cell(line.value, line.interval.replace(" ", "\N{NO-BREAK SPACE}"), number=True),
                Cell(line.published, number=True),
                *([] if k else [Cell(note, rows=len(alike))]),
            ]
            rows.append(Row(cells, first=first and k == 0))
    told = ", ".join(sources(table))
    caption = f"In brackets 95 % intervals. Published: {told}." if told else ""
    return Table(["test set", "number", "value", "published", "what it is"], rows, caption=caption)


def _note(line: Line) -> str:
    """What a number is; of what is missing, which is long, that it is said below."""
    if line.value == "-":
        return f"missing, see “{MISSING}”"
    if line.short:
        return f"{line.note.split('; ')[0]}; of a part alone, see “{MISSING}”"
    return line.note


def _corruptions(table: pd.DataFrame, beside: str) -> Section:
    own = table[table["setting"] == "imagenet-c"].assign(corruption=table["variable"])
    cells = own[own["variable"].str.contains("/") & own["value"].notna()]
    parts = cells["variable"].str.split("/", expand=True)
    errors = pd.DataFrame(
        {"corruption": parts[0], "severity": parts[1].astype(int), "error": cells["value"]}
    )
    ce = own[own["metric"] == "ce"].rename(columns={"value": "ce"})
    figure = corruption_errors(errors, ce, groups=GROUPS, published=beside)
    return Section(
        "ImageNet-C, corruption by corruption",
        [
            picture(
                "corruptions",
                figure,
                "Errors on the validation images under each corruption at each severity, and CE,"
                " their sum over AlexNet’s. The last four corruptions are for choosing"
                " hyperparameters and enter no mean of the others. A dash: it is not there.",
                "Errors by corruption and severity, and CE by corruption",
            ),
            Details("CE and relative CE", [_of_each(own)]),
        ],
    )


def _of_each(own: pd.DataFrame) -> Table:
    by = own.set_index(["metric", "corruption"])
    rows = []
    for group, names in GROUPS.items():
        for k, name in enumerate(names):
            numbers = [
                Cell(_hundredths(by.loc[(metric, name), column]), number=True)
                for metric, column in (
                    ("error", "value"),
                    ("ce", "value"),
                    ("ce", "reference"),
                    ("relative_ce", "value"),
                )
            ]
            title = Cell(name.replace("_", " "), "" if k else group)
            rows.append(Row([title, *numbers], first=k == 0))
    return Table(["corruption", "mean error, %", "CE", "published CE", "relative CE"], rows)


def _hundredths(value: float) -> str:
    return "" if pd.isna(value) else f"{100 * value:.1f}"
