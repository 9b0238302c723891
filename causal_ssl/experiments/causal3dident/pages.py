"""The report of the Causal3DIdent study, written from its tables and kept images."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from causal_ssl import methods
from causal_ssl.analysis import plots
from causal_ssl.analysis.gallery import gallery
from causal_ssl.analysis.graph_plot import draw_graph
from causal_ssl.analysis.report import (
    Block,
    Bullets,
    Details,
    Picture,
    Report,
    Section,
    Table,
    Text,
)
from causal_ssl.analysis.score_heatmap import score_heatmap
from causal_ssl.datasets.causal3dident.dataset import Pixels
from causal_ssl.datasets.causal3dident.presets import causal3dident
from causal_ssl.experiments.causal3dident import page_tables, settings
from causal_ssl.experiments.causal3dident.caveats import caveats
from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy
from causal_ssl.experiments.causal3dident.graph import scene_graph
from causal_ssl.experiments.causal3dident.published import VARIABLES
from causal_ssl.experiments.causal3dident.summary import (
    Score,
    finding,
    is_reference,
    references,
    summarise,
)
from causal_ssl.experiments.image_study import pictures as image_pictures
from causal_ssl.experiments.page import Drawn, drawn, footer, picture, reproduction
from causal_ssl.experiments.run_directory import RunDirectory

EXACT = ("rendered", "raster")
"""Sources of `LatentViews` that are counterfactuals."""


@dataclass(frozen=True)
class Material:
    """Everything a page is written from."""

    config: Causal3DIdentStudy
    table: pd.DataFrame
    history: pd.DataFrame
    images: Mapping[str, Pixels]
    environment: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, str]:
        """Settings of the run and their titles."""
        return {name: settings.get(name).title for name in self.config.settings}

    @property
    def methods(self) -> dict[str, str]:
        """Methods of the run and their titles."""
        return {name: methods.get(name).title for name in self.config.methods}

    @property
    def titles(self) -> dict[str, dict[str, str]]:
        """Both, for functions that show them."""
        return {"settings": self.settings, "methods": self.methods}


def page(directory: RunDirectory, config: Causal3DIdentStudy) -> Drawn:
    """Write the report of the run in that directory."""
    material = Material(
        config,
        table=pd.read_csv(directory / "table.csv"),
        history=pd.read_csv(directory / "history.csv"),
        images=image_pictures.load(directory / image_pictures.FILE),
        environment=json.loads((directory / "environment.json").read_text()),
    )
    scores = summarise(material.table)
    found = finding(scores, material.settings, material.methods)
    report = Report(
        title="What do image encoders keep of content and style?",
        subtitle="Encoders trained on two views of rendered scenes, scored against the latents that"
        " made the images (von Kügelgen et al. 2021, arXiv:2106.04619, table 1)",
        finding=found[0],
        discussion=" ".join(found[1:]),
        facts=_facts(material),
        sections=[
            Section("", [_heatmap(material, "final")]),
            _numbers(material, scores),
            _scenes(material),
            _views(material),
            _losses(material),
            Section("What to keep in mind", [Bullets(caveats(config, material.table))]),
            reproduction(config, material.environment),
        ],
        footer=footer(material.environment),
    )
    final = [score for score in scores if score.layer == "final"]
    shown = page_tables.terminal(final, references(material.table, "final"), **material.titles)
    return drawn(report, shown)


def _heatmap(material: Material, layer: str) -> Picture:
    table = material.table
    beside = references(table, layer)
    repeated = [
        rows.assign(method=method, setting=title)
        for title, rows in beside.items()
        for method in material.methods
    ]
    figure = score_heatmap(
        pd.concat([table[(table["layer"] == layer) & ~is_reference(table)], *repeated]),
        settings={**dict(zip(beside, beside, strict=True)), **material.settings},
        methods=material.methods,
        variables={name: name.replace("_", " ") for name in VARIABLES},
        rule_below=len(beside),
    )
    published = " In parentheses: the published value." if layer == "final" else ""
    return picture(
        f"scores_{layer}",
        figure,
        f"What the {layer} layer tells of each scene variable on images not fitted on: accuracy of"
        " a logistic regression for the class, R² of kernel ridge regressions for the others."
        " Above the line, what to read them against: encoders before training, a representation of"
        " the class and of nothing else, and all encoders with the images fitted on shuffled"
        " against what they show. After ±: the standard deviation over encoders." + published,
        "Heatmap of accuracy and R² by setting, method and scene variable",
    )


def _numbers(material: Material, scores: list[Score]) -> Section:
    blocks: list[Block] = [
        Text(
            "Final layer, the output that the objective compares. Below an accuracy: how far it is"
            " above that of untrained encoders, in standard errors; after ±, where there are"
            " several encoders: their standard deviation. The paper trained with its SimCLR, which"
            " is InfoNCE here, and with Barlow Twins; ReLIC has no published row."
        ),
        _table(material, scores, "final"),
        Details(
            "The intermediate layer, the trunk's output",
            [
                _heatmap(material, "intermediate"),
                _table(material, scores, "intermediate"),
            ],
        ),
    ]
    return Section("Ours beside the published numbers", blocks)


def _table(material: Material, scores: list[Score], layer: str) -> Table:
    own = [score for score in scores if score.layer == layer]
    return page_tables.numbers(own, references(material.table, layer), **material.titles)


def _scenes(material: Material) -> Section:
    rows = {
        name.removeprefix("class "): images
        for name, images in material.images.items()
        if name.startswith("class ")
    }
    shown = picture(
        "classes",
        gallery(rows, labels=1.1),
        f"Images of each class as encoders see them, {material.config.size} pixels a side.",
        "Rows of rendered objects, one class a row",
    )
    graph = picture(
        "graph",
        draw_graph(scene_graph(causal3dident())),
        "The scene's causal graph: the class (blue) is content, all else style (orange). The class"
        " decides where an object tends to be, how it is turned and which hue it has; lights push"
        " position and hue.",
        "Causal graph of the scene variables and the image",
    )
    return Section("Where the images come from", [shown, graph])


def _views(material: Material) -> Section:
    rows = {"image": material.images["image"]}
    for name, title in material.settings.items():
        rows |= {
            f"{title}, view {k + 1}": material.images[f"{name} {k}"]
            for k in range(2)
            # The first view of a latent transformation is the image itself.
            if not (settings.get(name).change and k == 0)
        }
    source = material.table.dropna(subset=["views"]).drop_duplicates("setting")
    how = {row["setting"]: row["views"] for row in source.to_dict("records")}
    exact = [material.settings[name] for name, kind in how.items() if kind in EXACT]
    nearest = [material.settings[name] for name, kind in how.items() if kind == "nearest"]
    said = [
        *([f"Exact counterfactuals: {', '.join(exact)}."] if exact else []),
        *([f"Nearest images, as in the paper: {', '.join(nearest)}."] if nearest else []),
    ]
    shown = picture(
        "views",
        gallery(rows, labels=3.0),
        "Pairs that encoders are trained to identify with each other: the same images in each"
        f" row, and their views. {' '.join(said)}",
        "Rows of views of the same images",
    )
    return Section("What the views hold and change", [shown])


def _losses(material: Material) -> Section:
    figure = plots.loss_curves(
        material.history,
        settings=material.settings,
        methods=material.methods,
    )
    shown = picture("loss", figure, "Terms of the objectives during training, a line a seed.")
    return Section("Training", [Details("Loss curves", [shown])])


def _facts(material: Material) -> list[str]:
    config = material.config
    images = [] if config.data_root else [f"{config.n_train:,} images rendered to train on"]
    return [
        *images,
        f"{len(material.config.settings) * len(config.methods) * config.seeds} encoders",
        f"{config.encoder} at {config.size} px",
        f"{config.steps:,} steps, batch {config.batch_size:,}",
        f"scored on {config.n_test - config.n_fit:,} test images",
        str(material.environment["processor"]),
    ]
