"""Exact gaps: what is invariant and what vacuously so, probability 0, information."""

from fractions import Fraction
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal_ssl.divergences import F_DIVERGENCES
from causal_ssl.errors import InputError
from causal_ssl.scm import FiniteSCM, Table, hard_environments, invariance_gap
from causal_ssl.scm.finite_invariance import environment_laws, information

# Sums of a few dozen products of probabilities in float64.
ROUNDING = 1e-13
SOFT = {"mostly 0": {"S": [0.9, 0.1]}, "mostly 1": {"S": [0.2, 0.8]}}


def world(**variables: Any) -> FiniteSCM:
    r"""content -> style, x an injective mixing of both; f and the label are added.

    C -> S
     \  /
      X
    """
    return FiniteSCM(
        {
            "C": [0.2, 0.3, 0.5],
            "S": Table(("C",), [[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]),
            "X": lambda C, S: (2 * C + S + 3) % 6,
            "Y": lambda C: C // 2,
            **variables,
        }
    )


class TestControls:
    """The five representations whose invariance is known, under hard and soft environments."""

    def gap(self, f: Any, environments: Any = None) -> Any:
        scm = world()
        environments = environments or hard_environments(scm, "S")
        return invariance_gap(scm, environments, y="Y", f=f, divergence="tv")

    def test_content_is_invariant_accurate_and_overlaps(self) -> None:
        for environments in (None, SOFT):
            found = self.gap("C", environments)
            assert found.worst == 0
            assert found.smallest_overlap == pytest.approx(1)
            assert found.pooled_accuracy == pytest.approx(1)

    @pytest.mark.parametrize("f", [("C", "S"), "X"], ids=["separate", "identity"])
    def test_what_keeps_style_beside_content_is_vacuously_invariant(self, f: Any) -> None:
        hard = self.gap(f)
        assert hard.worst == 0
        assert hard.smallest_overlap == 0
        assert np.isnan(hard.mean[0, 1])
        assert not hard.common_support[0, 1].any()
        assert hard.accuracy == pytest.approx([1, 1])
        # Where style overlaps it is invariant in earnest: Y is a function of x.
        soft = self.gap(f, SOFT)
        assert soft.worst == 0
        assert soft.mean[0, 1] == 0
        # min(.9, .2) + min(.1, .8), whatever content is.
        assert soft.smallest_overlap == pytest.approx(0.3)

    def test_style_alone_is_invariant_and_useless(self) -> None:
        hard, soft = self.gap("S"), self.gap("S", SOFT)
        assert hard.worst == soft.worst == 0
        assert (hard.smallest_overlap, soft.smallest_overlap) == pytest.approx((0, 0.3))
        assert hard.pooled_accuracy == soft.pooled_accuracy == pytest.approx(0.5)
        assert hard.chance == soft.chance == pytest.approx(0.5)

    def test_style_that_content_causes_tells_of_content_where_nothing_cuts_it(self) -> None:
        """p(Y | S) of the model as it is against p^do(S = s)(Y | S): the arrow C -> S counts."""
        found = self.gap("S", {"seen": {}, "set to 0": {"S": 0}, "set to 1": {"S": 1}})
        # p(C = 2 | S = 0) = .5 * .2 / (.2 * .9 + .3 * .5 + .5 * .2) = 10/43; p(C = 2) = 1/2.
        assert found.pointwise[0, 1, 0] == pytest.approx(0.5 - 10 / 43)
        assert found.pointwise[1, 0, 0] == found.pointwise[0, 1, 0]

    def test_entangled_is_accurate_within_an_environment_and_not_invariant(self) -> None:
        scm = FiniteSCM({"C": [0.5, 0.5], "S": [0.5, 0.5], "F": lambda C, S: C ^ S})
        hard = invariance_gap(scm, hard_environments(scm, "S"), y="C", f="F", divergence="tv")
        assert hard.pointwise[0, 1].tolist() == [1, 1]
        assert hard.accuracy.tolist() == [1, 1]
        assert hard.pooled_accuracy == 0.5
        assert hard.information == pytest.approx(log(2))
        soft = invariance_gap(scm, SOFT, y="C", f="F", divergence="tv")
        # C = F xor S: p(C = 0 | F = 0) = p(S = 0).
        assert soft.pointwise[0, 1] == pytest.approx([0.7, 0.7])
        assert soft.smallest_overlap == pytest.approx(1)


class TestEnvironmentLaws:
    """All environments are enumerated at once."""

    @pytest.mark.parametrize("variables", [("Y",), ("X", "Y"), ("Y", "S", "Y")])
    def test_as_one_by_one(self, variables: tuple[str, ...]) -> None:
        scm = world()
        environments: list[Any] = [
            {},
            {"S": 0},
            {"C": [0.1, 0.0, 0.9]},
            {"S": Table("Y", [[0.3, 0.7], [0.6, 0.4]]), "C": 2},
            {"Y": Table("S", [[0.3, 0.7], [0.6, 0.4]])},
        ]
        laws = environment_laws(scm, environments, *variables)
        for law, environment in zip(laws, environments, strict=True):
            assert law == pytest.approx(scm.do(**environment).joint(*variables), abs=1e-15)

    def test_of_variables_that_no_intervention_reaches(self) -> None:
        laws = environment_laws(world(), hard_environments(world(), "S"), "C")
        assert laws.tolist() == [[0.2, 0.3, 0.5]] * 2


class TestValues:
    def noisy(self) -> FiniteSCM:
        """f = C with a probability of error that depends on style."""
        rows = [[[0.9, 0.1], [0.6, 0.4]], [[0.2, 0.8], [0.5, 0.5]]]
        return FiniteSCM(
            {"C": [0.7, 0.3], "S": [0.5, 0.5], "F": Table(("C", "S"), rows), "Y": lambda C: C}
        )

    def test_by_hand(self) -> None:
        scm = self.noisy()
        found = invariance_gap(scm, hard_environments(scm, "S"), y="Y", f="F", divergence="tv")
        # p_s(C = 1 | F = 0): .3 * .2 / (.7 * .9 + .3 * .2) and .3 * .5 / (.7 * .6 + .3 * .5).
        first, second = 6 / 69, 15 / 57
        assert found.pointwise[0, 1, 0] == pytest.approx(second - first)
        assert found.pointwise[0, 0].tolist() == [0, 0]
        # p_s(F = 0) = .69 and .57.
        assert found.overlap[0, 1] == pytest.approx(0.57 + 0.31)
        weighted = 0.57 * (second - first) + 0.31 * abs(24 / 31 - 15 / 43)
        assert found.mean[0, 1] == pytest.approx(weighted / 0.88)
        # The larger of the two contents at each value of F, in turn for s = 0, 1.
        assert found.accuracy == pytest.approx([0.63 + 0.24, 0.42 + 0.28])

    def test_the_direction_of_kl(self) -> None:
        scm = self.noisy()
        found = invariance_gap(scm, hard_environments(scm, "S"), y="Y", f="F", divergence="kl")
        p, q = np.array([63, 6]) / 69, np.array([42, 15]) / 57
        assert found.pointwise[0, 1, 0] == pytest.approx((p * np.log(p / q)).sum())
        assert found.pointwise[1, 0, 0] == pytest.approx((q * np.log(q / p)).sum())

    @pytest.mark.parametrize("weights", [None, [0.2, 0.8], [0.0, 1.0]])
    def test_information_is_that_of_a_model_with_the_environment_in_it(
        self, weights: list[float] | None
    ) -> None:
        """I(Y; E | F) by its definition, with E a variable that style copies."""
        law = weights or [0.5, 0.5]
        scm = self.noisy()
        inside = FiniteSCM({**scm.mechanisms, "E": law, "S": lambda E: E})
        p = inside.joint("F", "E", "Y")
        seen = p > 0
        ratio = p * p.sum((1, 2), keepdims=True)
        ratio[seen] /= (p.sum(1, keepdims=True) * p.sum(2, keepdims=True))[seen]
        expected = (p[seen] * np.log(ratio[seen])).sum()
        found = invariance_gap(
            scm, hard_environments(scm, "S"), y="Y", f="F", weights=weights
        ).information
        assert found == pytest.approx(expected, abs=1e-15)
        assert (found > 1e-3) == (weights != [0.0, 1.0])

    def test_fractions_give_the_same_numbers(self) -> None:
        exact = FiniteSCM(
            {
                "C": [Fraction(7, 10), Fraction(3, 10)],
                "S": [Fraction(1, 3), Fraction(2, 3)],
                "F": Table(("C", "S"), [[[0, 1], [1, 0]], [[Fraction(1, 3), Fraction(2, 3)]] * 2]),
            }
        )
        floats = FiniteSCM(
            {n: Table(t.parents, t.as_floats()) for n, t in exact.mechanisms.items()}
        )
        law = environment_laws(exact, {"seen": {}, **hard_environments(exact, "S")}, "F", "F", "C")
        assert all(isinstance(number, Fraction) for number in law.flat)
        assert law.sum((1, 2, 3)).tolist() == [1, 1, 1]
        for name in F_DIVERGENCES:
            one, other = (
                invariance_gap(scm, hard_environments(scm, "S"), y="C", f="F", divergence=name)
                for scm in (exact, floats)
            )
            assert one.pointwise == pytest.approx(other.pointwise, abs=ROUNDING)
            assert one.overlap == pytest.approx(other.overlap, abs=ROUNDING)
            assert one.information == pytest.approx(other.information, abs=ROUNDING)


class TestProbabilityZero:
    def given_f(self, first: list[float], second: list[float], divergence: str) -> np.ndarray:
        """Pointwise gaps of p_0(Y | F = 0) = first, p_1(Y | F = 0) = second."""
        scm = FiniteSCM({"S": [0.5, 0.5], "Y": Table(("S",), [first, second]), "F": lambda: 0})
        found = invariance_gap(
            scm, hard_environments(scm, "S"), y="Y", f="F", divergence=divergence
        )
        return found.pointwise[..., 0]

    @pytest.mark.parametrize("divergence", F_DIVERGENCES)
    def test_a_label_that_both_exclude_adds_nothing(self, divergence: str) -> None:
        with_it = self.given_f([0.3, 0.7, 0.0], [0.6, 0.4, 0.0], divergence)
        assert np.array_equal(with_it, self.given_f([0.3, 0.7], [0.6, 0.4], divergence))

    @pytest.mark.parametrize("divergence", ["kl", "chi2"])
    def test_a_label_that_only_the_second_excludes_is_infinite(self, divergence: str) -> None:
        gaps = self.given_f([0.5, 0.5], [1.0, 0.0], divergence)
        assert gaps[0, 1] == np.inf
        assert gaps[1, 0] == pytest.approx(log(2) if divergence == "kl" else 1)

    @pytest.mark.parametrize("divergence", ["js", "tv", "hellinger2"])
    def test_the_others_are_bounded(self, divergence: str) -> None:
        gaps = self.given_f([1.0, 0.0], [0.0, 1.0], divergence)
        assert gaps[0, 1] == gaps[1, 0] == pytest.approx(log(2) if divergence == "js" else 1)

    def test_values_of_f_that_one_environment_excludes_do_not_count(self) -> None:
        """F = 0 is common; at F = 1 and F = 2 nothing is compared."""
        f = Table(("S",), [[0.4, 0.6, 0.0], [0.5, 0.0, 0.5]])
        y = Table(("F", "S"), [[[0.5, 0.5]] * 2, [[1, 0], [0, 1]], [[1, 0], [0, 1]]])
        scm = FiniteSCM({"S": [0.5, 0.5], "F": f, "Y": y})
        found = invariance_gap(scm, hard_environments(scm, "S"), y="Y", f="F")
        assert found.common_support[0, 1].tolist() == [True, False, False]
        assert np.isnan(found.pointwise[0, 1]).tolist() == [False, True, True]
        assert found.worst == found.mean[0, 1] == found.information == 0
        assert found.overlap[0, 1] == pytest.approx(0.4)


class TestDegenerateButLegal:
    def test_one_environment(self) -> None:
        found = invariance_gap(world(), [{"S": 0}], y="Y", f="S")
        assert found.worst == found.information == 0
        assert found.overlap.tolist() == [[1]]
        assert found.environments == ("0",)

    def test_one_class(self) -> None:
        scm = world(Y=lambda C: 0)
        found = invariance_gap(scm, hard_environments(scm, "S"), y="Y", f="S")
        assert found.worst == found.information == 0
        assert found.pooled_accuracy == found.chance == pytest.approx(1)

    def test_a_label_that_f_holds(self) -> None:
        found = invariance_gap(world(), SOFT, y="S", f=("S", "C"))
        assert found.worst == 0
        assert found.pooled_accuracy == pytest.approx(1)


def test_the_text_never_shows_a_gap_without_its_overlap() -> None:
    text = str(invariance_gap(world(), SOFT, y="Y", f="S", divergence="js"))
    assert text.startswith("js gap 0 at worst, on an overlap of 0.3; I(Y; E | S) = 0 nats")
    assert text.endswith("accuracy 0.5 (chance 0.5)")


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_laws_of_random_models(seed: int) -> None:
    """Ranges, symmetries and the chain rule hold whatever the tables."""
    rng = np.random.default_rng(seed)
    scm = FiniteSCM(
        {
            "S": rng.dirichlet(np.ones(3)),
            "C": rng.dirichlet(np.ones(3)),
            "F": Table(("C", "S"), rng.dirichlet(np.full(4, 0.3), size=(3, 3))),
            "Y": Table(("C", "F"), rng.dirichlet(np.full(3, 0.3), size=(3, 4))),
        }
    )
    environments = hard_environments(scm, "S")
    found = invariance_gap(scm, environments, y="Y", f="F", divergence="js")
    assert (found.pointwise[found.common_support] >= -ROUNDING).all()
    assert found.pointwise == pytest.approx(found.pointwise.swapaxes(0, 1), abs=1e-9, nan_ok=True)
    assert found.overlap == pytest.approx(found.overlap.T)
    assert (found.overlap <= 1 + ROUNDING).all()
    assert found.chance <= found.pooled_accuracy + ROUNDING
    assert found.pooled_accuracy <= found.accuracy.mean() + ROUNDING
    assert -ROUNDING <= found.information <= log(3) + ROUNDING
    # Other names for the values of F and Y: the same gaps, at the values' new places.
    order, tables = rng.permutation(4), scm.mechanisms
    renamed = FiniteSCM(
        {
            **tables,
            "F": Table(("C", "S"), tables["F"].probabilities[..., order]),
            "Y": Table(("C", "F"), tables["Y"].probabilities[:, order, ::-1]),
        }
    )
    again = invariance_gap(renamed, environments, y="Y", f="F", divergence="js")
    assert again.pointwise == pytest.approx(found.pointwise[..., order], abs=1e-12, nan_ok=True)
    assert again.information == pytest.approx(found.information, abs=1e-12)
    # I(Y, F; E) = I(F; E) + I(Y; E | F), the first two with a constant in place of f.
    law, uniform = environment_laws(scm, environments, "F", "Y"), np.full(3, 1 / 3)
    both = information(law.reshape(3, 1, -1), uniform)
    f_alone = information(law.sum(-1)[:, None], uniform)
    assert both == pytest.approx(f_alone + found.information, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"environments": []}, "no environments are given"),
        ({"environments": {"a": {"S": 5}}}, "'S' has values 0 to 1"),
        ({"weights": [0.5, 0.6]}, r"\[0.5, 0.6\] are no law over the 2 environments"),
        ({"weights": [1.0]}, "give 2 probabilities"),
        ({"weights": [1.5, -0.5]}, "are no law"),
        ({"weights": [np.nan, 1.0]}, "are no law"),
        ({"divergence": "hellinger"}, "did you mean 'hellinger2'"),
        ({"y": "label"}, "unknown variable 'label'"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        invariance_gap(world(), **{"environments": SOFT, "y": "Y", "f": "X", **options})


def test_hard_environments_of_an_unknown_variable() -> None:
    with pytest.raises(InputError, match="unknown variable 'style'"):
        hard_environments(world(), "style")
