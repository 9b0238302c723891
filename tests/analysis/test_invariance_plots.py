"""Figures of invariance are functions of their tables and show what is in them."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from causal_ssl.analysis import invariance_plots as figures
from causal_ssl.analysis.plots import png
from causal_ssl.errors import InputError

SETTINGS = {"a": "setting a", "b": "setting b"}
METHODS = {"m": "Method", "w": "Way"}
CONTROLS = {"oracle": "oracle c"}
TASKS = {"finest": 64, "eight": 8, "two": 2}
COARSE = {"eight": "8 cells", "two": "2 cells"}
ENVIRONMENTS = ["dark", "dim", "light"]


def table() -> pd.DataFrame:
    """Gap of the finest task .2, .1 or .02 (by representation), of others in proportion."""
    rows = []
    for setting in SETTINGS:
        for name, gap in (("m", 0.2), ("w", 0.1), ("oracle", 0.02)):
            for seed in range(2):
                key = (setting, name, seed)
                for task, cells in TASKS.items():
                    value = gap * np.log(cells) / np.log(64) + 0.001 * seed
                    rows += [
                        (*key, "gap", task, "all", "all", value, 0.8 * value, 1.2 * value),
                        (*key, "gap_fresh", task, "all", "all", 2 * value, 0.0, 3 * value),
                        (*key, "gap_held_out", task, "all", "all", value - 0.05, None, None),
                        (*key, "n_classes", task, "all", "all", float(cells), None, None),
                        (*key, "accuracy", task, "all", "all", 0.9 - gap, None, None),
                        (*key, "chance", task, "all", "all", 1 / cells, None, None),
                    ]
                    rows += [
                        (*key, "accuracy_within", task, e, "all", 0.9, None, None)
                        for e in ENVIRONMENTS
                    ]
                everywhere = (*key, "overlap", "representation", "all", "all", 0.7, None, None)
                least = (*key, "overlap_min", "representation", "all", "all", 0.5, None, None)
                rows += [everywhere, least]
                for i, first in enumerate(ENVIRONMENTS):
                    for j, second in enumerate(ENVIRONMENTS):
                        value = 0.1 * i + 0.01 * j + 0.002 * seed
                        rows.append(
                            (*key, "transfer_accuracy", "finest", first, second, value, 0, 1)
                        )
                        if i < j:
                            rows.append((*key, "gap", "finest", first, second, value, 0, 1))
    columns = "setting method seed metric variable environment against value low high"
    return pd.DataFrame(rows, columns=columns.split())


def scatter(**changes: object) -> Figure:
    named = {"settings": SETTINGS, "methods": METHODS, "controls": CONTROLS, "tasks": COARSE}
    return figures.bound_scatter(table(), **{**named, **changes})


def ladder() -> Figure:
    return figures.gap_ladder(
        table(), settings=SETTINGS, methods=METHODS, controls=CONTROLS, tasks=list(TASKS)
    )


def glance() -> Figure:
    return figures.at_a_glance(table(), settings=SETTINGS, methods=METHODS, controls=CONTROLS)


def pairs(metric: str = "gap") -> Figure:
    return figures.pair_heatmaps(
        table(), metric=metric, setting="a", methods=METHODS, controls=CONTROLS
    )


DRAWN: dict[str, Callable[[], Figure]] = {
    "scatter": scatter,
    "ladder": ladder,
    "glance": glance,
    "pairs": pairs,
}


def markers(axis, shape):
    """(x, y) of every point of that marker."""
    lines = [line for line in axis.lines if line.get_marker() == shape]
    return [xy for line in lines for xy in zip(line.get_xdata(), line.get_ydata(), strict=True)]


def spans(axis):
    """The ends of the lines that a call drew, of the first call."""
    return next(c for c in axis.collections if isinstance(c, LineCollection)).get_segments()


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_the_same_table_gives_the_same_picture_and_leaves_no_state(draw):
    before = dict(plt.rcParams)
    assert png(draw()) == png(draw())
    assert dict(plt.rcParams) == before
    assert plt.get_fignums() == []


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_table_without_values_is_refused(draw, monkeypatch):
    whole = table()
    monkeypatch.setitem(globals(), "table", lambda: whole.drop(columns="value"))
    with pytest.raises(InputError, match="no column value"):
        draw()


def test_every_task_and_seed_is_a_point_below_the_bound():
    for axis in scatter().axes:
        points = markers(axis, "o") + markers(axis, "s")
        assert len(points) == 3 * 2 * 2
        assert all(y <= x for x, y in points)
        eight = [y for _, y in markers(axis, "o")]
        assert max(eight) == pytest.approx(0.101)
        assert axis.get_xlim() == axis.get_ylim()
        assert axis.get_xlim()[1] > 1.2 * 0.201


def test_fresh_probes_may_lie_above_the_bound_and_are_named():
    axis = scatter(metric="gap_fresh").axes[0]
    assert any(y > x for x, y in markers(axis, "o"))
    assert "fresh" in axis.get_ylabel()


def test_controls_are_open_and_learnt_representations_filled():
    dots = [line for line in scatter().axes[0].lines if line.get_marker() == "o"]
    faces = [line.get_markerfacecolor() for line in dots]
    assert faces == ["#0072B2", "#D55E00", "white"]


def test_the_ladder_climbs_from_the_binary_task_to_the_finest():
    axes = np.array(ladder().axes).reshape(2, 2)
    above, below = axes[0, 0].lines, axes[1, 0].lines
    assert len(above) == 2
    assert len(below) == 1
    assert list(above[0].get_xdata()) == [2, 8, 64]
    assert list(above[0].get_ydata()) == pytest.approx([0.2 / 6 + 0.0005, 0.1005, 0.2005])
    # The band of the control ends at 0, not at a negative held-out gap.
    band = axes[1, 0].collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == 0.0
    assert axes[0, 0].get_ylim()[0] == 0.0


def test_at_a_glance_shows_gap_overlap_and_accuracy_of_each():
    gap, overlap, accuracy = glance().axes
    assert [label.get_text() for label in gap.get_yticklabels()] == ["Method", "Way", "oracle c"]
    assert [x for x, _ in markers(gap, "o")][:3] == pytest.approx([0.2005, 0.1005, 0.0205])
    assert spans(gap)[0][:, 0] == pytest.approx([0.8 * 0.2, 1.2 * 0.201])
    assert spans(overlap)[0][:, 0] == pytest.approx([0.5, 0.7])
    assert [x for x, _ in markers(accuracy, "o")][:3] == pytest.approx([0.7, 0.8, 0.88])
    assert [x for x, _ in markers(accuracy, "|")] == pytest.approx([0.9] * 6)


def cells(axis):
    """The numbers written into a heatmap, NaN where there is none."""
    numbers = np.full((3, 3), np.nan)
    for text in axis.texts:
        x, y = text.get_position()
        numbers[int(y), int(x)] = float(text.get_text())
    return numbers


def test_a_pair_without_a_direction_fills_both_halves():
    numbers = cells(pairs().axes[0])
    assert np.array_equal(numbers, numbers.T, equal_nan=True)
    assert np.isnan(np.diag(numbers)).all()
    assert numbers[0, 2] == 0.02


def test_transfer_keeps_its_direction():
    axis = pairs("transfer_accuracy").axes[0]
    numbers = cells(axis)
    assert (numbers[0, 2], numbers[2, 0]) == (0.02, 0.2)
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("fitted under", "scored under")


def test_heatmaps_share_a_scale_and_leave_out_what_has_no_rows():
    figure = figures.pair_heatmaps(
        table(), metric="gap", setting="a", methods={**METHODS, "none": "None"}
    )
    titles = [axis.get_title(loc="left") or axis.get_title() for axis in figure.axes]
    assert [title for title in titles if title] == ["Method", "Way"]
    assert len({axis.collections[0].norm.vmax for axis in figure.axes[:2]}) == 1


def test_environments_come_in_the_order_given():
    order = {"light": "Light", "dark": "Dark"}
    figure = figures.pair_heatmaps(
        table(), metric="gap", setting="a", methods=METHODS, environments=order
    )
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["Light", "Dark"]


def test_an_unknown_metric_of_pairs_is_refused():
    with pytest.raises(InputError, match="did you mean 'gap'"):
        pairs("gaps")
    with pytest.raises(InputError, match="no rows of 'overlap' in setting 'a'"):
        pairs("overlap")
