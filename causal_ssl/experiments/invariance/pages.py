"""The report of the invariance study, written from its tables."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from causal_ssl._numbers import read_exactly
from causal_ssl.analysis.invariance import FINEST
from causal_ssl.analysis.invariance_plots import (
    at_a_glance,
    bound_scatter,
    gap_ladder,
    pair_heatmaps,
)
from causal_ssl.analysis.report import Block, Bullets, Details, Report, Section, Text
from causal_ssl.analysis.separability_plot import f_lda_distributions
from causal_ssl.experiments.invariance import page_tables, summary
from causal_ssl.experiments.invariance.caveats import caveats, definitions
from causal_ssl.experiments.invariance.config import InvarianceStudy
from causal_ssl.experiments.invariance.measures import task_name
from causal_ssl.experiments.page import Drawn, drawn, footer, picture, reproduction
from causal_ssl.experiments.run_directory import RunDirectory


@dataclass(frozen=True)
class Material:
    """Everything a page is written from: the config and the tables of a finished run."""

    config: InvarianceStudy
    table: pd.DataFrame
    f_lda: pd.DataFrame
    environment: dict[str, Any]

    @cached_property
    def shown(self) -> pd.DataFrame:
        """The rows of the first probe class, and of no probe."""
        table = self.table
        return table[table["probe"].isna() | (table["probe"] == self.probe)]

    @property
    def probe(self) -> str:
        """The probe class that figures show."""
        return self.config.probes[0]

    @property
    def task(self) -> str:
        """The task that tables and overviews show: 8 cells, or as many as there are."""
        return FINEST if self.config.cells <= 8 else task_name(8)

    @property
    def task_title(self) -> str:
        return f"{min(self.config.cells, 8)} cells"

    @property
    def titles(self) -> dict[str, dict[str, str]]:
        """Settings, methods and controls, as the figures take them."""
        return {
            "settings": summary.setting_titles(self.config),
            "methods": summary.method_titles(self.config),
            "controls": summary.control_titles(self.config),
        }

    @property
    def representations(self) -> dict[str, str]:
        return self.titles["methods"] | self.titles["controls"]


def page(directory: RunDirectory, config: InvarianceStudy) -> Drawn:
    """Write the report of the run in that directory."""
    table, f_lda = (
        pd.read_csv(directory / name, dtype={"against": str}, converters={"alpha": read_exactly})
        for name in ("table.csv", "f_lda.csv")
    )
    material = Material(
        config,
        table=summary.by_variant(table),
        f_lda=summary.by_variant(f_lda),
        environment=json.loads((directory / "environment.json").read_text()),
    )
    lines = summary.lines(material.shown, material.task, material.representations)
    report = Report(
        title="Is what it learnt invariant?",
        subtitle="How far p^do(S=s)(Y | f(X)) depends on s, for encoders and for representations"
        " made of the true latents (Mitrovic et al. 2021, arXiv:2010.07922, Definition 4 and"
        " Theorem 1), on content/style worlds whose ground truth is known",
        finding=page_tables.finding(lines),
        discussion=page_tables.discussion(summary.bound(material.table)),
        facts=_facts(material),
        sections=[
            Section("", [_glance(material)]),
            _numbers(material, lines),
            _bound(material),
            _pairs(material),
            _proxy(material),
            _separability(material),
            Section("What is asked, in words", [Bullets(definitions(config))]),
            Section("What to keep in mind", [Bullets(caveats(config))]),
            reproduction(config, material.environment),
        ],
        footer=footer(material.environment),
    )
    return drawn(report, page_tables.terminal(lines, material.representations))


def _glance(material: Material) -> Block:
    return picture(
        "glance",
        at_a_glance(material.shown, finest=material.task, **material.titles),
        f"Each representation asked three questions, for the task of {material.task_title}. Left:"
        " the gap I(Y; E | f(X)) in nats, a dot a mean over worlds, the line from the lowest to the"
        " highest end of the intervals. Middle: how much of f(X) two environments share, on average"
        " and (line) at least. Right: accuracy of the pooled prediction, and (tick) of probes of"
        " single environments. A small gap says little where overlap is small, and nothing where"
        " accuracy is at chance.",
        "Gap, overlap and accuracy of each representation",
    )


def _numbers(material: Material, lines: list[summary.Line]) -> Section:
    return Section(
        "The numbers",
        [
            Text(
                f"Task of {material.task_title}, probe class “{material.probe}”. The gap is the"
                " estimate that is biased up, with the interval below it; gap and accuracy are"
                " relative to the probe class. Means over worlds. A test’s column counts the worlds"
                f" in which it rejects at 5 %; Y is there the finest task, {material.config.cells}"
                " cells, and a dash says that f leaves nothing of E to test."
            ),
            page_tables.numbers(lines, material.representations),
        ],
    )


def _bound(material: Material) -> Section:
    tasks = summary.task_titles(material.config)
    scatter: dict[str, Any] = {"tasks": tasks, **material.titles}
    blocks: list[Block] = [
        Text(
            "Theorem 1 says that a task which the proxy refines has no larger gap than the proxy."
            " With predictions of coarse tasks summed from those of the finest one, estimates obey"
            " it too, by construction: what the figure shows is how much of the finest task’s gap"
            " each task inherits."
        )
    ]
    if tasks:
        blocks += [
            picture(
                "bound",
                bound_scatter(material.shown, **scatter),
                f"Gap of each task against the gap of its refinement of {material.config.cells}"
                " cells, both in nats, a point a world, lines the intervals; the diagonal is the"
                " bound of Theorem 1.",
            ),
            picture(
                "ladder",
                gap_ladder(material.shown, tasks=[FINEST, *tasks], **material.titles),
                "Gap along the ladder of tasks, from two cells to the finest: the line is the"
                " estimate biased up, the band reaches down to the one biased down. Means over"
                " worlds.",
            ),
            Details(
                "The same with probes fitted to each task, which may cross the bound",
                [
                    picture(
                        "bound_fresh",
                        bound_scatter(material.shown, metric="gap_fresh", **scatter),
                        "As above, but every task has probes of its own: what lies above the"
                        " diagonal are errors of estimation, not counterexamples.",
                    )
                ],
            ),
        ]
    return Section("The bound of Theorem 1 on samples", blocks)


def _pairs(material: Material) -> Section:
    finest = material.shown[material.shown["variable"] == FINEST]
    overlaps = material.shown[material.shown["variable"] == "representation"]
    setting = material.config.settings[0]
    title = material.titles["settings"][setting]
    shown: dict[str, Any] = {key: material.titles[key] for key in ("methods", "controls")}
    blocks: list[Block] = [
        Text(
            "Interventions lie on a ring in style space, so neighbours overlap more than those"
            f" across it. Shown: {title}; the finest task."
        ),
        picture(
            "pairs",
            pair_heatmaps(finest, metric="gap", setting=setting, **shown),
            "Gap between each two environments, in nats.",
        ),
        Details(
            "Overlap of the pairs, and transfer of probes from one environment to another",
            [
                picture(
                    "overlap",
                    pair_heatmaps(overlaps, metric="overlap", setting=setting, **shown),
                    "Overlap of f(X) between each two environments.",
                ),
                picture(
                    "transfer",
                    pair_heatmaps(finest, metric="transfer_accuracy", setting=setting, **shown),
                    "Accuracy of a probe fitted under one intervention and scored under another.",
                ),
            ],
        ),
    ]
    return Section("Which interventions break it", blocks)


def _proxy(material: Material) -> Section:
    own = material.shown[material.shown["variable"] == "f"]
    setting = material.config.settings[0]
    shown: dict[str, Any] = {key: material.titles[key] for key in ("methods", "controls")}
    return Section(
        "The notion that ReLIC’s penalty uses",
        [
            Text(
                "ReLIC penalises another thing: for one and the same x under two interventions, how"
                " far the predictions of which instance it is differ. It compares units, not"
                " values of f; its numbers grow with the scale of f, so that shrinking f lowers"
                " them; and it sees the critic’s output g(f), not f: the control"
                " (c, s) with a critic that drops s has penalty 0 on g(f) and a large one on f."
            ),
            picture(
                "proxy",
                pair_heatmaps(own, metric="proxy_gap", setting=setting, **shown),
                "Mean KL divergence, in nats, of the proxy’s prediction under the row’s"
                " intervention from that under the column’s, over units, against one bank whose"
                " members carry interventions of their own.",
            ),
        ],
    )


def _separability(material: Material) -> Section:
    setting = material.config.settings[0]
    own = material.f_lda[material.f_lda["setting"] == setting]
    figure = f_lda_distributions(
        own.rename(columns={"method": "representation"}), representations=material.representations
    )
    return Section(
        "How far apart classes lie",
        [
            picture(
                "f_lda",
                figure,
                "F_LDA of every ordered pair of classes: squared distance of the class means over"
                " the spread of the first class, in the paper’s form, which shrinks with the square"
                " of the class’s size, and normalised for it. World of seed 0,"
                f" {material.titles['settings'][setting]}.",
            )
        ],
    )


def _facts(material: Material) -> list[str]:
    config = material.config
    per = len(summary.method_titles(config))
    worlds = len(config.worlds) * config.seeds
    return [
        f"{worlds} worlds",
        f"{worlds * per} encoders",
        f"{config.steps:,} steps",
        f"{config.n_environments} interventions",
        f"{config.n_test:,} samples an intervention",
        str(material.environment["processor"]),
    ]
