"""The invariance study's table boiled down: a line a setting and representation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from causal_ssl import methods
from causal_ssl._numbers import exactly
from causal_ssl.analysis.invariance import FINEST
from causal_ssl.experiments.invariance import plan
from causal_ssl.experiments.invariance.config import ENVIRONMENTS, WORLDS, InvarianceStudy
from causal_ssl.experiments.invariance.measures import task_name

CONTROL_TITLES = {
    "oracle": "oracle, f = c",
    "style_only": "style only, f = s",
    "separate": "separate, f = (c, s)",
    "entangled": "entangled, f = ±c",
    "identity": "identity, f = x",
}
BOUND_TOLERANCE = 1e-12
SIGNIFICANT = 0.05
INFORMATIVE = 0.01
"""Share of the variance of E that f must leave for a test to count."""


def variant_key(method: str, alpha: float | None) -> str:
    """Names a method together with the weight of its penalty."""
    return method if alpha is None or np.isnan(alpha) else f"{method}_{exactly(alpha)}"


def setting_titles(config: InvarianceStudy) -> dict[str, str]:
    """Settings of the run -> titles for figures."""
    return {
        f"{world}_{kind}": f"{world}, {kind}"
        for world in config.worlds
        for kind in config.environments
    }


def setting_text(setting: str) -> str:
    """A setting in words."""
    world, _, kind = setting.partition("_")
    return f"{WORLDS[world]}; {ENVIRONMENTS[kind]}"


def method_titles(config: InvarianceStudy) -> dict[str, str]:
    """Trained variants of the run -> titles."""
    return {
        variant_key(method, alpha): methods.get(method).title
        + ("" if alpha is None else f", α = {exactly(alpha)}")
        for method, alpha in plan.variants(config)
    }


def control_titles(config: InvarianceStudy) -> dict[str, str]:
    """Controls of the run -> titles."""
    return {name: CONTROL_TITLES[name] for name in config.controls}


def task_titles(config: InvarianceStudy) -> dict[str, str]:
    """Coarser tasks of the run -> titles, the finest of them first."""
    return {task_name(cells): f"{cells} cells" for cells in config.ladder[1:]}


def by_variant(table: pd.DataFrame) -> pd.DataFrame:
    """The table with each method named together with its alpha."""
    keys = [variant_key(m, a) for m, a in zip(table["method"], table["alpha"], strict=True)]
    return table.assign(method=keys)


@dataclass(frozen=True)
class Line:
    """One representation in one setting: means over worlds, p-values as counts.

    Attributes:
        gap: of the shown task, and its low and high ends: means of the intervals' ends.
        overlap, overlap_min: mean over pairs, and of the pair that shares least.
        accuracy: pooled; accuracy_within: of probes of single environments.
        rejected, tested: worlds in which "Y independent of E given f", Y the finest task, is
            rejected at 5 %, of how many in which f leaves something of E to test.
        swapped, worlds: the same for "a unit's representation does not change".
        proxy_gap: of f; proxy_gap_g: of g(f), NaN without a critic.
        content, style: kernel-ridge R2.
    """

    setting: str
    method: str
    gap: tuple[float, float, float]
    overlap: float
    overlap_min: float
    accuracy: float
    accuracy_within: float
    rejected: int
    tested: int
    swapped: int
    worlds: int
    proxy_gap: float
    proxy_gap_g: float
    content: float
    style: float


def lines(table: pd.DataFrame, task: str, wanted: Mapping[str, str]) -> list[Line]:
    """What each representation came to, settings and representations in the table's order.

    Args:
        table: of `by_variant`, rows of one probe class and of none.
        task: the variable whose gap and accuracy are shown.
        wanted: representations to show.
    """
    whole = table[(table["environment"] == "all") & (table["against"] == "all")]
    return [
        _line(str(setting), method, whole, table, task)
        for setting in pd.unique(table["setting"])
        for method in wanted
    ]


def _line(setting: str, method: str, whole: pd.DataFrame, own: pd.DataFrame, task: str) -> Line:
    here = whole[(whole["setting"] == setting) & (whole["method"] == method)]

    def values(metric: str, variable: str, rows: pd.DataFrame = here) -> pd.DataFrame:
        return rows[(rows["metric"] == metric) & (rows["variable"] == variable)]

    def mean(metric: str, variable: str, column: str = "value") -> float:
        return float(values(metric, variable)[column].mean())

    within = own[(own["setting"] == setting) & (own["method"] == method)]
    tests = values("p_value", FINEST)["value"].to_numpy()
    # Where f leaves nothing of E to test, the p-value is the draw that breaks ties: not counted.
    tests = tests[values("informative", FINEST)["value"].to_numpy() >= INFORMATIVE]
    swaps = values("p_value_swap", "representation")["value"]
    return Line(
        setting,
        method,
        gap=(mean("gap", task), mean("gap", task, "low"), mean("gap", task, "high")),
        overlap=mean("overlap", "representation"),
        overlap_min=mean("overlap_min", "representation"),
        accuracy=mean("accuracy", task),
        accuracy_within=float(values("accuracy_within", task, within)["value"].mean()),
        rejected=int((tests <= SIGNIFICANT).sum()),
        tested=len(tests),
        swapped=int((swaps <= SIGNIFICANT).sum()),
        worlds=len(swaps),
        proxy_gap=mean("proxy_gap", "f"),
        proxy_gap_g=mean("proxy_gap", "g(f)"),
        content=mean("r2_kernel_ridge", "content"),
        style=mean("r2_kernel_ridge", "style"),
    )


@dataclass(frozen=True)
class Bound:
    """How often Theorem 1's bound was met by the gaps of coarser tasks.

    Attributes:
        compared: gaps of coarser tasks, each against its own finest task's.
        above: those above the bound, with probes shared with the finest task.
        fresh_above: those above it with probes fitted to the coarser task itself.
    """

    compared: int
    above: int
    fresh_above: int


def bound(table: pd.DataFrame) -> Bound:
    """Gaps of coarser tasks against the gap of the finest, in every setting, world and probe."""
    keys = ["setting", "method", "seed", "probe"]
    finest = table[(table["metric"] == "gap") & (table["variable"] == FINEST)]
    finest = finest[(finest["environment"] == "all")].set_index(keys)["value"]

    def excess(metric: str) -> pd.Series:
        rows = table[(table["metric"] == metric) & (table["environment"] == "all")]
        rows = rows[rows["variable"] != FINEST].set_index(keys)["value"]
        return rows - finest.reindex(rows.index)

    shared, fresh = excess("gap"), excess("gap_fresh")
    return Bound(
        compared=len(shared),
        above=int((shared > BOUND_TOLERANCE).sum()),
        fresh_above=int((fresh > BOUND_TOLERANCE).sum()),
    )
