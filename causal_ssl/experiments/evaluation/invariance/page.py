"""The report of `evaluate invariance`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.analysis.augmentation_plot import gaps_and_accuracy
from causal_ssl.analysis.gallery import gallery
from causal_ssl.analysis.invariance_plots import pair_heatmaps
from causal_ssl.analysis.report import Block, Bullets, Cell, Report, Row, Section, Table, Text
from causal_ssl.analysis.separability import separability
from causal_ssl.analysis.separability_plot import f_lda_distributions
from causal_ssl.experiments.evaluation.command import command
from causal_ssl.experiments.evaluation.config import CORRUPTIONS
from causal_ssl.experiments.evaluation.invariance.config import Invariance
from causal_ssl.experiments.evaluation.invariance.measures import GAP, Outputs
from causal_ssl.experiments.evaluation.invariance.words import (
    NETWORKS,
    Found,
    caveats,
    discussion,
    finding,
)
from causal_ssl.experiments.page import Drawn, drawn, footer, picture, reproduced_by

SHOWN = 10
"""Images of the gallery."""
TO = "\u00a0to\u00a0"
"""Between the ends of an interval, which stay on one line."""


@dataclass(frozen=True, eq=False)
class Material:
    """Everything a page is written from.

    Attributes:
        asked: the options.
        source: the encoder, in words.
        table: of the run.
        titles: augmentation -> title.
        outputs: "f", and "g" where there is one.
        labels: (m,) classes of the sample.
        seen: augmentation -> the first images of the sample under it, (n, 3, h, w) uint8.
        environment: what it ran on.
    """

    asked: Invariance
    source: str
    table: pd.DataFrame
    titles: Mapping[str, str]
    outputs: Mapping[str, Outputs]
    labels: NDArray[np.int64]
    seen: Mapping[str, Tensor]
    environment: Mapping[str, Any]

    @cached_property
    def found(self) -> Found:
        """The numbers that sentences are made of."""
        return Found(self.table, self.titles, float(self.sizes.max()) / len(self.labels))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Images of each class that there is."""
        return np.unique(self.labels, return_counts=True)[1]

    @cached_property
    def f_lda(self) -> dict[str, pd.DataFrame]:
        """Augmentation -> F_LDA of f, a row an ordered pair of classes."""
        return {
            name: separability(values, self.labels).table(["size_normalised"])
            for name, values in self.outputs["f"].anchors.items()
        }

    @property
    def networks(self) -> dict[str, str]:
        """f, and g where there is one, with their titles."""
        return {name: NETWORKS[name] for name in self.found.variables}


def summary(material: Material) -> list[str]:
    """What came out, for a terminal."""
    return [f"{material.source}:", finding(material.found), discussion(material.found)]


def page(material: Material) -> Drawn:
    """The report."""
    asked, found = material.asked, material.found
    report = Report(
        title="What does it make of the same image, changed?",
        subtitle=f"Proxy gaps KL(p^do(a)(Y | x) || p^do(b)(Y | x)) between augmentations of"
        f" {asked.images:,} validation images (Mitrovic et al. 2021, arXiv:2010.07922, eq. 3), of"
        f" {material.source}",
        finding=finding(found),
        discussion=discussion(found),
        facts=[
            f"{len(material.titles)} augmentations",
            f"{asked.images:,} images of {len(material.sizes):,} classes",
            f"τ = {asked.tau:g}, cosine",
            str(material.environment["processor"]),
        ],
        sections=[
            Section("", [_glance(material)]),
            Section("What each augmentation does", [_gallery(material)]),
            _pairs(material),
            Section("The numbers", [_numbers(material)]),
            _separability(material),
            Section(
                "What to keep in mind",
                [Bullets(caveats(found, asked, critic="g" in material.outputs))],
            ),
            reproduced_by(command(asked), asked, material.environment),
        ],
        footer=footer(material.environment),
    )
    return drawn(report, "")


