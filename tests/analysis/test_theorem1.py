"""Theorem 1 in finite models: it holds where its premise does, and fails where that fails."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from causal_ssl.analysis.theorem1 import (
    MEASURES,
    TOLERANCE,
    check,
    check_models,
    compare,
    summary,
)
from causal_ssl.analysis.theorem1_settings import (
    MUST_HOLD,
    SETTINGS,
    Case,
    draw,
    hidden_channel_bits,
)
from causal_ssl.analysis.theorem1_witness import Witness, find_witness, witness
from causal_ssl.divergences import F_DIVERGENCES
from causal_ssl.errors import InputError
from causal_ssl.scm import FiniteSCM, Table, hard_environments, invariance_gap

N_MODELS = 60
CONTROLS = [setting for setting in SETTINGS if setting not in MUST_HOLD]


@pytest.fixture(scope="module")
def results() -> pd.DataFrame:
    return pd.concat(check_models(setting, range(N_MODELS)) for setting in SETTINGS)


def of(results: pd.DataFrame, setting: str, measure: str = "tv") -> pd.DataFrame:
    return results[(results["setting"] == setting) & (results["measure"] == measure)]


class TestSettings:
    @pytest.mark.parametrize("setting", MUST_HOLD)
    def test_the_bound_holds_where_the_premise_does(
        self, results: pd.DataFrame, setting: str
    ) -> None:
        rows = results[results["setting"] == setting]
        assert rows["violations"].sum() == 0
        assert (rows["premise_gap"] < TOLERANCE).all()
        # Not for want of anything to compare, nor of gaps.
        assert rows["comparisons"].sum() > 100 * N_MODELS
        assert (rows["proxy_gap"] > 0.01).mean() > 0.5
        assert (rows["task_gap"] > 0.01).mean() > 0.5

    @pytest.mark.parametrize("setting", CONTROLS)
    @pytest.mark.parametrize("measure", MEASURES)
    def test_and_fails_in_each_measure_where_it_does_not(
        self, results: pd.DataFrame, setting: str, measure: str
    ) -> None:
        rows = of(results, setting, measure)
        assert (rows["violations"] > 0).mean() > 0.2
        assert rows["excess"].max() > 0.05
        assert (rows["premise_gap"] > 0.01).mean() > 0.5

    @pytest.mark.parametrize("setting", ["not_a_refinement", "hidden_channel"])
    def test_a_channel_that_is_the_same_for_all_styles_is_not_the_premise(
        self, results: pd.DataFrame, setting: str
    ) -> None:
        rows = of(results, setting)
        assert (rows["channel_gap"] < TOLERANCE).all()
        assert (rows["violations"] > 0).any()

    def test_the_channel_that_depends_on_style_is_not(self, results: pd.DataFrame) -> None:
        assert (of(results, "channel_depends_on_style")["channel_gap"] > 1e-6).all()

    def test_a_hidden_channel_has_a_proxy_without_gap(self, results: pd.DataFrame) -> None:
        assert (of(results, "hidden_channel")["proxy_gap"] == 0).all()

    def test_an_entangled_representation_has_a_gap_in_every_model(
        self, results: pd.DataFrame
    ) -> None:
        rows = of(results, "entangled_representation")
        assert (rows["proxy_gap"] > 1e-7).all()
        assert (rows["comparisons"] > 0).all()

    def test_an_invariant_proxy_makes_the_task_invariant(self, results: pd.DataFrame) -> None:
        """The theorem as it is printed: gap 0 implies gap 0."""
        invariant = results[results["setting"].isin(MUST_HOLD) & (results["proxy_gap"] < TOLERANCE)]
        assert len(invariant) > 10
        assert (invariant["task_gap"] < TOLERANCE).all()

    @pytest.mark.parametrize("setting", SETTINGS)
    def test_models_are_the_same_in_fractions(self, setting: str) -> None:
        for seed in range(3):
            exact, floats = draw(setting, seed, exact=True), draw(setting, seed)
            assert exact.scm.exact
            assert not floats.scm.exact
            one, other = compare(exact), compare(floats)
            # Supports to the letter, values to rounding.
            assert np.array_equal(one.law == 0, other.law == 0)
            assert one.gaps == pytest.approx(other.gaps, rel=1e-12, abs=1e-12, nan_ok=True)

    def test_a_seed_is_a_model(self, results: pd.DataFrame) -> None:
        one = check_models("channel", [7])
        batch = results[(results["setting"] == "channel") & (results["seed"] == 7)]
        pd.testing.assert_frame_equal(one, batch.reset_index(drop=True))
        assert not one.equals(check_models("channel", [8]))

    def test_an_unknown_setting_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"unknown setting 'refinements'.*'refinement'"):
            check_models("refinements", range(2))


def bits(task: Any, f: Any, environments: Any = None, **more: Any) -> Case:
    """A content bit as the proxy, a style bit, and any task and representation."""
    scm = FiniteSCM({"C": [0.5, 0.5], "S": [0.5, 0.5], "Y_R": lambda C: C, "Y_t": task, "F": f})
    return Case("bits", 0, scm, environments or hard_environments(scm, "S"))


class TestCheck:
    def test_gaps_overlap_and_accuracy_are_those_of_the_exact_invariance(self) -> None:
        case = draw("channel_depends_on_style", 3)
        rows = check(case).set_index("measure")
        for name in F_DIVERGENCES:
            for y, column in [("Y_R", "proxy_gap"), ("Y_t", "task_gap")]:
                found = invariance_gap(case.scm, case.environments, y=y, f="F", divergence=name)
                assert rows.loc[name, column] == pytest.approx(found.worst)
        found = invariance_gap(case.scm, case.environments, y="Y_t", f="F")
        assert rows.loc["kl", "overlap"] == pytest.approx(found.smallest_overlap)
        assert rows.loc["kl", "task_accuracy"] == pytest.approx(found.pooled_accuracy)
        assert rows.loc["information", "task_gap"] == pytest.approx(found.information)

    def test_the_hidden_channel_of_bits(self) -> None:
        rows = check(hidden_channel_bits()).set_index("measure")
        assert (rows["proxy_gap"] == 0).all()
        assert (rows["channel_gap"] == 0).all()
        assert rows.loc["tv", "task_gap"] == 1
        assert rows.loc["information", "task_gap"] == pytest.approx(np.log(2))
        assert (rows["overlap"] == 1).all()
        # 4 values of f, each in 2 orders of the environments.
        assert rows.loc["kl", "violations"] == rows.loc["kl", "comparisons"] == 8

    def test_an_infinite_gap_bounds_an_infinite_one(self) -> None:
        rows = check(bits(lambda Y_R: 1 - Y_R, lambda C, S: C ^ S)).set_index("measure")
        for name in ("kl", "chi2"):
            assert rows.loc[name, "proxy_gap"] == rows.loc[name, "task_gap"] == np.inf
            assert rows.loc[name, "excess"] == 0
        assert (rows["violations"] == 0).all()

    def test_an_infinite_gap_bounds_every_finite_one(self) -> None:
        noisy = Table("Y_R", [[0.9, 0.1], [0.2, 0.8]])
        rows = check(bits(noisy, lambda C, S: C ^ S)).set_index("measure")
        assert rows.loc["kl", "excess"] == -1
        assert (rows["violations"] == 0).all()

    def test_no_finite_gap_bounds_an_infinite_one(self) -> None:
        rows = check(bits(lambda S: S, lambda: 0)).set_index("measure")
        assert rows.loc["kl", "proxy_gap"] == 0
        assert rows.loc["kl", "excess"] == np.inf
        assert (rows["violations"] > 0).all()

    def test_without_overlap_nothing_is_compared(self) -> None:
        """f = s under hard interventions: the bound is not violated, and the row says why."""
        rows = check(bits(lambda C, S: C ^ S, lambda S: S)).set_index("measure")
        assert (rows["overlap"] == 0).all()
        pointwise = rows.loc[list(F_DIVERGENCES)]
        assert (pointwise["comparisons"] == 0).all()
        assert pointwise["excess"].isna().all()
        assert (rows["violations"] == 0).all()


def tables(parents: str | tuple[str, ...], *shape: int) -> st.SearchStrategy[Table]:
    """Rows of small whole numbers, normalised: many ties and zeros."""
    rows = st.lists(st.integers(0, 5), min_size=shape[-1], max_size=shape[-1]).filter(any)
    n = int(np.prod(shape[:-1]))
    return st.lists(rows, min_size=n, max_size=n).map(
        lambda drawn: Table(
            parents, (np.array(drawn) / np.sum(drawn, axis=1, keepdims=True)).reshape(shape)
        )
    )


def cases(task: st.SearchStrategy[Table]) -> st.SearchStrategy[Case]:
    """C -> S, both -> F, C -> Y_R with three values; four environments, hard and soft."""
    mechanisms = {
        "C": tables((), 3),
        "S": tables("C", 3, 2),
        "F": tables(("C", "S"), 3, 2, 3),
        "Y_R": tables("C", 3, 3),
        "Y_t": task,
    }
    environments = st.fixed_dictionaries(
        {
            "seen": st.just({}),
            "hard": st.fixed_dictionaries({"S": st.integers(0, 1)}),
            "soft": st.fixed_dictionaries({"S": tables((), 2)}),
            "softer": st.fixed_dictionaries({"S": tables("C", 3, 2)}),
        }
    )
    models = st.fixed_dictionaries(mechanisms).map(FiniteSCM)
    return st.builds(Case, st.just("drawn"), st.just(0), models, environments)


def violates(case: Case) -> bool:
    return bool(check(case)["violations"].any())


class TestDataProcessing:
    @given(case=cases(tables("Y_R", 3, 2)))
    @settings(max_examples=60, deadline=None, derandomize=True)
    def test_a_channel_of_the_proxy_never_gains(self, case: Case) -> None:
        rows = check(case)
        assert (rows["violations"] == 0).all()
        assert set(rows["measure"]) == {*F_DIVERGENCES, "information"}

    @given(case=cases(tables(("Y_R", "F"), 3, 3, 2)))
    @settings(max_examples=40, deadline=None, derandomize=True)
    def test_nor_does_one_that_sees_the_representation(self, case: Case) -> None:
        """At one value of f it is one channel, the same for all styles: the premise holds."""
        assert (check(case)["violations"] == 0).all()

    @pytest.mark.parametrize("seen", ["S", "C"])
    def test_a_task_that_sees_more_can(self, seen: str) -> None:
        """The same search finds a counterexample as soon as the premise is dropped."""
        task = tables(("Y_R", seen), 3, {"S": 2, "C": 3}[seen], 2)
        first_hit = settings(
            max_examples=500,
            phases=[Phase.generate],
            derandomize=True,
            database=None,
            deadline=None,
        )
        case = find(cases(task), violates, settings=first_hit)
        assert check(case)["premise_gap"].iloc[0] > TOLERANCE


class TestWitness:
    @pytest.mark.parametrize("setting", CONTROLS)
    @pytest.mark.parametrize("measure", F_DIVERGENCES)
    def test_it_is_the_strongest_of_the_models_and_says_what_it_sees(
        self, results: pd.DataFrame, setting: str, measure: str
    ) -> None:
        found = find_witness(results, setting, measure)
        assert found is not None
        assert found.task_gap > found.proxy_gap
        rows = of(results, setting, measure)
        excess = (found.task_gap - found.proxy_gap) / max(1, found.proxy_gap)
        assert excess == pytest.approx(rows["excess"].max())
        for i, name in enumerate(found.environments):
            world = found.case.scm.do(**found.case.environments[name])
            for y, laws in [("Y_R", found.proxy_laws), ("Y_t", found.task_laws)]:
                assert laws[i] == pytest.approx(world.conditional(y, given="F")[found.value])
        if measure == "tv":
            for laws, gap in [
                (found.proxy_laws, found.proxy_gap),
                (found.task_laws, found.task_gap),
            ]:
                assert np.abs(laws[0] - laws[1]).sum() / 2 == pytest.approx(gap)

    def test_there_is_none_where_the_bound_holds(self, results: pd.DataFrame) -> None:
        for setting in MUST_HOLD:
            assert find_witness(results, setting) is None
        assert witness(draw("refinement", 0)) is None

    def test_its_text_is_enough_to_rebuild_the_model(self, results: pd.DataFrame) -> None:
        """Every table is printed with all its digits, those of soft environments too."""
        found = find_witness(results, "channel_depends_on_style")
        assert found is not None
        text = str(found)
        assert text.startswith(f"channel_depends_on_style, model {found.case.seed}\n")
        for variable, table in found.case.scm.mechanisms.items():
            assert self.printed(text, variable, table) == pytest.approx(
                table.probabilities, abs=1e-12
            )

    @staticmethod
    def printed(text: str, variable: str, table: Table) -> np.ndarray:
        """The table's array as read back from the witness's text."""
        given = ", ".join(table.parents)
        lines = [line.strip() for line in text.splitlines()]
        if table.deterministic and table.parents:
            start = f"{variable}({given}) = "
            values = next(line for line in lines if line.startswith(start)).removeprefix(start)
            return np.eye(table.size)[np.array(json.loads(values))]
        start = f"p({variable} | {given}) = " if given else f"p({variable}) = "
        line = next(line for line in lines if line.startswith(start)).removeprefix(start)
        numbers = line.replace("[", " ").replace("]", " ").replace(",", " ").split()
        return np.array(numbers, dtype=float).reshape(table.probabilities.shape)

    def test_soft_environments_are_printed_with_their_law(self) -> None:
        soft = {
            "even": {"S": Table((), [0.5, 0.5])},
            "odd": {"S": Table("C", [[1, 0], [0.25, 0.75]])},
        }
        case = bits(lambda S: S, lambda: 0, environments=soft)
        found = witness(case)
        assert isinstance(found, Witness)
        text = str(found)
        assert "    even: p(S) = 0.5 0.5\n" in text
        assert "    odd: p(S | C) = [1 0, 0.25 0.75]\n" in text

    def test_unknown_names_are_refused(self, results: pd.DataFrame) -> None:
        with pytest.raises(InputError, match="unknown divergence 'l2'"):
            witness(hidden_channel_bits(), "l2")
        with pytest.raises(InputError, match="unknown setting 'chanel'"):
            find_witness(results, "chanel")


class TestSummary:
    def test_it_counts_models_and_violations(self, results: pd.DataFrame) -> None:
        table = summary(results).set_index(["setting", "metric", "variable"])["value"]
        for setting in SETTINGS:
            assert table[setting, "models", "all"] == N_MODELS
            rows = results[results["setting"] == setting]
            assert table[setting, "violations", "all"] == rows["violations"].sum()
            for measure in MEASURES:
                expected = rows[rows["measure"] == measure]
                assert table[setting, "violations", measure] == expected["violations"].sum()
                assert table[setting, "gap", measure] == expected["proxy_gap"].median()
        assert table["entangled_representation", "models_with_gap", "all"] == N_MODELS
        assert table["hidden_channel", "models_with_gap", "all"] == 0
        assert table["refinement", "models_violating", "all"] == 0
        hidden = of(results, "hidden_channel")
        compared = table["hidden_channel", "models_compared", "all"]
        assert compared == (hidden["comparisons"] > 0).sum() < N_MODELS
