"""The published numbers are all there, and only current ones stand beside ours."""

import pandas as pd
import pytest

from causal_ssl.experiments.content_style import published, settings

CURRENT = {
    ("p1", "r2_kernel_ridge", "content"): 1.00,
    ("p1", "r2_kernel_ridge", "style"): 0.07,
    ("p075", "r2_kernel_ridge", "content"): 1.00,
    ("p075", "r2_kernel_ridge", "style"): 0.06,
    ("p075_statistical", "r2_kernel_ridge", "content"): 0.98,
    ("p075_statistical", "r2_kernel_ridge", "style"): 0.37,
    ("p075_statistical_causal", "r2_kernel_ridge", "content"): 0.99,
    ("p075_statistical_causal", "r2_kernel_ridge", "style"): 0.80,
    ("p1", "r2_linear", "content"): 1.00,
    ("p1", "r2_linear", "style"): 0.00,
    ("p075", "r2_linear", "content"): 0.99,
    ("p075", "r2_linear", "style"): 0.00,
    ("p075_statistical", "r2_linear", "content"): 0.97,
    ("p075_statistical", "r2_linear", "style"): 0.37,
    ("p075_statistical_causal", "r2_linear", "content"): 0.98,
    ("p075_statistical_causal", "r2_linear", "style"): 0.78,
}


def test_every_setting_metric_and_variable_has_its_number_and_source() -> None:
    table = published.numerical().query("not superseded")
    found = table.set_index(["setting", "metric", "variable"])["reference"].to_dict()
    assert found == CURRENT
    assert {name for name, _, _ in found} == set(settings.SETTINGS)
    assert table["source"].str.contains("2106.04619v4").all()


def test_a_row_gets_its_number_and_a_row_without_one_stays() -> None:
    ours = pd.DataFrame(
        {
            "setting": ["p075_statistical", "p075_statistical"],
            "metric": ["r2_kernel_ridge", "r2_closed_form"],
            "variable": ["style", "style_from_true_content"],
            "value": [0.5, 0.0],
        }
    )
    table = published.with_references(ours)
    assert table["value"].tolist() == [0.5, 0.0]
    assert table["reference"].tolist()[0] == 0.37
    assert table["source"].tolist()[0] == "arXiv:2106.04619v4 section 5.1"
    assert table["reference"].isna().tolist() == [False, True]


@pytest.mark.parametrize("setting", ["p075_statistical", "p075_statistical_causal"])
def test_the_earlier_version_is_kept_apart(setting: str) -> None:
    old = published.numerical().query("superseded and setting == @setting")
    assert set(old["variable"]) == {"content", "style"}
