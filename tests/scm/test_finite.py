"""Finite models: laws by enumeration, seeing against doing, exact arithmetic, refused tables."""

from fractions import Fraction
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pytest

from causal_ssl.errors import InputError
from causal_ssl.scm import FiniteSCM, Table, function_table

# Sums of a few dozen products of probabilities in float64.
ROUNDING = 1e-14

STYLE_GIVEN_CONTENT = [[0.9, 0.1], [0.3, 0.7]]


def content_style(**more: Any) -> FiniteSCM:
    r"""content -> style, both -> x, content -> label.

    S <- C -> Y
     \   |
      -> X
    """
    return FiniteSCM(
        {
            "C": [0.6, 0.4],
            "S": Table(("C",), STYLE_GIVEN_CONTENT),
            "X": lambda C, S: 2 * C + S,
            "Y": Table(("C",), [[0.8, 0.2], [0.5, 0.5]]),
            **more,
        }
    )


def random_model(seed: int = 0) -> FiniteSCM:
    """a -> b -> d, a -> c -> d, listed children first."""
    rng = np.random.default_rng(seed)

    def rows(*shape: int) -> np.ndarray:
        return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])

    return FiniteSCM(
        {
            "d": Table(("c", "b"), rows(2, 3, 4)),
            "c": Table(("a",), rows(2, 2)),
            "b": Table(("a",), rows(2, 3)),
            "a": rows(2),
        }
    )


class TestLaws:
    def test_a_chain_by_hand(self) -> None:
        scm = content_style()
        assert scm.joint("C", "S") == pytest.approx(np.array([[0.54, 0.06], [0.12, 0.28]]))
        assert scm.joint("X") == pytest.approx([0.54, 0.06, 0.12, 0.28])
        assert scm.joint("Y") == pytest.approx([0.68, 0.32])
        # Bayes: p(C = 1 | S = 1) = 0.28 / 0.34.
        assert scm.conditional("C", given="S")[1] == pytest.approx([6 / 34, 28 / 34])
        # Through C alone: p(Y = 1 | S = 1) = 6/34 * 0.2 + 28/34 * 0.5.
        assert scm.conditional("Y", given="S")[1, 1] == pytest.approx(15.2 / 34)

    def test_xor_depends_on_both_and_on_neither(self) -> None:
        bits = FiniteSCM({"C": [0.5, 0.5], "S": [0.9, 0.1], "F": lambda C, S: C ^ S})
        assert bits.conditional("F", given="S").tolist() == [[0.5, 0.5], [0.5, 0.5]]
        assert bits.conditional("F", given=("C", "S")).tolist() == [
            [[1, 0], [0, 1]],
            [[0, 1], [1, 0]],
        ]

    def test_the_joint_is_the_product_of_the_tables(self) -> None:
        scm = random_model()
        p = {name: scm.mechanisms[name].probabilities for name in "abcd"}
        joint = scm.joint("a", "b", "c", "d")
        for a, b, c, d in product(range(2), range(3), range(2), range(4)):
            expected = p["a"][a] * p["b"][a, b] * p["c"][a, c] * p["d"][c, b, d]
            assert joint[a, b, c, d] == pytest.approx(expected, rel=ROUNDING)

    def test_marginals_and_the_order_of_axes(self) -> None:
        scm = random_model()
        joint = scm.joint("a", "b", "c", "d")
        assert scm.joint("d", "a") == pytest.approx(joint.sum((1, 2)).T, abs=ROUNDING)
        assert scm.joint("b") == pytest.approx(joint.sum((0, 2, 3)), abs=ROUNDING)

    def test_a_variable_named_twice_is_on_both_axes(self) -> None:
        scm = random_model()
        twice = scm.joint("b", "a", "b")
        assert np.array_equal(np.einsum("bab->ba", twice), scm.joint("b", "a"))
        assert twice.sum() == pytest.approx(1)

    @pytest.mark.parametrize("given", ["a", ("b",), ("c", "a"), ("a", "b", "c")])
    def test_total_probability(self, given: str | tuple[str, ...]) -> None:
        scm = random_model(1)
        law = scm.joint(*given)[..., None] * scm.conditional("d", given=given)
        assert law.sum(tuple(range(law.ndim - 1))) == pytest.approx(scm.joint("d"), abs=ROUNDING)

    def test_given_a_variables_parents_its_law_is_its_table(self) -> None:
        scm = random_model()
        table = scm.mechanisms["d"].probabilities
        assert scm.conditional("d", given=("c", "b")) == pytest.approx(table, abs=ROUNDING)
        # And nothing upstream adds to it.
        full = scm.conditional("d", given=("a", "c", "b"))
        assert full == pytest.approx(np.broadcast_to(table, full.shape), abs=ROUNDING)

    @pytest.mark.parametrize("exact", [False, True])
    def test_given_an_impossible_event_the_law_is_not_defined(self, exact: bool) -> None:
        zero, one = (Fraction(0), Fraction(1)) if exact else (0.0, 1.0)
        law = FiniteSCM({"C": [zero, one], "Y": lambda C: C}).conditional("Y", given="C")
        assert [number != number for number in law[0]] == [True, True]
        assert law[1].tolist() == [0, 1]

    def test_relabelling_the_values_relabels_the_laws(self) -> None:
        scm, order = random_model(), np.array([2, 0, 1])
        tables = scm.mechanisms
        renamed = FiniteSCM(
            {
                **tables,
                "b": Table(("a",), tables["b"].probabilities[:, order]),
                "d": Table(("c", "b"), tables["d"].probabilities[:, order]),
            }
        )
        assert renamed.joint("b", "d") == pytest.approx(scm.joint("b", "d")[order], abs=ROUNDING)
        assert renamed.joint("d", "a") == pytest.approx(scm.joint("d", "a"), abs=ROUNDING)

    def test_more_variables_than_the_law_needs_do_not_count(self) -> None:
        """Only a variable's ancestors are enumerated, however many others there are."""
        chain: dict[str, Any] = {"v0": [0.5, 0.5]}
        for i in range(1, 60):
            chain[f"v{i}"] = Table((f"v{i - 1}",), [[0.9, 0.1], [0.2, 0.8]])
        scm = FiniteSCM(chain)
        step = np.array([[0.9, 0.1], [0.2, 0.8]])
        expected = [0.5, 0.5] @ np.linalg.matrix_power(step, 40)
        assert scm.joint("v40") == pytest.approx(expected, abs=ROUNDING)
        with pytest.raises(InputError, match="involves 60 variables"):
            scm.joint("v59")


