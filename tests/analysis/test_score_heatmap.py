"""The heatmap shows every value, the published one beside it, and nothing where there is none."""

import pandas as pd
import pytest

from causal_ssl.analysis.score_heatmap import score_heatmap
from causal_ssl.errors import InputError

TABLE = pd.DataFrame(
    {
        "setting": ["hues", "hues", "crop"],
        "method": ["relic"] * 3,
        "variable": ["class", "class", "object_hue"],
        "value": [0.5, 0.7, -0.2],
        "reference": [0.9, 0.9, float("nan")],
    }
)
SHOWN = {
    "settings": {"hues": "LT: hues", "crop": "DA: crop"},
    "methods": {"relic": "ReLIC"},
    "variables": {"class": "class", "object_hue": "object hue"},
}


def test_cells_hold_means_and_spreads_over_seeds_and_published_values_in_parentheses():
    panel = score_heatmap(TABLE, **SHOWN).axes[0]
    assert [text.get_text() for text in panel.texts] == ["0.60", "±0.14\n(0.90)", "-0.20"]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["LT: hues", "DA: crop"]


def test_what_rounds_to_zero_has_no_sign():
    panel = score_heatmap(TABLE.assign(value=-0.001), **SHOWN).axes[0]
    assert {text.get_text()[:5] for text in panel.texts if "(" not in text.get_text()} == {"0.00"}


def test_a_rule_parts_the_first_settings_from_the_others():
    (plain,), (ruled,) = (
        [axis.lines for axis in score_heatmap(TABLE, **SHOWN, rule_below=k).axes[:1]]
        for k in (0, 1)
    )
    assert len(plain) == 0
    assert [line.get_ydata()[0] for line in ruled] == [0.5]


def test_a_table_without_published_values_is_refused():
    with pytest.raises(InputError, match="no column reference"):
        score_heatmap(TABLE.drop(columns="reference"), **SHOWN)
