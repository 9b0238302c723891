"""A study's table boiled down: means over worlds beside published numbers, and what they say."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev

import pandas as pd

from causal_ssl.experiments.content_style import settings

KERNEL_RIDGE, LINEAR, CLOSED_FORM = "r2_kernel_ridge", "r2_linear", "r2_closed_form"
FROM_CONTENT = "style_from_true_content"
RECOVERED, DROPPED = 0.95, 0.05
"""Content counts as recovered from this R2 on, style as dropped up to this absolute R2."""


@dataclass(frozen=True)
class Score:
    """One metric of one variable over the worlds of a setting.

    Attributes:
        values: one a world, in order of seed.
        reference: the published mean, NaN where there is none.
        reference_std: its standard deviation over the paper's seeds.
        source: where it is published, "" where there is none.
    """

    setting: str
    method: str
    n_outputs: int
    metric: str
    variable: str
    values: tuple[float, ...]
    reference: float
    reference_std: float
    source: str

    @property
    def mean(self) -> float:
        """Mean over worlds."""
        return fmean(self.values)

    @property
    def std(self) -> float:
        """Standard deviation over worlds (n - 1 in the denominator), NaN for a single one."""
        return stdev(self.values) if len(self.values) > 1 else math.nan

    @property
    def difference(self) -> float:
        """Our mean minus the published one."""
        return self.mean - self.reference


class Summary:
    """All scores of a study, in the order of its table.

    Args:
        scores: distinct in setting, method, n_outputs, metric and variable.
    """

    def __init__(self, scores: Iterable[Score]) -> None:
        self.scores = list(scores)

    def where(self, **wanted: object) -> "Summary":
        """The scores whose attributes equal those given, such as metric="r2_linear"."""
        return Summary(
            score
            for score in self.scores
            if all(getattr(score, name) == value for name, value in wanted.items())
        )

    def only(self, **wanted: object) -> Score:
        """The single score of that kind.

        Raises:
            LookupError: there is none, or several.
        """
        found = self.where(**wanted).scores
        if len(found) != 1:
            raise LookupError(f"{len(found)} scores with {wanted}")
        return found[0]

    def distinct(self, attribute: str) -> list[str]:
        """The different values of an attribute, in order of appearance."""
        return list(dict.fromkeys(getattr(score, attribute) for score in self.scores))

    def mean(self) -> float:
        """Mean of the scores' means, NaN where there are none."""
        return fmean(score.mean for score in self.scores) if self.scores else math.nan


def summarise(table: pd.DataFrame) -> Summary:
    """Gather a study's tidy table over seeds."""
    keys = ["setting", "method", "n_outputs", "metric", "variable"]
    groups: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for row in table.to_dict("records"):
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return Summary(_score(rows) for rows in groups.values())


def _score(rows: list[dict[str, object]]) -> Score:
    first, values = rows[0], sorted(rows, key=lambda row: int(str(row["seed"])))
    return Score(
        setting=str(first["setting"]),
        method=str(first["method"]),
        n_outputs=int(str(first["n_outputs"])),
        metric=str(first["metric"]),
        variable=str(first["variable"]),
        values=tuple(float(str(row["value"])) for row in values),
        reference=float(str(first["reference"])),
        reference_std=float(str(first["reference_std"])),
        source=source if isinstance(source := first["source"], str) else "",
    )


def number(value: float, *, signed: bool = False) -> str:
    """Two decimals, a proper minus sign, no negative zero; a dash for what is missing.

    Examples:
        >>> number(-0.004), number(-0.25), number(0.1, signed=True), number(float("nan"))
        ('0.00', '−0.25', '+0.10', '–')
    """
    if math.isnan(value):
        return "–"
    text = f"{value:+.2f}" if signed else f"{value:.2f}"
    return ("0.00" if float(text) == 0 else text).replace("-", "−")


def with_spread(mean: float, std: float) -> str:
    """mean ± std, without the second where there is none.

    Examples:
        >>> with_spread(0.98, 0.031), with_spread(0.98, float("nan"))
        ('0.98 ± 0.03', '0.98')
    """
    return number(mean) if math.isnan(std) else f"{number(mean)} ± {number(std)}"


def finding(summary: Summary, titles: Mapping[str, str]) -> list[str]:
    """What came out, in sentences computed from the numbers, the main one first.

    Args:
        summary: of a numerical study.
        titles: name of each method for a reader.
    """
    scores = summary.where(metric=KERNEL_RIDGE)
    names = scores.distinct("setting")
    independent = [name for name in names if not settings.get(name).dependent]
    dependent = [name for name in names if settings.get(name).dependent]
    sentences = [_independent(scores, independent, titles)] if independent else []
    sentences += [_dependent(scores.where(setting=name), name, titles) for name in dependent]
    # The first numbers say whose they are; the others follow in the same order.
    sentences[0] = sentences[0].replace(")", f" with {' / '.join(titles.values())})", 1)
    return [*sentences, *_against_the_paper(scores, titles)]


def _independent(scores: Summary, names: list[str], titles: Mapping[str, str]) -> str:
    here = Summary(score for score in scores.scores if score.setting in names)
    content, style = _means(here, "content", titles), _means(here, "style", titles)
    recovered = "recovered" if min(content) >= RECOVERED else "recovered only in part"
    dropped = "dropped" if max(map(abs, style)) <= DROPPED else "not dropped"
    return (
        f"Where content and style are independent, content is {recovered} (R² {_each(content)}) and"
        f" style is {dropped} ({_each(style)})."
    )


def _dependent(scores: Summary, name: str, titles: Mapping[str, str]) -> str:
    setting = settings.get(name)
    kinds = ["statistical"] * setting.statistical + ["causal"] * setting.causal
    content, style = _means(scores, "content", titles), _means(scores, "style", titles)
    explained = scores.where(variable=FROM_CONTENT).mean()
    excess = fmean(style) - explained
    if excess > DROPPED:
        verdict = "more of style than"
    elif excess < -DROPPED:
        verdict = "less of style than"
    else:
        verdict = "as much of style as"
    hold = "hold content" if min(content) >= RECOVERED else "hold content in part"
    return (
        f"With {' and '.join(kinds)} dependence the codes {hold} (R² {_each(content)}) and"
        f" {verdict} content tells (style {_each(style)}, from true content alone"
        f" {number(explained)})."
    )


def _means(scores: Summary, variable: str, titles: Mapping[str, str]) -> list[float]:
    return [scores.where(variable=variable, method=method).mean() for method in titles]


def _each(values: list[float]) -> str:
    return " / ".join(number(value) for value in values)


def _against_the_paper(scores: Summary, titles: Mapping[str, str]) -> list[str]:
    compared = [score for score in scores.scores if not math.isnan(score.difference)]
    if not compared:
        return []
    worst = max(compared, key=lambda score: abs(score.difference))
    size = number(worst.difference, signed=True)
    where = f"{titles[worst.method]}, {settings.get(worst.setting).title}"
    return [
        f"The largest difference from a published number is {size} ({worst.variable}, {where})."
    ]
