"""The report's section on which directions of the latents are kept."""

from collections.abc import Mapping

import pandas as pd

from causal_ssl import methods as registry
from causal_ssl.analysis import spectrum_plots
from causal_ssl.analysis.report import Block, Cell, Row, Table, Text
from causal_ssl.experiments.content_style import settings as known_settings
from causal_ssl.experiments.content_style.summary import (
    FROM_CONTENT,
    KERNEL_RIDGE,
    Summary,
    number,
    with_spread,
)
from causal_ssl.experiments.content_style.world_spectrum import WHITENED
from causal_ssl.experiments.page import picture

Titles = Mapping[str, str]


def spectrum_blocks(
    table: pd.DataFrame, summary: Summary, *, settings: Titles, methods: Titles
) -> list[Block]:
    """Text, figures and a table from the rows that `world_spectrum` left in a study's table."""
    rows = spectrum_plots.directions(table)
    predicted = rows.dropna(subset=["r2_predicted"])
    if rows.empty:
        return []
    blocks: list[Block] = [
        Text(
            "R² by coordinate hides what near-singular covariances do. An encoder with as many"
            " outputs as there are contents can drop a content direction of tiny variance, at"
            " little cost in coordinate-wise R², and spend the output on a style direction that"
            " interventions hardly change. Below, content is resolved into the eigen-directions of"
            " its covariance, and style into the generalised eigen-directions of its covariance"
            " against its change."
        ),
        _whitened(summary, methods),
    ]
    if not predicted.empty:
        blocks.append(
            picture(
                "predicted",
                spectrum_plots.predicted_against_measured(predicted, settings=settings),
                "Measured against predicted R² of every direction, a point a direction and"
                " encoder. The prediction is the linear code of bounded gain that minimises the"
                " contrastive loss in the world's own covariances; one number, the gain, is taken"
                " from the encoder.",
            )
        )
    blocks.append(
        picture(
            "directions",
            spectrum_plots.kept_directions(rows, settings=settings),
            "Left: R² of content directions over their variance. Right: R² of style directions"
            " over their stability, style variance over squared change: to the right are those"
            " that interventions hardly change.",
        )
    )
    return blocks


def spectrum_finding(table: pd.DataFrame) -> str:
    """How well the spectra predict what is kept, in a sentence; empty without predictions."""
    rows = spectrum_plots.directions(table).dropna(subset=["r2_predicted"])
    dependent = [name for name, each in known_settings.SETTINGS.items() if each.dependent]
    rows = rows[rows["setting"].isin(dependent)]
    found = {
        registry.get(str(method)).title: agreed.correlation
        for method, own in rows.groupby("method", sort=False)
        if (agreed := spectrum_plots.agreement(own)) is not None
    }
    if not found:
        return ""
    each = ", ".join(f"{number(r)} for {title}" for title, r in found.items())
    return (
        "Under dependence, which directions of content and style a code holds is predicted from its"
        f" world's covariances and its own gain with r = {each}."
    )


def _whitened(summary: Summary, methods: Titles) -> Table:
    lines = []
    for setting in summary.distinct("setting"):
        for k, (method, title) in enumerate(methods.items()):
            own = summary.where(setting=setting, method=method)
            shown = [
                own.where(variable=variable, metric=metric)
                for variable in ("content", WHITENED, "style")
                for metric in (KERNEL_RIDGE, "r2_predicted")
            ]
            values = [
                with_spread(found.scores[0].mean, found.scores[0].std) if found.scores else "–"
                for found in shown
            ]
            only = own.only(variable=FROM_CONTENT, metric=KERNEL_RIDGE)
            values.append(with_spread(only.mean, only.std))
            name = known_settings.get(setting).title
            first = [Cell(name, detail=setting, rows=len(methods))] if k == 0 else []
            cells = [*first, Cell(title), *(Cell(value, number=True) for value in values)]
            lines.append(Row(cells, first=k == 0))
    pair = ["measured", "predicted"]
    return Table(
        ["setting", "method", *pair, *pair, *pair, "from content"],
        lines,
        groups=[("", 2), ("content R²", 2), ("content R², whitened", 2), ("style R²", 3)],
    )