class TestDo:
    def test_setting_style_is_not_seeing_it(self) -> None:
        scm = content_style()
        assert scm.do(S=1).joint("C") == pytest.approx([0.6, 0.4])
        assert scm.conditional("C", given="S")[1, 1] == pytest.approx(28 / 34)
        assert scm.do(S=1).joint("X") == pytest.approx([0, 0.6, 0, 0.4])

    def test_without_arrows_to_cut_setting_is_seeing(self) -> None:
        scm = content_style(S=[0.3, 0.7])
        for s in range(2):
            seen = scm.conditional("X", given="S")[s]
            assert scm.do(S=s).joint("X") == pytest.approx(seen, abs=ROUNDING)

    def test_hard_interventions_cut_the_arrows_into_the_variable(self) -> None:
        scm = content_style()
        assert set(scm.graph.edges) == {("C", "S"), ("C", "X"), ("S", "X"), ("C", "Y")}
        assert set(scm.do(S=0).graph.edges) == {("C", "X"), ("S", "X"), ("C", "Y")}
        assert ("C", "S") in scm.graph.edges

    def test_a_soft_law_is_the_mixture_of_hard_interventions(self) -> None:
        scm = content_style()
        mixture = 0.25 * scm.do(S=0).joint("X", "Y") + 0.75 * scm.do(S=1).joint("X", "Y")
        assert scm.do(S=[0.25, 0.75]).joint("X", "Y") == pytest.approx(mixture, abs=ROUNDING)

    def test_a_soft_table_gives_the_variable_new_parents(self) -> None:
        scm = content_style()
        done = scm.do(S=Table(("Y",), [[1, 0], [0, 1]]))
        assert ("Y", "S") in done.graph.edges
        assert done.joint("S") == pytest.approx(scm.joint("Y"), abs=ROUNDING)
        same = scm.do(S=Table(("C",), STYLE_GIVEN_CONTENT))
        assert np.array_equal(same.joint("X", "Y"), scm.joint("X", "Y"))

    def test_a_function_of_other_variables(self) -> None:
        done = content_style().do(S=lambda C: 1 - C)
        assert done.joint("X") == pytest.approx([0, 0.6, 0.4, 0])
        # It need not reach every value of the variable.
        assert content_style().do(X=lambda: 1).joint("X").tolist() == [0, 1, 0, 0]

    def test_interventions_compose_and_the_last_wins(self) -> None:
        done = content_style().do(S=0, C=0).do(C=1)
        assert done.joint("X").tolist() == [0, 0, 1, 0]

    def test_the_model_itself_is_unchanged(self) -> None:
        scm = content_style()
        before = scm.joint("X")
        scm.do(S=1)
        assert np.array_equal(scm.joint("X"), before)
        with pytest.raises(ValueError, match="read-only"):
            scm.mechanisms["C"].probabilities[0] = 1

    def test_the_model_keeps_its_own_copy_of_a_law(self) -> None:
        law = np.array([0.25, 0.75])
        scm = content_style().do(C=law)
        law[:] = 0
        assert scm.joint("C").tolist() == [0.25, 0.75]


