"""What the figure of corruptions shows is what the tables say, and nothing for what is missing."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from causal_ssl.analysis.corruption_plot import corruption_errors
from causal_ssl.errors import InputError

GROUPS = {"noise": ["gaussian_noise", "shot_noise"], "validation": ["spatter"]}


@pytest.fixture
def errors() -> pd.DataFrame:
    rows = [("gaussian_noise", s, s / 10) for s in range(1, 6)] + [("spatter", 3, 0.75)]
    return pd.DataFrame(rows, columns=["corruption", "severity", "error"])


@pytest.fixture
def ce() -> pd.DataFrame:
    rows = [("spatter", np.nan, np.nan), ("gaussian_noise", 0.8, 0.636)]
    return pd.DataFrame(rows, columns=["corruption", "ce", "reference"])


def points(figure: Figure, label: str) -> np.ndarray:
    """(n, 2): CE and row."""
    (line,) = (line for line in figure.axes[1].lines if line.get_label() == label)
    found = np.column_stack(line.get_data()).astype(float)
    return found[np.isfinite(found).all(axis=1)]


def test_cells_are_errors_in_rows_of_corruptions(errors: pd.DataFrame, ce: pd.DataFrame) -> None:
    figure = corruption_errors(errors, ce, groups=GROUPS)
    cells = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert [cells[column, 0] for column in range(5)] == ["10.0", "20.0", "30.0", "40.0", "50.0"]
    assert {cells[column, 1] for column in range(5)} == {"–"}
    assert [cells[column, 2] for column in range(5)] == ["–", "–", "75.0", "–", "–"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["gaussian noise", "shot noise", "spatter"]


def test_ce_and_published_ones_are_dots_where_they_are_known(
    errors: pd.DataFrame, ce: pd.DataFrame
) -> None:
    figure = corruption_errors(errors, ce, groups=GROUPS, published="relic_t")
    assert points(figure, "here").tolist() == [[80.0, 0.0]]
    assert points(figure, "published, relic_t").tolist() == [[63.6, 0.0]]
    without = corruption_errors(errors, ce.assign(reference=np.nan), groups=GROUPS)
    assert {line.get_label() for line in without.axes[1].lines} >= {"AlexNet", "here"}
    assert not any("published" in str(line.get_label()) for line in without.axes[1].lines)


def test_a_table_without_its_columns_is_refused(errors: pd.DataFrame, ce: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="no column severity"):
        corruption_errors(errors.drop(columns="severity"), ce, groups=GROUPS)
