"""The report of the methods study, written from its tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal_ssl import methods
from causal_ssl.analysis.gallery import gallery
from causal_ssl.analysis.report import Bullets, Details, Picture, Report, Section, Text
from causal_ssl.experiments.catalogue import preset
from causal_ssl.experiments.image_study import figures as image_figures
from causal_ssl.experiments.image_study import pictures as image_pictures
from causal_ssl.experiments.methods import page_tables
from causal_ssl.experiments.methods.caveats import caveats
from causal_ssl.experiments.methods.config import PRESET, RAW, MethodsStudy
from causal_ssl.experiments.methods.evaluation import RANK
from causal_ssl.experiments.methods.summary import BASELINES, Score, finding, summarise
from causal_ssl.experiments.page import Drawn, drawn, footer, picture, reproduction
from causal_ssl.experiments.run_directory import RunDirectory

PANELS = {
    "linear_top1": "linear accuracy",
    "knn_top1": "accuracy of nearest neighbours",
    RANK: "RankMe of the test images",
}


@dataclass(frozen=True)
class Material:
    """Everything a page is written from."""

    config: MethodsStudy
    table: pd.DataFrame
    history: pd.DataFrame
    plans: pd.DataFrame
    images: Mapping[str, NDArray[np.uint8]]
    environment: Mapping[str, Any]

    @property
    def methods(self) -> dict[str, str]:
        """Methods of the run and their titles."""
        return {name: methods.get(name).title for name in self.config.methods}


def page(directory: RunDirectory, config: MethodsStudy) -> Drawn:
    """Write the report of the run in that directory."""
    material = Material(
        config,
        table=pd.read_csv(directory / "table.csv"),
        history=pd.read_csv(directory / "history.csv"),
        plans=pd.read_csv(directory / "plans.csv", dtype=str, keep_default_na=False),
        images=image_pictures.load(directory / image_pictures.FILE),
        environment=json.loads((directory / "environment.json").read_text()),
    )
    scores = summarise(material.table)
    first, *others = finding(scores, material.methods)
    report = Report(
        title="What does each method learn at one small budget?",
        subtitle="Encoders of images pretrained by every method with the same network, views,"
        " optimiser and number of steps, scored frozen, beside raw pixels and untrained encoders",
        finding=first,
        discussion=" ".join(others),
        facts=_facts(material),
        sections=[
            Section("", [_dots(material)]),
            _numbers(material, scores),
            _views(material),
            _recipes(material),
            _losses(material),
            Section(
                "What to keep in mind",
                [Bullets(caveats(config, material.table, material.history))],
            ),
            reproduction(config, material.environment),
        ],
        footer=footer(material.environment),
    )
    return drawn(report, page_tables.terminal(scores, methods=material.methods))


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the RankMe of raw pixels, which counts the directions of another space."""
    return table[(table["method"] != RAW) | (table["metric"] != RANK)]


def _dots(material: Material) -> Picture:
    table, shown = comparable(material.table), {"metrics": PANELS, "baselines": BASELINES}
    return picture(
        "methods",
        image_figures.dots(table, methods=material.methods, **shown),
        "Accuracy of a linear classifier and of weighted nearest neighbours on the frozen"
        " representation, the trunk's output, of images not trained on, and its effective rank."
        " Dots: means over seeds; ticks, where there are several: the seeds. Lines: what there is"
        " without training, one standard error wide on either side.",
        "Dots of linear accuracy, nearest-neighbour accuracy and RankMe by method",
    )


def _numbers(material: Material, scores: list[Score]) -> Section:
    several = "; after ±: the standard deviation over seeds" if material.config.seeds > 1 else ""
    said = (
        "In small print below an accuracy: how far it is above"
        f" {' / '.join(BASELINES.values())}, in standard errors of the difference{several}."
    )
    return Section("Numbers", [Text(said), page_tables.numbers(scores, methods=material.methods)])


def _views(material: Material) -> Section:
    shown = picture(
        "views",
        gallery(material.images, labels=0.7),
        "Training images, and two views of each that encoders are trained to identify with each"
        " other.",
        "Rows of grey images: the images themselves, and two views of them",
    )
    return Section("What the views hold and change", [shown])


def _recipes(material: Material) -> Section:
    values = preset("pretraining", PRESET)
    said = (
        f"The preset {PRESET} of causal-ssl pretrain: the network {values['encoder']},"
        f" {values['size']} pixels a side. In parentheses what the method's recipe has for"
        " ResNet-50 on ImageNet, where that is something else."
    )
    table = page_tables.recipes(material.plans, methods=material.methods)
    return Section("What was run, and what the recipes say", [Text(said), table])


def _losses(material: Material) -> Section:
    shown = picture(
        "loss",
        image_figures.losses(material.history, methods=material.methods),
        "Loss during training, each method's in its own units, a line a seed.",
    )
    return Section("Training", [Details("Loss curves", [shown])])


def _facts(material: Material) -> list[str]:
    config, steps = material.config, int(material.history["step"].max())
    linear = material.table[material.table["metric"] == "linear_top1"]
    seeds = f"{config.seeds} seeds" if config.seeds > 1 else "a single seed"
    values = preset("pretraining", PRESET)
    return [
        f"{len(config.methods)} methods, {seeds}",
        f"{values['encoder']} at {values['size']} px",
        f"{steps:,} steps, batch {config.batch_size:,}",
        f"scored on {int(linear['n_score'].iloc[0]):,} test images",
        str(material.environment["processor"]),
    ]
