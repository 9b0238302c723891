"""The report of the robustness study, written from its tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal_ssl._numbers import read_exactly
from causal_ssl.analysis.gallery import gallery
from causal_ssl.analysis.report import Block, Bullets, Details, Report, Section, Text
from causal_ssl.datasets.corruptions import CORRUPTIONS
from causal_ssl.experiments.catalogue import preset
from causal_ssl.experiments.image_study import figures as image_figures
from causal_ssl.experiments.image_study import pictures as image_pictures
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.page import Drawn, drawn, footer, picture, reproduction
from causal_ssl.experiments.robustness import figures, page_tables
from causal_ssl.experiments.robustness.caveats import caveats
from causal_ssl.experiments.robustness.config import CAUSAL3DIDENT, RobustnessStudy
from causal_ssl.experiments.robustness.images import KNOWN
from causal_ssl.experiments.robustness.summary import (
    Answer,
    Scores,
    answers,
    finding,
    summarise,
    titled,
    undefined,
    with_variants,
)
from causal_ssl.experiments.run_directory import RunDirectory


@dataclass(frozen=True)
class Material:
    """Everything a page is written from."""

    config: RobustnessStudy
    table: pd.DataFrame
    history: pd.DataFrame
    images: Mapping[str, NDArray[np.uint8]]
    environment: Mapping[str, Any]

    @property
    def datasets(self) -> dict[str, str]:
        """Data sets of the run and their titles."""
        return {name: KNOWN[name].title for name in self.config.datasets}

    @property
    def variants(self) -> dict[str, str]:
        """Methods of the run, ReLIC at every alpha, and their titles."""
        return titled(self.config)

    @cached_property
    def scores(self) -> Scores:
        return summarise(self.table, self.config.seeds)

    @cached_property
    def answers(self) -> list[Answer]:
        return answers(self.table, self.config)


def page(directory: RunDirectory, config: RobustnessStudy) -> Drawn:
    """Write the report of the run in that directory."""
    table, history = (
        pd.read_csv(directory / name, converters={"alpha": read_exactly})
        for name in ("table.csv", "history.csv")
    )
    table = table.fillna({"corruption": ""})
    material = Material(
        config,
        table=with_variants(table),
        history=with_variants(history),
        images=image_pictures.load(directory / image_pictures.FILE),
        environment=json.loads((directory / "environment.json").read_text()),
    )
    first, *others = finding(material.answers, config, material.datasets)
    report = Report(
        title="Does the invariance penalty buy robustness?",
        subtitle="Encoders pretrained alike, ReLIC with and without its penalty, frozen, and asked"
        " by a linear classifier of clean images for the classes of others",
        finding=first,
        discussion=" ".join(others),
        facts=_facts(material),
        sections=[
            Section("", _penalty(material)),
            _differences(material),
            _curves(material),
            _numbers(material),
            _images(material),
            _losses(material),
            Section("What to keep in mind", [Bullets(caveats(config, table, material.history))]),
            reproduction(config, material.environment),
        ],
        footer=footer(material.environment),
    )
    shown = page_tables.terminal(
        material.scores, datasets=material.datasets, variants=material.variants
    )
    return drawn(report, shown)


def _penalty(material: Material) -> list[Block]:
    if not material.answers:
        return []
    figure = figures.penalty(
        material.table,
        material.answers,
        datasets=material.datasets,
        scores=material.scores,
    )
    level = 100 * material.answers[0].mce.level
    shown = picture(
        "penalty",
        figure,
        "Left: mCE, the errors under corruption divided by those of the supervised encoder of the"
        " same seed; lower is more robust. Right: what the penalty changes; small a seed, large"
        f" their mean, with its {level:.3g} % interval of Student's t where there are several.",
        "mCE over the weight of the invariance term, and paired differences from weight 0",
    )
    return [shown]


def _differences(material: Material) -> Section:
    if not material.answers:
        return Section("", [])
    said = (
        "Means over seeds of ReLIC with the penalty less ReLIC of the same seed without it, in"
        " percentage points, and their intervals. Below 0 is better, but for the clean accuracy."
    )
    blocks: list[Block] = [Text(said)]
    for dataset, title in material.datasets.items():
        own = [answer for answer in material.answers if answer.dataset == dataset]
        blocks += [*_heading(material, title), page_tables.differences(own)]
    return Section("What the penalty changes", blocks)


def _heading(material: Material, title: str) -> list[Block]:
    """Of a data set, where there are several."""
    return [Text(f"{title}:")] if len(material.datasets) > 1 else []


def _curves(material: Material) -> Section:
    blocks: list[Block] = []
    for dataset, title in material.datasets.items():
        shown: dict[str, Any] = {"dataset": dataset, "variants": material.variants}
        where = f"{title}. " if len(material.datasets) > 1 else ""
        blocks.append(
            picture(
                f"corruptions_{dataset}",
                figures.corruption_curves(material.table, **shown),
                f"{where}Error on test images by severity, means over seeds; severity 0: clean"
                " images.",
                f"Error over severity, a panel a corruption, on {title}",
            )
        )
        own = material.table[material.table["dataset"] == dataset]
        if (own["metric"] == "error_under_do").any():
            blocks.append(
                picture(
                    f"styles_{dataset}",
                    figures.style_curves(material.table, **shown),
                    f"{where}Error on images under do(S = s) by the value s of a scene variable,"
                    " means over seeds. Ticks at the right: error on images of the scenes' own"
                    " law.",
                    f"Error over the value that a style variable is set to, on {title}",
                )
            )
    return Section("Error by corruption and method", blocks)


def _numbers(material: Material) -> Section:
    spread = " ± the standard deviation over seeds" if material.config.seeds > 1 else ""
    said = (
        f"Per cent{spread}. By supervised: 100 is as the supervised encoder of the same seed, less"
        " is more robust. In small print the ReLIC paper's ResNet-50 on ImageNet and ImageNet-C,"
        " computed alike from what it prints; in parentheses, by AlexNet, as printed."
    )
    blocks: list[Block] = [Text(said)]
    if lacking := undefined(material.table, material.datasets):
        blocks.append(Bullets(lacking))
    for dataset, title in material.datasets.items():
        table = page_tables.numbers(material.scores, dataset=dataset, variants=material.variants)
        blocks += [*_heading(material, title), table]
    return Section("Ours beside the published numbers", blocks)


def _images(material: Material) -> Section:
    severities = [f"severity {severity}" for severity in material.config.severities]
    shown: list[Block] = []
    for dataset, title in material.datasets.items():
        rows = {
            CORRUPTIONS[name].title: material.images[f"{dataset} {name}"]
            for name in material.config.corruptions
        }
        shown.append(
            picture(
                f"images_{dataset}",
                gallery(rows, columns=["clean", *severities], labels=1.6, width=6.4),
                f"A test image of {title} a row, clean and under the corruption.",
                f"Rows of images of {title} under corruptions of growing severity",
            )
        )
        start = f"{dataset} do("
        under_do = {
            name.removeprefix(f"{dataset} "): images
            for name, images in material.images.items()
            if name.startswith(start)
        }
        if under_do:
            shown.append(
                picture(
                    f"images_styles_{dataset}",
                    gallery(under_do, labels=2.4),
                    f"Images of {title} under interventions on the scene, an intervention a row.",
                )
            )
    also = " and interventions" if CAUSAL3DIDENT in material.datasets else ""
    return Section(f"What corruptions{also} do", shown)


def _losses(material: Material) -> Section:
    trained = {name: title for name, title in material.variants.items() if name != RANDOM}
    shown: list[Block] = []
    for dataset, title in material.datasets.items():
        own = material.history[material.history["dataset"] == dataset]
        figure = image_figures.losses(own.assign(method=own["variant"]), methods=trained)
        caption = f"{title}. Loss during training, each method's in its own units, a line a seed."
        shown.append(picture(f"loss_{dataset}", figure, caption))
    return Section("Training", [Details("Loss curves", shown)])


def _facts(material: Material) -> list[str]:
    config = material.config
    trained = len(material.variants) - 1
    networks = {preset("pretraining", KNOWN[name].preset)["encoder"] for name in config.datasets}
    scored = material.table[material.table["metric"] == "linear_top1"].groupby("dataset")["n"].max()
    return [
        " and ".join(material.datasets.values()),
        f"{trained} ways to train, {_counted(config.seeds, 'paired seed')}",
        " and ".join(sorted(networks)),
        f"{_counted(len(config.corruptions), 'corruption')} at severity"
        f" {', '.join(map(str, config.severities))}",
        f"scored on {' and '.join(f'{int(n):,}' for n in scored.unique())} test images",
        str(material.environment["processor"]),
    ]


def _counted(n: int, what: str) -> str:
    """So many of it, in words.

    Examples:
        >>> _counted(1, "paired seed"), _counted(2, "corruption")
        ('a single paired seed', '2 corruptions')
    """
    return f"a single {what}" if n == 1 else f"{n} {what}s"