def _glance(material: Material) -> Block:
    corrupted = any(name in CORRUPTIONS for name in material.titles)
    return picture(
        "glance",
        gaps_and_accuracy(
            material.table,
            augmentations=material.titles,
            variables=material.networks,
            chance=material.found.chance,
        ),
        f"Proxy gap of each augmentation to {material.titles[material.found.first]}, beside the"
        " share of images whose class is told. Lines: the gap between two different images, and"
        " who answers with the most frequent class. A small gap is a merit only where accuracy is"
        " high; an encoder that makes the same of every image has gap 0 everywhere."
        + (" In parentheses: the severity of a corruption, of 1 to 5." if corrupted else ""),
        "Dots of proxy gap and accuracy by augmentation",
    )


def _gallery(material: Material) -> Block:
    rows = {
        title: material.seen[name][:SHOWN].permute(0, 2, 3, 1).numpy()
        for name, title in material.titles.items()
    }
    return picture(
        "augmentations",
        gallery(rows, labels=1.3),
        "The same validation images under each augmentation, as the encoder is shown them.",
        "Rows of images, an augmentation each",
    )


def _pairs(material: Material) -> Section:
    own = material.table[material.table["metric"] == GAP]
    figure = pair_heatmaps(
        own.assign(method=own["variable"], setting="all"),
        metric="proxy_gap",
        setting="all",
        methods=material.networks,
        environments=material.titles,
        across=2,
        one_scale=False,
    )
    return Section(
        "Every pair",
        [
            picture(
                "pairs",
                figure,
                "Mean divergence, in nats, of the prediction under the row’s augmentation from that"
                " under the column’s, against one bank of images whose augmentations are drawn for"
                " each; shades are of each panel’s own scale. On the diagonal: two draws of one"
                " augmentation, 0 where it draws nothing.",
            )
        ],
    )


def _numbers(material: Material) -> Table:
    found = material.found
    medians = {name: each["value"].median() for name, each in material.f_lda.items()}
    rows = [
        Row(
            [
                Cell(title),
                Cell(f"{found.pixels(name):.3f}", number=True),
                *(
                    cell
                    for variable in found.variables
                    for cell in _gap_cells(found, variable, name)
                ),
                _share(found.accuracy(name)),
                Cell("" if np.isnan(medians[name]) else f"{medians[name]:.2f}", number=True),
            ]
        )
        for name, title in material.titles.items()
    ]
    gap = [f"gap to {found.titles[found.first]}", "of another image", "two draws"]
    groups = [
        ("", 2),
        *((f"{NETWORKS[variable]}", 3) for variable in found.variables),
        ("f", 2),
    ]
    columns = ["", "change of pixels", *gap * len(found.variables), "accuracy", "median F_LDA"]
    return Table(columns, rows, groups=groups)


def _gap_cells(found: Found, variable: str, name: str) -> list[Cell]:
    first, own = found.first, found.gap(variable, name, name)
    again = Cell("" if own["high"] == 0 else f"{own['value']:.2f}", number=True)
    if name == first:
        return [Cell(""), Cell(""), again]
    row, part = found.gap(variable, name, first), found.share(variable, name)
    return [
        Cell(f"{row['value']:.3f}", f"{row['low']:.3f}{TO}{row['high']:.3f}", number=True),
        Cell("" if np.isnan(part) else f"{100 * part:.0f} %", number=True),
        again,
    ]


def _share(row: pd.Series) -> Cell:
    interval = f"{100 * row['low']:.1f}{TO}{100 * row['high']:.1f}"
    return Cell(f"{100 * row['value']:.1f} %", interval, number=True, strong=True)


def _separability(material: Material) -> Section:
    title = "How far apart classes lie"
    shown = {
        name: material.titles[name]
        for name, table in material.f_lda.items()
        if bool((np.isfinite(table["value"]) & (table["value"] > 0)).any())
    }
    if not shown:
        few = f"{len(material.labels):,} images of {len(material.sizes):,} classes"
        return Section(title, [Text(f"{few} leave no pair of classes whose F_LDA is a number.")])
    stacked = pd.concat([material.f_lda[name].assign(representation=name) for name in shown])
    return Section(
        title,
        [
            picture(
                "f_lda",
                f_lda_distributions(stacked, representations=shown),
                "F_LDA of every ordered pair of classes under each augmentation, of f: squared"
                " distance of the class means over the mean squared distance of two images of the"
                " first class. The distribution over pairs; ring and number: its median.",
            )
        ],
    )
