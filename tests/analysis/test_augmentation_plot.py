"""The figure shows the table's numbers where it should."""

import numpy as np
import pandas as pd
import pytest

from causal_ssl.analysis.augmentation_plot import gaps_and_accuracy
from causal_ssl.errors import InputError

AUGMENTATIONS = {"identity": "as it is", "crop": "crop", "blur": "blur"}


def table() -> pd.DataFrame:
    gap = {"metric": "proxy_gap", "against": "identity"}
    rows = [
        gap | {"environment": "crop", "variable": "f", "value": 0.5, "low": 0.4, "high": 0.6},
        gap | {"environment": "blur", "variable": "f", "value": 0.1, "low": 0.0, "high": 0.2},
        # Of another pair: not shown.
        gap
        | {"against": "crop", "environment": "blur", "variable": "f", "value": 9.0}
        | {"low": 8.0, "high": 10.0},
        {"metric": "proxy_gap_other_image", "environment": "identity", "against": ""}
        | {"variable": "f", "value": 2.0, "low": 1.9, "high": 2.1},
        *(
            {"metric": "accuracy", "environment": name, "against": "", "variable": "f"}
            | {"value": value, "low": value - 0.1, "high": value + 0.1}
            for name, value in (("blur", 0.6), ("crop", 0.7), ("identity", 0.8))
        ),
    ]
    return pd.DataFrame(rows)


def test_dots_and_lines_are_the_tables() -> None:
    figure = gaps_and_accuracy(
        table(), augmentations=AUGMENTATIONS, variables={"f": "f"}, chance=0.25
    )
    gaps, accuracy = figure.axes
    dots = {
        axis: next(line for line in axis.lines if line.get_marker() == "o") for axis in figure.axes
    }
    assert list(dots[gaps].get_xdata()) == [0.5, 0.1]
    assert list(dots[gaps].get_ydata()) == [1, 2]
    assert list(dots[accuracy].get_xdata()) == [0.8, 0.7, 0.6]
    verticals = [
        {float(line.get_xdata()[0]) for line in axis.lines if line.get_marker() != "o"}
        for axis in (gaps, accuracy)
    ]
    assert verticals == [{2.0}, {0.25}]
    assert gaps.get_xlim()[1] > 2.0
    segments = np.array(gaps.collections[0].get_segments())
    assert segments[:, :, 0].tolist() == [[0.4, 0.6], [0.0, 0.2]]
    labels = [label.get_text() for label in gaps.get_yticklabels()]
    assert labels == ["as it is", "crop", "blur"]


def test_a_network_without_gaps_is_named() -> None:
    with pytest.raises(InputError, match="the table has no proxy_gap of 'g' against 'identity'"):
        gaps_and_accuracy(table(), augmentations=AUGMENTATIONS, variables={"g": "g"}, chance=0.1)