class TestExact:
    def thirds(self) -> FiniteSCM:
        """Probabilities that float64 cannot hold."""
        third = Fraction(1, 3)
        rows = [[third, 2 * third], [Fraction(1, 7), Fraction(6, 7)], [0, 1]]
        return FiniteSCM({"C": [third] * 3, "S": Table(("C",), rows), "X": lambda C, S: C + S})

    def floats(self) -> FiniteSCM:
        exact = self.thirds().mechanisms
        return FiniteSCM({name: Table(t.parents, t.as_floats()) for name, t in exact.items()})

    def test_results_are_fractions(self) -> None:
        scm = self.thirds()
        assert scm.exact
        # X = 1: C = 0 and S = 1, or C = 1 and S = 0.
        assert scm.joint("X").tolist() == [
            Fraction(1, 9),
            Fraction(2, 9) + Fraction(1, 21),
            Fraction(6, 21),
            Fraction(1, 3),
        ]
        assert scm.joint("C", "S", "X").sum() == 1
        assert scm.conditional("C", given="X")[3].tolist() == [0, 0, 1]
        assert all(isinstance(number, Fraction) for number in scm.conditional("S", given="X").flat)

    @pytest.mark.parametrize("names", [("X",), ("C", "X"), ("X", "S", "C")])
    def test_floats_agree(self, names: tuple[str, ...]) -> None:
        exact, floats = self.thirds(), self.floats()
        for done in ({}, {"S": 1}, {"S": [0, 1]}):
            joint = exact.do(**done).joint(*names).astype(float)
            assert floats.do(**done).joint(*names) == pytest.approx(joint, rel=ROUNDING)
        given = exact.conditional("X", given="S").astype(float)
        assert floats.conditional("X", given="S") == pytest.approx(given, rel=ROUNDING)

    def test_a_sum_that_is_off_by_less_than_rounding_is_refused(self) -> None:
        law = [Fraction(1, 2), Fraction(1, 2) + Fraction(1, 10**30)]
        with pytest.raises(InputError, match="'C' sums to"):
            FiniteSCM({"C": law})

    def test_interventions_keep_to_fractions(self) -> None:
        done = self.thirds().do(S=[Fraction(1, 10), Fraction(9, 10)])
        assert done.joint("S").tolist() == [Fraction(1, 10), Fraction(9, 10)]
        with pytest.raises(InputError, match=r"'C' is in fractions and that of 'S' in floats"):
            self.thirds().do(S=[0.1, 0.9])


class TestSample:
    def test_frequencies_follow_the_joint_law(self) -> None:
        n, scm = 40_000, random_model()
        drawn = scm.sample(n, seed=0)
        index = np.ravel_multi_index([drawn[v] for v in "abcd"], (2, 3, 2, 4))
        counts = np.bincount(index, minlength=48)
        law = scm.joint("a", "b", "c", "d").ravel()
        # 48 binomial counts, each within 5 standard errors.
        assert (abs(counts - n * law) < 5 * np.sqrt(n * law * (1 - law)) + 1).all()

    def test_impossible_values_are_not_drawn(self) -> None:
        scm = FiniteSCM({"C": [0.0, 0.1, 0.0, 0.9, 0.0]})
        assert set(scm.sample(10_000, seed=1)["C"].tolist()) == {1, 3}

    def test_an_intervention_leaves_non_descendants_as_they_were(self) -> None:
        scm = content_style()
        plain, done = scm.sample(200, seed=3), scm.do(S=1).sample(200, seed=3)
        assert np.array_equal(plain["C"], done["C"])
        assert np.array_equal(plain["Y"], done["Y"])
        assert (done["X"] == 2 * plain["C"] + 1).all()
        assert not np.array_equal(plain["S"], scm.sample(200, seed=4)["S"])


