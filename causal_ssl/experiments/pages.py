"""The report of a content/style study, written from its tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml
from matplotlib.figure import Figure
from rich.table import Table as TerminalTable

from causal_ssl import methods
from causal_ssl.analysis import plots
from causal_ssl.analysis.graph_plot import draw_graph
from causal_ssl.analysis.report import (
    Block,
    Bullets,
    Code,
    Details,
    Picture,
    Report,
    Section,
    Text,
    render,
)
from causal_ssl.experiments import options, page_tables, reproduce, settings
from causal_ssl.experiments.caveats import caveats
from causal_ssl.experiments.config import NumericalStudy
from causal_ssl.experiments.graph import process_graph
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.spectrum_page import spectrum_blocks, spectrum_finding
from causal_ssl.experiments.summary import KERNEL_RIDGE, LINEAR, Summary, finding, summarise

Titles = Mapping[str, str]


@dataclass(frozen=True)
class Drawn:
    """A report, its pictures by name, and the summary for a terminal."""

    html: str
    pictures: dict[str, bytes]
    terminal: TerminalTable


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
    report = write(material, summary)
    pictures = report.pictures()
    return Drawn(render(report), pictures, page_tables.terminal(summary, material.methods))


def _numerical(material: Material, summary: Summary) -> Report:
    shown = {"settings": material.settings, "methods": material.methods}
    bars = plots.r2_bars(material.table, metric=KERNEL_RIDGE, **shown)
    head: list[Block] = [
        _picture(
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
        footer=_footer(material),
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
        _picture(
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
        footer=_footer(material),
    )


def _picture(name: str, figure: Figure, caption: str, alt: str) -> Picture:
    """A figure as wide on the page as it was drawn, in proportion to the others."""
    width = round(100 * figure.get_figwidth() / plots.WIDTH)
    return Picture(name, plots.png(figure), caption, alt, width=min(width, 100))


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
    picture = _picture(
        "graph",
        figure,
        "Content c is shared by the two views; style s is changed by a soft intervention, each"
        f" dimension with probability p(change).{dashed}",
        "Causal graph: content and style make view 1; content and intervened style make view 2",
    )
    return Section(
        "Where the data comes from",
        [
            picture,
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
    picture = _picture(
        "content",
        figure,
        "Content predicted from the representation against true content, in standard deviations;"
        " world of seed 0, a colour a coordinate.",
        "Scatter plots of predicted against true content",
    )
    return Section("Content, predicted and true", [picture])


def _losses(material: Material) -> Section:
    figure = plots.loss_curves(
        material.history, settings=material.settings, methods=material.methods
    )
    picture = _picture(
        "loss",
        figure,
        "Terms of the objectives during training, a line a world, means over short windows of"
        " steps. Worlds, samples and first weights are the same for all methods.",
        "Loss curves",
    )
    return Section("Training", [picture])


def _closing(material: Material) -> list[Section]:
    config = material.config
    config_text = yaml.safe_dump(options.to_dict(config), sort_keys=False)
    environment_text = yaml.safe_dump(dict(material.environment), sort_keys=False)
    return [
        Section("What to keep in mind", [Bullets(caveats(config))]),
        Section(
            "Reproduce",
            [
                Code(reproduce.command(config)),
                Text("An interrupted run continues when its command is repeated."),
                Details("Configuration", [Code(config_text)]),
                Details("Environment", [Code(environment_text)]),
            ],
        ),
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


def _footer(material: Material) -> str:
    packages = material.environment["packages"]
    revision = str(material.environment.get("git_revision", ""))[:12]
    shown = f", revision {revision}" if revision else ""
    return f"causal-ssl {packages.get('causal-ssl')}{shown}, torch {packages.get('torch')}"
