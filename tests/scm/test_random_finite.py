"""Random finite models are what their names say, and the same in floats and in fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal_ssl.errors import InputError
from causal_ssl.partitions import Partition
from causal_ssl.scm import FiniteSCM, Table
from causal_ssl.scm.finite_invariance import environment_laws
from causal_ssl.scm.random_finite import (
    GRID,
    partition_table,
    random_coarsening,
    random_environments,
    random_partition,
    random_representation,
    random_table,
    random_unrefined,
    random_world,
    read_off,
)

SEEDS = st.integers(0, 2**32 - 1)
quickly = settings(max_examples=40, deadline=None, derandomize=True)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestTables:
    @given(seed=SEEDS, k=st.integers(1, 6), p_zero=st.sampled_from([0.0, 0.3, 1.0]))
    @quickly
    def test_probabilities_are_zero_or_at_least_a_millionth(
        self, seed: int, k: int, p_zero: float
    ) -> None:
        exact = random_table(rng(seed), ["A"], (5, k), p_zero=p_zero, exact=True).probabilities
        assert (exact.sum(-1) == 1).all()
        assert all(p == 0 or p >= Fraction(1, GRID) for p in exact.flat)
        assert all((p * GRID).denominator == 1 for p in exact.flat)
        if p_zero == 0:
            assert (exact > 0).all()
        if p_zero == 1:
            assert ((exact == 1).sum(-1) == 1).all()
        floats = random_table(rng(seed), ["A"], (5, k), p_zero=p_zero).probabilities
        assert np.array_equal(floats, exact.astype(float))

    def test_the_share_of_zeros(self) -> None:
        p = random_table(rng(), ["A"], (5000, 4), p_zero=0.2).probabilities
        # One of four entries is kept for certain: 0.2 * 3/4. Binomial, 5 standard errors of 20000
        # entries; those in one row are negatively correlated.
        assert abs((p == 0).mean() - 0.15) < 5 * (0.15 * 0.85 / 20_000) ** 0.5

    def test_a_partition_as_a_variable(self) -> None:
        scm = FiniteSCM({"C": [0.2, 0.3, 0.5], "Y": partition_table(Partition([0, 1, 0]), "C")})
        assert scm.joint("Y").tolist() == [0.7, 0.3]


class TestWorlds:
    @pytest.mark.parametrize("exact", [False, True])
    @given(seed=SEEDS)
    @quickly
    def test_injective_mixing_loses_nothing(self, exact: bool, seed: int) -> None:
        scm = random_world(rng(seed), exact=exact)
        assert scm.exact == exact
        again = scm.extend(content=read_off(scm, lambda c, s: c), style=read_off(scm, _second))
        law = again.joint("C", "S", "content", "style")
        c, s = np.indices(law.shape[:2])
        assert (law.sum((2, 3)) == law[c, s, c, s]).all()

    def test_an_observation_that_never_occurs_does_no_harm(self) -> None:
        scm = FiniteSCM({"C": [0.5, 0.5], "X": lambda C: 2 * C + 1})
        law = scm.extend(F=read_off(scm, lambda c: c)).joint("C", "F")
        assert law.tolist() == [[0.5, 0], [0, 0.5]]

    def test_merging_and_noisy_mixing_do(self) -> None:
        for seed in range(20):
            merging = random_world(rng(seed), mixing="merging").mechanisms["X"]
            assert merging.deterministic
            assert merging.size < merging.probabilities[..., 0].size
            assert not random_world(rng(seed), mixing="noisy").mechanisms["X"].deterministic
        with pytest.raises(InputError, match="injective"):
            read_off(random_world(rng(), mixing="merging"), max)
        with pytest.raises(InputError, match="injective"):
            read_off(random_world(rng(), mixing="noisy"), max)

    def test_content_causes_style_in_half_the_models_or_as_asked(self) -> None:
        n = 400
        count = sum(random_world(rng(seed)).graph.has_edge("C", "S") for seed in range(n))
        assert abs(count - n / 2) < 5 * n**0.5 / 2
        for causes in (True, False):
            scm = random_world(rng(1), content_causes_style=causes)
            assert scm.graph.has_edge("C", "S") == causes


class TestRepresentations:
    def test_kinds(self) -> None:
        for seed in range(20):
            scm = random_world(rng(seed))
            deterministic = random_representation(rng(seed), scm, kind="deterministic")
            stochastic = random_representation(rng(seed), scm, kind="stochastic")
            assert deterministic.deterministic
            assert not stochastic.deterministic
            assert deterministic.parents == stochastic.parents == ("X",)

    def test_entangled_is_a_sum_modulo_the_number_of_contents(self) -> None:
        scm = random_world(rng(2))
        scm = scm.extend(F=random_representation(rng(), scm, kind="entangled"))
        law, k = scm.joint("C", "S", "F"), scm.domains["C"]
        for c, s, f in np.argwhere(law):
            assert f == (c + s) % k
        assert scm.domains["F"] == k


class TestEnvironments:
    def test_hard_ones_have_no_style_in_common(self) -> None:
        scm = random_world(rng(3))
        environments = random_environments(rng(), scm, kind="hard")
        laws = environment_laws(scm, environments, "S")
        assert np.array_equal(laws, np.eye(scm.domains["S"]))

    @pytest.mark.parametrize("exact", [False, True])
    def test_soft_ones_overlap_and_may_depend_on_content(self, exact: bool) -> None:
        depends = 0
        for seed in range(40):
            scm = random_world(rng(seed), exact=exact)
            environments = random_environments(rng(seed), scm, kind="soft", exact=exact)
            assert (environment_laws(scm, environments, "S") > 0).all()
            laws = [law for e in environments.values() for law in e.values()]
            depends += sum(isinstance(law, Table) and law.parents == ("C",) for law in laws)
        # Of 80 to 120 laws one in two.
        assert 20 < depends < 100

    def test_mixed_ones_include_the_model_as_it_is(self) -> None:
        scm = random_world(rng(4))
        environments = random_environments(rng(), scm, kind="mixed")
        assert environments["as it is"] == {}
        assert {"do(S=0)", "do(S=1)", "soft 0", "soft 1"} <= set(environments)


class TestPartitions:
    @given(seed=SEEDS, n=st.integers(2, 12))
    @quickly
    def test_coarsenings_are_refined_and_others_are_not(self, seed: int, n: int) -> None:
        draw = rng(seed)
        n_classes = int(draw.integers(1, n + 1))
        proxy = random_partition(draw, n, n_classes)
        assert proxy.n_classes == n_classes
        coarse = random_coarsening(draw, proxy)
        assert proxy.refines(coarse)
        assert min(2, n_classes) <= coarse.n_classes <= max(2, n_classes - 1)
        if n_classes < n:
            assert not proxy.refines(random_unrefined(draw, proxy))

    def test_the_finest_partition_refines_everything(self) -> None:
        with pytest.raises(InputError, match="refines every task"):
            random_unrefined(rng(), Partition.finest(4))


def test_the_generator_decides() -> None:
    one, two, other = (random_world(rng(seed)).mechanisms for seed in (5, 5, 6))
    for name in "CSX":
        assert np.array_equal(one[name].probabilities, two[name].probabilities)
    assert not np.array_equal(one["C"].probabilities, other["C"].probabilities)


def test_unknown_names_are_refused() -> None:
    scm = random_world(rng())
    with pytest.raises(InputError, match=r"unknown mixing 'injektive'.*'injective'"):
        random_world(rng(), mixing="injektive")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unknown kind of representation 'linear'"):
        random_representation(rng(), scm, kind="linear")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unknown kind of environments 'sharp'"):
        random_environments(rng(), scm, kind="sharp")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="n_classes must be at least 1 and at most 3, got 4"):
        random_partition(rng(), 3, 4)


def _second(_: int, style: int) -> int:
    return style
