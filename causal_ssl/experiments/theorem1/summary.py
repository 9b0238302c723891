"""The table of the study of Theorem 1 boiled down: counts, gaps, and what they say in sentences."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from causal_ssl.experiments.theorem1 import settings
from causal_ssl.experiments.theorem1.settings import Setting


@dataclass(frozen=True)
class Summary:
    """What a run found.

    Attributes:
        settings: of the run, in its order.
        values: (setting, metric, variable) -> value.
    """

    settings: Sequence[Setting]
    values: Mapping[tuple[str, str, str], float]

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Summary":
        """Read a run's table.csv."""
        keys = ["setting", "metric", "variable"]
        values = {(s, m, v): float(x) for s, m, v, x in table[[*keys, "value"]].itertuples(False)}
        return cls([settings.get(name) for name in table["setting"].unique()], values)

    def value(self, setting: Setting, metric: str, variable: str = "all") -> float:
        """One value of the table."""
        return self.values[setting.name, metric, variable]

    def total(self, of: Iterable[Setting], metric: str, variable: str = "all") -> int:
        """A count, summed over settings."""
        return round(sum(self.value(setting, metric, variable) for setting in of))

    def count(self, setting: Setting, metric: str, variable: str = "all") -> str:
        """A count, for a reader."""
        return f"{round(self.value(setting, metric, variable)):,}"

    def largest_excess(self, setting: Setting) -> float:
        """Over all measures and models; NaN where nothing could be compared."""
        excesses = [
            value for (s, m, _), value in self.values.items() if (s, m) == (setting.name, "excess")
        ]
        return max((value for value in excesses if not math.isnan(value)), default=math.nan)

    @property
    def must_hold(self) -> list[Setting]:
        """Settings of the run in which no model may violate the bound."""
        return [setting for setting in self.settings if setting.must_hold]

    @property
    def controls(self) -> list[Setting]:
        """Settings of the run in which some must."""
        return [setting for setting in self.settings if not setting.must_hold]


def number(value: float) -> str:
    """Three digits for a reader, two of very large and small ones; a dash for what is missing.

    Examples:
        >>> number(1.0), number(0.52), number(1234.5), number(float("inf")), number(float("nan"))
        ('1', '0.520', '1,234', '∞', '–')
        >>> number(2.1e-15), number(-0.00004), number(3.1e7)
        ('2.1·10⁻¹⁵', '−4.0·10⁻⁵', '3.1·10⁷')
    """
    size = abs(value)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        text = "∞" if value > 0 else "-∞"
    elif size >= 1e5 or 0 < size < 1e-3:
        digits, exponent = f"{value:.1e}".split("e")
        power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        text = f"{digits}·10{power}"
    elif size >= 100 or value.is_integer():
        text = f"{value:,.0f}"
    else:
        text = f"{value:#.3g}"
    return text.replace("-", "−")


def finding(summary: Summary) -> list[str]:
    """What came out, in sentences computed from the numbers, the main ones first.

    What must not happen begins with "Problem": a violation where the premise holds, a control that
    nothing violates, an entangled representation without a gap.
    """
    parts = [_where_it_holds(summary), _where_it_fails(summary), _entangled(summary)]
    return [sentence for part in parts for sentence in part]


def discussion(summary: Summary) -> list[str]:
    """What the controls say about the premise."""
    every = summary.settings
    held, violating = (
        summary.total(every, f"{kind}_with_premise") for kind in ("models", "violating")
    )
    sentences = [
        "The premise is that p(Y_t | Y_R, f) is the same under every intervention. Model by model"
        f" it suffices: it holds in {held:,} of all {summary.total(every, 'models'):,} models, some"
        f" of the controls' among them, and {_none(violating)} of these violates the bound."
    ]
    constant, of_constant = (
        summary.total(summary.controls, f"{kind}_with_constant_channel")
        for kind in ("models", "violating")
    )
    if constant:
        sentences.append(
            "That p(Y_t | Y_R) alone is the same is not enough: it is in"
            f" {constant:,} models of the controls, of which {of_constant:,} violate the bound."
        )
    return sentences


def _where_it_holds(summary: Summary) -> list[str]:
    held = summary.must_hold
    if not held:
        return []
    models, comparisons = (summary.total(held, metric) for metric in ("models", "comparisons"))
    broken = [s for s in held if summary.value(s, "violations") > 0]
    if not broken:
        return [
            "Where its premise holds, the bound of Theorem 1 is never exceeded: no violation in"
            f" {comparisons:,} comparisons of a task's gap with its proxy's, in {models:,} random"
            " models."
        ]
    return [
        "Problem: where its premise holds the bound must never be exceeded, and is in"
        f" {_shares(summary, broken)}."
    ]


def _where_it_fails(summary: Summary) -> list[str]:
    failing = [s for s in summary.controls if summary.value(s, "violations") > 0]
    silent = [s for s in summary.controls if s not in failing]
    sentences = []
    if failing:
        sentences.append(
            f"Without the premise it fails, as it should: in {_shares(summary, failing)}."
        )
    if silent:
        names = " and ".join(f"“{setting.title}”" for setting in silent)
        sentences.append(
            f"Problem: {names} should violate the bound and no model does, so this run does not"
            " show that the check can fail."
        )
    return sentences


def _entangled(summary: Summary) -> list[str]:
    own = [s for s in summary.settings if s.name == "entangled_representation"]
    if not own:
        return []
    models, with_gap = (summary.total(own, metric) for metric in ("models", "models_with_gap"))
    if with_gap < models:
        return [
            "Problem: a representation that entangles content with style, f = c xor s, should have"
            f" a proxy gap in every model, and has none in {models - with_gap:,} of {models:,}."
        ]
    return [
        "A representation that entangles content with style, f = c xor s, has a proxy gap in all"
        f" {models:,} models: it is not invariant, so the theorem promises nothing, and the bound"
        " still holds."
    ]


def _shares(summary: Summary, of: Sequence[Setting]) -> str:
    parts = [
        f"{summary.count(setting, 'models_violating')} of {summary.count(setting, 'models')}"
        f" models ({setting.title.lower()})"
        for setting in of
    ]
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]


def _none(count: int) -> str:
    return "none" if count == 0 else f"{count:,}"
