"""The report of a content/style study, written from its tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from causal_ssl import methods
from causal_ssl.analysis import plots
from causal_ssl.analysis.graph_plot import draw_graph
from causal_ssl.analysis.report import Block, Bullets, Details, Report, Section, Text
from causal_ssl.experiments.content_style import page_tables, settings
from causal_ssl.experiments.content_style.caveats import caveats
from causal_ssl.experiments.content_style.config import NumericalStudy
from causal_ssl.experiments.content_style.graph import process_graph
from causal_ssl.experiments.content_style.spectrum_page import spectrum_blocks, spectrum_finding
from causal_ssl.experiments.content_style.summary import (
    KERNEL_RIDGE,
    LINEAR,
    Summary,
    finding,
    summarise,
)
from causal_ssl.experiments.page import Drawn, drawn, footer, picture, reproduction
from causal_ssl.experiments.run_directory import RunDirectory

Titles = Mapping[str, str]


@dataclass(frozen=True)
class Material:
    """Everything a page is written from: the config and the tables of a finished run."""

    config: NumericalStudy
    table: pd.DataFrame
    history: pd.DataFrame
    predictions: pd.DataFrame
    environment: Mapping[str, Any]

    @property
    def settings(self) -> Titles:
        """Settings of the run and their short titles."""
        return {name: settings.get(name).short for name in self.config.settings}

    @property
    def methods(self) -> Titles:
        """Methods of the run and their titles."""
        return {name: methods.get(name).title for name in self.config.methods}


def page(directory: RunDirectory, config: NumericalStudy) -> Drawn:
    """Write the report of the run in that directory."""
    material = Material(
        config,
        table=pd.read_csv(directory / "table.csv"),
        history=pd.read_csv(directory / "history.csv"),
        predictions=pd.read_csv(directory / "predictions.csv"),
        environment=json.loads((directory / "environment.json").read_text()),
    )
    summary = summarise(material.table)
    write = _dimensions if config.name == "dimensions" else _numerical
    return drawn(write(material, summary), page_tables.terminal(summary, material.methods))


def _numerical(material: Material, summary: Summary) -> Report:
    shown = {"settings": material.settings, "methods": material.methods}
    bars = plots.r2_bars(material.table, metric=KERNEL_RIDGE, **shown)
    head: list[Block] = [
        picture(
            "r2",
            bars,
            "R² of content and style predicted from the representation by kernel ridge regression,"
            " on points not fitted on; p is the probability that an intervention changes a style"
            " dimension. Bars: mean over worlds; circles: each world; diamonds: the published mean"
            " and standard deviation; dashed: style predicted from the true content, the score of a"
            " perfect content representation.",
            "Bar chart of content and style R² for each setting and method",
        )
    ]
    sections = [
        Section("", head),
        _numbers(material, summary),
        _worlds(material),
        Section("Which directions are kept", spectrum_blocks(material.table, summary, **shown)),
        _scatter(material),
        _losses(material),
        *_closing(material),
    ]
    found = finding(summary, material.methods)
    return Report(
        title="Does contrastive learning isolate content from style?",
        subtitle="Encoders trained on pairs of views whose style was intervened on, scored against"
        " the latents that made the data (von Kügelgen et al. 2021, arXiv:2106.04619, section 5.1)",
        finding=found[0],
        discussion=" ".join([*found[1:], spectrum_finding(material.table)]).strip(),
        facts=_facts(material),
        sections=[section for section in sections if section.blocks],
        footer=footer(material.environment),
    )


def _dimensions(material: Material, summary: Summary) -> Report:
    figure = plots.dimension_curves(
        material.table,
        settings=material.settings,
        methods=material.methods,
        metric=KERNEL_RIDGE,
        n_content=material.config.n_content,
    )
    head: list[Block] = [
        picture(
            "dimensions",
            figure,
            "R² of content and style over the number of outputs of the encoder, kernel ridge on"
            " points not fitted on. Lines: mean over worlds; dots: each world; dashed vertical: the"
            " true content dimension; dotted: style predicted from true content.",
            "Content and style R² against output dimension",
        )
    ]
    found = page_tables.dimensions_finding(summary, material.config, material.methods)
    return Report(
        title="How many outputs should the encoder have?",
        subtitle="Output dimension from 1 to content and style together"
        " (von Kügelgen et al. 2021, arXiv:2106.04619, figure 10)",
        finding=found[0],
        discussion=" ".join(found[1:]),
        facts=_facts(material),
        sections=[
            Section("", head),
            Section("The numbers", [page_tables.by_dimension(summary, material.methods)]),
            _worlds(material),
            *_closing(material),
        ],
        footer=footer(material.environment),
    )


def _numbers(material: Material, summary: Summary) -> Section:
    return Section(
        "Ours beside the published numbers",
        [
            Text(
                "Kernel ridge regression. Mean ± standard deviation over worlds, each world's own"
                " value in small print; difference is ours minus published. The paper trained with"
                " InfoNCE; its numbers stand beside every method."
            ),
            page_tables.comparison(summary, KERNEL_RIDGE, material.methods),
            Text(page_tables.superseded()),
            Details(
                "The same by linear regression",
                [page_tables.comparison(summary, LINEAR, material.methods)],
            ),
            Details("What dependence alone predicts", [page_tables.references(summary)]),
        ],
    )


def _worlds(material: Material) -> Section:
    config = material.config
    causal = any(settings.get(name).causal for name in config.settings)
    figure = draw_graph(process_graph(causal=causal))
    dashed = " The dashed arrow is there with causal dependence only." if causal else ""
    shown = picture(
        "graph",
        figure,
        "Content c is shared by the two views; style s is changed by a soft intervention, each"
        f" dimension with probability p(change).{dashed}",
        "Causal graph: content and style make view 1; content and intervened style make view 2",
    )
    return Section(
        "Where the data comes from",
        [
            shown,
            Text(
                f"{config.n_content} content and {config.n_style} style variables are Gaussian and"
                f" mixed by an invertible network of {config.mixing_layers} layers into x. With"
                " statistical dependence the covariances of content, of style and of its changes"
                " are Wishart draws; with causal dependence style is a + B c plus noise. The second"
                " view is the counterfactual of the first under the intervention, so content is"
                " the same in both to the last bit."
            ),
        ],
    )


def _scatter(material: Material) -> Section:
    figure = plots.content_scatter(
        material.predictions, settings=material.settings, methods=material.methods
    )
    shown = picture(
        "content",
        figure,
        "Content predicted from the representation against true content, in standard deviations;"
        " world of seed 0, a colour a coordinate.",
        "Scatter plots of predicted against true content",
    )
    return Section("Content, predicted and true", [shown])


def _losses(material: Material) -> Section:
    figure = plots.loss_curves(
        material.history, settings=material.settings, methods=material.methods
    )
    shown = picture(
        "loss",
        figure,
        "Terms of the objectives during training, a line a world, means over short windows of"
        " steps. Worlds, samples and first weights are the same for all methods.",
        "Loss curves",
    )
    return Section("Training", [shown])


def _closing(material: Material) -> list[Section]:
    return [
        Section("What to keep in mind", [Bullets(caveats(material.config))]),
        reproduction(material.config, material.environment),
    ]


def _facts(material: Material) -> list[str]:
    config = material.config
    worlds = sum(config.budget(settings.get(s)).seeds for s in config.settings)
    encoders = material.table.groupby(["setting", "method", "seed", "n_outputs"]).ngroups
    steps = sorted({config.budget(settings.get(s)).steps for s in config.settings})
    return [
        f"{worlds} worlds",
        f"{encoders} encoders",
        " and ".join(f"{n:,}" for n in steps) + " steps",
        f"batch {config.batch_size:,}",
        f"scored on {config.n_score:,} held-out points",
        str(material.environment["processor"]),
    ]
