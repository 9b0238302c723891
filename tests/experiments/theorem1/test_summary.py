"""The sentences of the report say what the table says, problems first of all."""

import pandas as pd
import pytest

from causal_ssl.analysis.theorem1 import check_models
from causal_ssl.experiments.theorem1 import tables
from causal_ssl.experiments.theorem1.config import Theorem1Study
from causal_ssl.experiments.theorem1.summary import Summary, discussion, finding
from causal_ssl.experiments.theorem1.witnesses import witness_table

CONFIG = Theorem1Study(
    settings=("refinement", "entangled_representation", "not_a_refinement"), models=12
)


@pytest.fixture(scope="module")
def results() -> pd.DataFrame:
    return pd.concat([check_models(s, CONFIG.seeds) for s in CONFIG.settings], ignore_index=True)


def told(results: pd.DataFrame) -> str:
    return " ".join(finding(Summary.of(tables.tidy(results, CONFIG))))


def changed(results: pd.DataFrame, setting: str, **values: float) -> pd.DataFrame:
    found = results.copy()
    for column, value in values.items():
        found.loc[found["setting"] == setting, column] = value
    return found


def test_what_should_be_is_told_with_its_counts(results: pd.DataFrame) -> None:
    text = told(results)
    held = results[results["setting"] != "not_a_refinement"]
    assert f"no violation in {held['comparisons'].sum():,} comparisons" in text
    assert "in 24 random models" in text
    failing = results[(results["setting"] == "not_a_refinement") & (results["violations"] > 0)]
    count = failing["seed"].nunique()
    assert 0 < count < 12
    assert f"in {count} of 12 models (not a refinement)" in text
    assert "has a proxy gap in all 12 models" in text
    assert "Problem" not in text


def test_a_violation_where_the_premise_holds_is_a_problem(results: pd.DataFrame) -> None:
    text = told(changed(results, "refinement", violations=1))
    assert text.startswith("Problem: where its premise holds the bound must never be exceeded")
    assert "is in 12 of 12 models (refinement)" in text
    assert "never exceeded:" not in text


def test_a_control_that_nothing_violates_is_a_problem(results: pd.DataFrame) -> None:
    text = told(changed(results, "not_a_refinement", violations=0))
    assert "Problem: “Not a refinement” should violate the bound and no model does" in text
    assert "as it should" not in text


def test_an_entangled_representation_without_a_gap_is_a_problem(results: pd.DataFrame) -> None:
    text = told(changed(results, "entangled_representation", proxy_gap=0.0))
    assert "Problem: a representation that entangles" in text
    assert "has none in 12 of 12" in text


def test_the_premise_is_told_from_the_models_where_it_holds(results: pd.DataFrame) -> None:
    summary = Summary.of(tables.tidy(results, CONFIG))
    models = results.drop_duplicates(["setting", "seed"])
    holding = int((models["premise_gap"] <= 1e-12).sum())
    assert holding > 24, "some models of the control keep the premise"
    sentences = discussion(summary)
    assert f"it holds in {holding} of all 36 models" in sentences[0]
    assert "none of these violates the bound" in sentences[0]
    assert "12 models of the controls" in sentences[1]


def test_counts_of_the_table_are_those_of_the_models(results: pd.DataFrame) -> None:
    table = tables.tidy(results, CONFIG).set_index(["setting", "metric", "variable"])["value"]
    for setting in CONFIG.settings:
        own = results[results["setting"] == setting]
        kl = own[own["measure"] == "kl"]
        assert table[setting, "models_violating", "kl"] == (kl["violations"] > 0).sum()
        assert table[setting, "infinite_gap", "kl"] == (kl["proxy_gap"] == float("inf")).sum()
        assert table[setting, "infinite_task_gap", "kl"] == (kl["task_gap"] == float("inf")).sum()
        assert table[setting, "overlap", "median"] == kl["overlap"].median()
        assert table[setting, "violating_with_premise", "all"] == 0


def test_a_model_without_overlap_breaks_no_premise(results: pd.DataFrame) -> None:
    apart = changed(results, "refinement", premise_gap=float("nan"), channel_gap=float("nan"))
    table = tables.tidy(apart, CONFIG).set_index(["setting", "metric", "variable"])["value"]
    assert table["refinement", "models_with_premise", "all"] == 12


def test_a_witness_is_a_strong_violation_that_the_results_have(results: pd.DataFrame) -> None:
    found = witness_table(results)
    (row,) = found.to_dict("records")
    assert row["setting"] == "not_a_refinement"
    tv = results[(results["setting"] == row["setting"]) & (results["measure"] == "tv")]
    excess = tv.set_index("seed")["excess"]
    assert row["task_gap"] - row["proxy_gap"] == pytest.approx(excess[row["seed"]])
    assert excess[row["seed"]] >= 0.9 * excess.max()
    for part in ("not_a_refinement, model", "p(C) =", "Y_t(C) =", str(row["first"])):
        assert part in row["text"]


def test_no_violation_no_witness(results: pd.DataFrame) -> None:
    found = witness_table(changed(results, "not_a_refinement", violations=0))
    assert found.empty
    assert "task_gap" in found
