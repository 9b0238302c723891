"""Figures of Theorem 1: places of 0 and infinity, colours of violations, panels and counts."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from causal_ssl.analysis import theorem1
from causal_ssl.analysis.plots import png
from causal_ssl.analysis.theorem1_plots import (
    FAILS,
    HOLDS,
    MEASURES,
    ROUNDING,
    GapScale,
    gap_grid,
    gap_panels,
    overview,
)
from causal_ssl.errors import InputError

SETTINGS = {"refinement": "refinement", "hidden_channel": "hidden channel"}


def models(measures: tuple[str, ...] = ("kl", "tv")) -> pd.DataFrame:
    """Three models within the bound, three that violate it, and one that cannot be compared."""
    nan, inf = float("nan"), float("inf")
    gaps = {
        "refinement": [(0.5, 0.25, 0), (inf, 0.5, 0), (0.0, 0.0, 0), (nan, nan, 0)],
        "hidden_channel": [(0.0, 0.3, 2), (0.0, inf, 1), (0.125, 0.25, 1)],
    }
    return pd.DataFrame(
        [
            (setting, seed, measure, violations, proxy, task, excess)
            for measure in measures
            for setting, rows in gaps.items()
            for seed, (proxy, task, violations) in enumerate(rows)
            for excess in [nan if np.isnan(proxy) else 0.125 if violations else -0.25]
        ],
        columns=["setting", "seed", "measure", "violations", "proxy_gap", "task_gap", "excess"],
    )


def table() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("refinement", "models", "all", 4.0),
            ("hidden_channel", "models", "all", 300.0),
            ("refinement", "models_violating", "all", 0.0),
            ("hidden_channel", "models_violating", "all", 150.0),
            ("refinement", "models_violating", "kl", 0.0),
            ("hidden_channel", "models_violating", "kl", 150.0),
            ("refinement", "models_violating", "tv", 0.0),
            ("hidden_channel", "models_violating", "tv", 1.0),
        ],
        columns=["setting", "metric", "variable", "value"],
    )


def points(axis: Axes, *colours: str) -> np.ndarray:
    """Centres of the dots of these colours, (n, 2)."""
    found = [
        np.asarray(dots.get_offsets())
        for dots in axis.collections
        if isinstance(dots, PathCollection)
        and {to_hex(face).upper() for face in np.asarray(dots.get_facecolor())} <= set(colours)
    ]
    return np.concatenate([np.empty((0, 2)), *found])


class TestGapScale:
    def test_ordinary_gaps_are_at_their_logarithm(self) -> None:
        scale = GapScale.of(np.array([1e-3, 1.0, 50.0]))
        assert (scale.low, scale.high, scale.infinite) == (-3, 2, False)
        places = scale.places(np.array([0.01, 1.0, 10.0]), np.zeros(3))
        assert places == pytest.approx([-2, 0, 1])

    def test_zero_and_infinity_have_places_of_their_own(self) -> None:
        gaps = np.array([0.0, -1e-17, 1e-13, 1e-2, 1.0, np.inf, np.nan])
        scale = GapScale.of(gaps)
        assert scale.infinite
        for within in (-0.5, 0.0, 0.5):
            places = scale.places(gaps, np.full(7, within))
            left, right = scale.limits
            assert (places[:3] < scale.low).all()
            assert (places[:3] > left).all()
            assert scale.high < places[5] < right
        assert np.isnan(places[6])
        labels = list(scale.ticks().values())
        assert {"0", "∞", "$10^{-1}$"} <= set(labels)

    def test_the_smallest_gaps_are_drawn_at_the_edge(self) -> None:
        gaps = np.append(np.full(999, 0.5), 1e-9)
        scale = GapScale.of(gaps)
        assert scale.low == -1
        assert scale.places(gaps[-1:], np.zeros(1)) == pytest.approx([-1])

    def test_a_total_variation_of_one_and_a_bit_is_one(self) -> None:
        assert GapScale.of(np.array([0.1, 1 + 1e-15])).high == 0

    @pytest.mark.parametrize("gaps", [[0.0], [np.inf], [1.0], [np.nan, 0.0], [1e-5, 1e9, np.inf]])
    def test_any_gaps_have_a_scale_with_ticks_that_do_not_meet(self, gaps: list[float]) -> None:
        scale = GapScale.of(np.array(gaps))
        left, right = scale.limits
        places = sorted(scale.ticks())
        assert left < places[0]
        assert places[-1] < right
        assert min(np.diff(places), default=1) > 0.07 * (right - left)


def test_a_violation_has_its_colour_and_the_panel_its_count() -> None:
    figure = gap_panels(models(), settings=SETTINGS, measure="kl")
    first, second = (axis for axis in figure.axes if axis.get_visible())
    assert first.get_title(loc="right") == "0 of 3 violate", "what cannot be compared is left out"
    assert second.get_title(loc="right") == "3 of 3 violate"
    assert len(points(first, HOLDS)) == 3
    assert len(points(second, FAILS)) == 3
    assert "KL (nats)" in first.get_ylabel()


def test_points_lie_on_the_side_of_the_diagonal_that_their_gaps_do() -> None:
    figure = gap_panels(models(), settings=SETTINGS, measure="kl")
    first, second = (axis for axis in figure.axes if axis.get_visible())
    within = points(first, HOLDS)
    assert within[0] == pytest.approx(np.log10([0.5, 0.25]))
    assert within[1, 0] > within[1, 1] == pytest.approx(np.log10(0.5))
    above = points(second, FAILS)
    assert (above[:, 1] > above[:, 0]).all()


def test_the_grid_has_a_row_a_measure_and_a_column_a_setting() -> None:
    figure = gap_grid(models(), settings=SETTINGS, measures=("tv", "kl"))
    assert len(figure.axes) == 4
    assert [axis.get_ylabel() for axis in figure.axes] == ["total variation", "", "KL (nats)", ""]


def test_the_overview_tells_rounding_from_violations_and_none_from_few() -> None:
    figure = overview(models(), table(), settings=SETTINGS)
    left, right = figure.axes
    (tolerance,) = (line.get_xdata()[0] for line in left.lines)  # type: ignore[index]
    assert len(points(left, HOLDS)) == 3
    assert (points(left, HOLDS)[:, 0] < 0).all()
    assert (points(left, FAILS)[:, 0] > tolerance).all()
    assert [text.get_text() for text in right.texts] == ["0", "0", "50 %", "<1 %"]


def test_the_names_and_the_tolerance_are_those_of_the_check() -> None:
    assert tuple(MEASURES) == theorem1.MEASURES
    assert ROUNDING == theorem1.TOLERANCE


def test_models_in_which_nothing_can_be_compared_leave_the_figures_empty() -> None:
    apart = models().assign(excess=np.nan, proxy_gap=np.nan, task_gap=np.nan, violations=0)
    left, _ = overview(apart, table(), settings=SETTINGS).axes
    assert len(points(left, HOLDS, FAILS)) == 0
    figure = gap_panels(apart, settings=SETTINGS, measure="kl")
    titles = [axis.get_title(loc="right") for axis in figure.axes if axis.get_visible()]
    assert titles == ["0 of 0 violate", "0 of 0 violate"]


def test_the_same_table_gives_the_same_picture() -> None:
    one, other = (png(gap_panels(models(), settings=SETTINGS, measure="kl")) for _ in range(2))
    assert one == other


def test_a_table_without_a_column_is_refused() -> None:
    with pytest.raises(InputError, match="no column task_gap"):
        gap_panels(models().drop(columns="task_gap"), settings=SETTINGS, measure="kl")
    with pytest.raises(InputError, match="no column excess"):
        overview(models().drop(columns="excess"), table(), settings=SETTINGS)
