"""The report of the study of Theorem 1, written from its tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from causal_ssl.analysis import theorem1_plots
from causal_ssl.analysis.report import Block, Bullets, Code, Report, Section, Text
from causal_ssl.analysis.theorem1_plots import MEASURES, ROUNDING
from causal_ssl.experiments.page import Drawn, drawn, footer, picture, reproduction
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.theorem1 import page_tables, settings
from causal_ssl.experiments.theorem1.caveats import CAVEATS, THE_BOUND, THE_MODELS
from causal_ssl.experiments.theorem1.config import Theorem1Study
from causal_ssl.experiments.theorem1.summary import Summary, discussion, finding, number

BITS = "made of bits C1, C2 and S with Y_R = C1, Y_t = C2 and f = (C1, C2 xor S)"
MAIN, OTHERS = "kl", ("js", "tv", "hellinger2", "chi2")


@dataclass(frozen=True)
class Material:
    """Everything the page is written from: the config and the tables of a finished run."""

    config: Theorem1Study
    table: pd.DataFrame
    models: pd.DataFrame
    witnesses: pd.DataFrame
    environment: Mapping[str, Any]

    @property
    def short(self) -> dict[str, str]:
        """Settings of the run, where the bound must hold first, for figures."""
        chosen = [settings.get(name) for name in self.config.settings]
        ordered = sorted(chosen, key=lambda setting: not setting.must_hold)
        return {setting.name: setting.short for setting in ordered}


def page(directory: RunDirectory, config: Theorem1Study) -> Drawn:
    """Write the report of the run in that directory."""
    material = Material(
        config,
        table=pd.read_csv(directory / "table.csv"),
        models=pd.read_csv(directory / "models.csv"),
        witnesses=pd.read_csv(directory / "witnesses.csv"),
        environment=json.loads((directory / "environment.json").read_text()),
    )
    summary = Summary.of(material.table)
    report = _report(material, summary)
    return drawn(report, page_tables.terminal(summary, material.witnesses))


def _report(material: Material, summary: Summary) -> Report:
    sections = [
        Section("", [_overview(material, summary), page_tables.by_setting(summary)]),
        Section("What is checked", [Text(text) for text in (*THE_BOUND, *THE_MODELS)]),
        _gaps(material, summary),
        _witnesses(material, summary),
        _support(summary),
        Section("What to keep in mind", [Bullets(CAVEATS)]),
        reproduction(material.config, material.environment),
    ]
    return Report(
        title="Does invariance for the proxy carry over to every task?",
        subtitle="Theorem 1 of ReLIC (Mitrovic et al. 2021, arXiv:2010.07922) in its quantitative"
        " form, on random finite causal models in which every probability is enumerated",
        finding=" ".join(finding(summary)),
        discussion=" ".join(discussion(summary)),
        facts=_facts(material, summary),
        sections=[section for section in sections if section.blocks],
        footer=footer(material.environment),
    )


def _facts(material: Material, summary: Summary) -> list[str]:
    models, comparisons = (
        summary.total(summary.settings, metric) for metric in ("models", "comparisons")
    )
    return [
        f"{models:,} random models",
        f"{comparisons:,} comparisons",
        "5 divergences and I(Y; E | f)",
        "enumerated, nothing estimated",
        str(material.environment["processor"]),
    ]


def _overview(material: Material, summary: Summary) -> Block:
    holds = {setting.name: setting.must_hold for setting in summary.settings}
    labels = {
        name: f"{short}\n({'premise holds' if holds[name] else 'control'})"
        for name, short in material.short.items()
    }
    return picture(
        "overview",
        theorem1_plots.overview(material.models, material.table, settings=labels),
        "Left: by how much the gap of the task exceeds that of the proxy, the largest excess of"
        " each model over all values of f, pairs of environments and divergences; below 0 the bound"
        f" is not reached anywhere.{_rounding(material)} Right: share of the models with a"
        " violation, by divergence. In the controls the premise is dropped, and the bound must fail"
        f" in some.{_sampled(material)}",
        "Excess over the bound for every model, and the share of models that violate it",
    )


def _rounding(material: Material) -> str:
    """How far rounding errors and violations are apart, among the models shown."""
    excess = material.models["excess"]
    rounding, violations = excess[excess <= ROUNDING], excess[excess > ROUNDING]
    if rounding.empty or violations.empty:
        return ""
    return (
        f" Of the models shown, no rounding error is above {number(rounding.max())} in any measure,"
        f" and no violation below {number(violations.min())}."
    )


def _sampled(material: Material) -> str:
    shown = material.models.groupby("setting")["seed"].nunique().max()
    if shown >= material.config.models:
        return ""
    return f" Points: the first {shown:,} of {material.config.models:,} models of each setting."


def _gaps(material: Material, summary: Summary) -> Section:
    main = theorem1_plots.gap_panels(material.models, settings=material.short, measure=MAIN)
    others = theorem1_plots.gap_grid(material.models, settings=material.short, measures=OTHERS)
    blocks: list[Block] = [
        picture(
            "gaps",
            main,
            "Gap of the task over gap of the proxy by Kullback-Leibler divergence, a point a model:"
            " the largest gap over values of f and pairs of environments. Grey: gaps of exactly 0"
            " (up to 10⁻¹²) and infinite ones; the smallest gaps are drawn at the edge of the"
            " white. The bound holds at each value of f, so a model may violate it at one value"
            " (orange) although its largest gaps lie below the diagonal. Counted"
            " are violations by this divergence."
            f"{_sampled(material)}",
            "Gap of the task against gap of the proxy for each setting, Kullback-Leibler",
        ),
        Text(
            "Medians over models of the largest gap, and in small print the number of models in"
            " which it is infinite: there one environment excludes a label that another produces."
            " Their size says how the models are drawn, and nothing else; the theorem is about"
            " their order."
        ),
        page_tables.gaps(summary, MEASURES),
        picture(
            "gaps_by_divergence",
            others,
            "The same by the other four divergences. All but chi-square are finite.",
            "Gap of the task against gap of the proxy for four other divergences",
        ),
    ]
    return Section("Gap of the proxy, gap of the task", blocks)


def _witnesses(material: Material, summary: Summary) -> Section:
    if not summary.controls:
        return Section("", [])
    blocks: list[Block] = [
        Text(
            "In each control, models were searched for one that violates the bound; of the strong"
            " violations the shortest to write down is shown. A law is a row of probabilities;"
            " X(C, S) lists the value of x by value of c, then of s; f, proxy and task are"
            " functions or laws of their arguments in the same way. “As it is” stands for the model"
            " without intervention."
        )
    ]
    for setting in summary.controls:
        own = material.witnesses[material.witnesses["setting"] == setting.name]
        blocks.append(Text(f"{setting.title}. {setting.failure}"))
        if not (own["seed"] >= 0).any():
            blocks.append(Text("No model of this run violates it in total variation."))
        for witness in own.to_dict("records"):
            blocks += [Text(_told(witness)), Code(witness["text"])]
    return Section("How the bound fails without its premise", blocks)


def _told(witness: Mapping[Any, Any]) -> str:
    which = f"Model {witness['seed']}" if witness["seed"] >= 0 else f"The smallest, {BITS}"
    return (
        f"{which}: where f = {witness['f']}, between “{witness['first']}” and"
        f" “{witness['second']}” the task moves by {number(witness['task_gap'])} in total"
        f" variation, the proxy by {number(witness['proxy_gap'])}."
    )


def _support(summary: Summary) -> Section:
    return Section(
        "Overlap and accuracy",
        [
            Text(
                "A gap compares interventions at values of f that both produce; where they share"
                " none, f counts as invariant for want of anything to compare. And a representation"
                " may be invariant and useless. So no gap stands without the overlap of the laws of"
                " f and the accuracy that f allows."
            ),
            page_tables.support(summary),
        ],
    )