class TestTables:
    def test_the_order_of_mechanisms_does_not_matter(self) -> None:
        forward = FiniteSCM({"A": [0.5, 0.5], "B": lambda A: 1 - A, "D": lambda B: B + 1})
        backward = FiniteSCM({"D": lambda B: B + 1, "B": lambda A: 1 - A, "A": [0.5, 0.5]})
        assert nx.utils.graphs_equal(forward.graph, backward.graph)
        assert forward.variables == backward.variables == ("A", "B", "D")
        assert backward.joint("D").tolist() == [0, 0.5, 0.5]

    def test_a_function_by_any_name(self) -> None:
        """Names that are no Python identifiers are given as a mapping."""
        scm = FiniteSCM({"C": [0.5, 0.5], "Y^R": function_table(lambda c: 1 - c, {"C": 2}, size=3)})
        assert scm.joint("Y^R").tolist() == [0.5, 0.5, 0]

    def test_extensions_may_depend_on_each_other(self) -> None:
        scm = content_style().extend(Z=lambda F: F, F=lambda X: X % 2)
        assert np.array_equal(scm.joint("Z"), scm.joint("S"))


def refused(mechanisms: dict[str, Any], message: str) -> Any:
    return pytest.param(mechanisms, message, id=message[:30])


@pytest.mark.parametrize(
    ("mechanisms", "message"),
    [
        refused({"C": [0.5, 0.4]}, r"\(0.5, 0.4\) of 'C' sums to 0.9, not 1: divide"),
        refused(
            {"C": [0.5, 0.5], "S": [1.0], "Y": Table(("C", "S"), [[[0.5, 0.5]], [[0.9, 0.2]]])},
            r"'Y' at C = 1, S = 0 sums to 1.1",
        ),
        refused(
            {"C": [0.5, 0.5], "Y": Table(("C",), [[0, 1], [-0.5, 1.5]])},
            r"\(-0.5, 1.5\) of 'Y' at C = 1 is negative",
        ),
        refused(
            {"C": [0.5, 0.5], "Y": Table(("C",), [[np.nan, 1], [0.5, 0.5]])},
            r"'Y' at C = 0 has NaN",
        ),
        refused({"C": [np.inf, 0.5]}, "sums to inf"),
        refused({"C": [0.5, 0.5], "Y": Table(("B",), [[1.0]])}, "unknown parent of 'Y' 'B'"),
        refused({"content": [1.0], "Y": lambda contant: 0}, "did you mean 'content'"),
        refused({"A": lambda B: B, "B": lambda A: A}, "cycle: A -> B -> A"),
        refused({"A": Table(("A",), [[1.0]])}, "cycle: A -> A"),
        refused({"C": [0.5, 0.5], "Y": Table(("C",), [[1.0]] * 3)}, "has 3 rows for its parent"),
        refused({"C": [0.5, 0.5], "Y": lambda C: C - 1}, "gave -1 at C = 0"),
        refused({"C": [0.5, 0.5], "Y": lambda C: C / 2}, "gave 0.0 at C = 0"),
        refused({"C": [0.5, [0.5]]}, "mechanism of 'C': .* equal length"),
        refused({"C": [Fraction(1, 2), 0.5]}, "0.5 stands among fractions"),
        refused({"C": 0.5}, r"mechanism of 'C': .* shape \(\)"),
        refused({"C": ["a", "b"]}, "mechanism of 'C': expected numbers"),
    ],
)
def test_what_is_no_model_is_refused(mechanisms: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FiniteSCM(mechanisms)


@pytest.mark.parametrize(
    ("intervention", "message"),
    [
        ({"S": 2}, "'S' has values 0 to 1"),
        ({"S": -1}, "'S' has values 0 to 1"),
        ({"S": [0.2, 0.3, 0.5]}, "gives a law of 3 values: 'S' has 2"),
        ({"S": [0.2, 0.3]}, "'S' sums to 0.5"),
        ({"S": 0.5}, r"mechanism of 'do\(S=...\)'"),
        ({"style": 0}, "unknown variable 'style'"),
        ({"S": Table(("X",), [[1, 0]] * 4)}, "cycle: X -> S -> X"),
        ({"S": Table(("Z",), [[1, 0]])}, "unknown parent of 'S' 'Z'"),
        ({"S": lambda C: 2 * C}, "gave 2 at C = 1: expected at least 0 and below size = 2"),
    ],
)
def test_what_is_no_intervention_is_refused(intervention: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        content_style().do(**intervention)


def test_other_refusals() -> None:
    scm = content_style()
    with pytest.raises(InputError, match="has a variable 'Y' already"):
        scm.extend(Y=[1.0])
    with pytest.raises(InputError, match="name at least one"):
        scm.joint()
    with pytest.raises(InputError, match="unknown variable 'Z'"):
        scm.conditional("Z", given="C")
    with pytest.raises(InputError, match="n must be at least 1"):
        scm.sample(0, seed=0)
    with pytest.raises(InputError, match="names a parent twice"):
        Table(("C", "C"), [[[1.0]]])
