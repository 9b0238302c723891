"""Observational and causal partitions: exact laws, the refinement between them, its exception."""

from fractions import Fraction
from itertools import product
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from causal_ssl.errors import InputError
from causal_ssl.partitions import Partition
from causal_ssl.scm.coarsening import (
    cancelling_model,
    causal_partition,
    observational_partition,
)
from causal_ssl.scm.finite import FiniteSCM, Table
from causal_ssl.scm.random_coarsening import coarsening_checks, confounded_model

HALF = Fraction(1, 2)


def exact(rows: Any) -> np.ndarray:
    """Nested lists of numbers or strings such as "1/3" as fractions."""
    array = np.array(rows, dtype=object)
    return np.vectorize(Fraction, otypes=[object])(array)


@st.composite
def prescriptions(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `confounded_model`."""
    n = draw(st.integers(1, 6))
    partitions = st.lists(st.integers(0, n - 1), min_size=n, max_size=n).map(Partition)
    causal = draw(partitions)
    return {
        "causal": causal,
        "mechanism": causal.meet(draw(partitions)),
        "confounding": draw(partitions),
        "n_hidden": draw(st.integers(1, 3)),
        "n_targets": draw(st.integers(2, 3)),
        "seed": draw(st.integers(0, 2**32)),
    }


# -- the laws behind the partitions ---------------------------------------------------------------


def together(laws: list[tuple[Fraction, ...]]) -> set[tuple[int, int]]:
    return {(i, j) for i, j in product(range(len(laws)), repeat=2) if laws[i] == laws[j]}


def pairs_of(partition: Partition) -> set[tuple[int, int]]:
    return together([(Fraction(int(label)),) for label in partition.labels])


@given(prescriptions())
@settings(max_examples=40, deadline=None)
def test_equal_laws_by_the_sums_over_the_confounder(arguments: dict[str, Any]) -> None:
    # Bayes' rule for seeing, the adjustment formula for doing, written out.
    scm = confounded_model(**arguments)
    h, i_h, t_ih = (scm.mechanisms[name].probabilities for name in "HIT")
    seen, done = [], []
    for i in range(i_h.shape[1]):
        joint = [h[a] * i_h[a, i] for a in range(len(h))]
        targets = range(t_ih.shape[2])
        seen.append(
            tuple(sum(p * t_ih[i, a, t] for a, p in enumerate(joint)) / sum(joint) for t in targets)
        )
        done.append(tuple(sum(h[a] * t_ih[i, a, t] for a in range(len(h))) for t in targets))
    assert pairs_of(observational_partition(scm)) == together(seen)
    assert pairs_of(causal_partition(scm)) == together(done)


def test_laws_that_differ_in_the_thirtieth_digit_differ() -> None:
    first = [HALF, HALF + Fraction(1, 10**30), HALF]
    scm = FiniteSCM(
        {
            "I": exact(["1/3"] * 3),
            "T": Table(("I",), exact([[1 - p, p] for p in first])),
        }
    )
    assert observational_partition(scm) == causal_partition(scm) == Partition([0, 1, 0])


def test_variables_may_have_other_names_and_others_between_them() -> None:
    # Picture -> Retina -> Act: what the retina merges, both partitions merge.
    scm = FiniteSCM(
        {
            "Picture": exact(["1/4"] * 4),
            "Retina": lambda Picture: Picture // 2,
            "Act": Table(("Retina",), exact([["1/3", "2/3"], ["2/3", "1/3"]])),
        }
    )
    for partition in (observational_partition, causal_partition):
        assert partition(scm, image="Picture", target="Act") == Partition([0, 0, 1, 1])


def test_an_image_caused_by_the_behaviour_tells_of_it_and_does_nothing() -> None:
    scm = FiniteSCM({"T": [HALF, HALF], "I": Table(("T",), exact([["1/3", "2/3"], [1, 0]]))})
    assert observational_partition(scm) == Partition.finest(2)
    assert causal_partition(scm) == Partition.trivial(2)


def test_confounding_sets_images_of_one_causal_class_apart() -> None:
    # Images 0 and 1 have one mechanism; image 1 is a sign of H = 1, under which T is likelier:
    # 3/4 * 1/5 + 1/4 * 4/5 = 7/20 against 1/4 * 1/5 + 3/4 * 4/5 = 13/20; each does 1/2. Image 2 is
    # no sign of either, and does 1/10 or 3/10 by H: 1/5.
    scm = FiniteSCM(
        {
            "H": [HALF, HALF],
            "I": Table(("H",), exact([["3/8", "1/8", "1/2"], ["1/8", "3/8", "1/2"]])),
            "T": Table(
                ("I", "H"),
                exact(
                    [[["4/5", "1/5"], ["1/5", "4/5"]]] * 2 + [[["9/10", "1/10"], ["7/10", "3/10"]]]
                ),
            ),
        }
    )
    seen = scm.conditional("T", given="I")[:, 1].tolist()
    assert seen == [Fraction(7, 20), Fraction(13, 20), Fraction(1, 5)]
    assert causal_partition(scm) == Partition([0, 0, 1])
    assert observational_partition(scm) == Partition.finest(3)


# -- the theorem ----------------------------------------------------------------------------------


@given(prescriptions())
@settings(max_examples=100, deadline=None)
def test_random_models_have_the_partitions_prescribed_and_one_refines_the_other(
    arguments: dict[str, Any],
) -> None:
    # Fails with probability below 1e-5 by coincidence: 100 models, 15 pairs, a few in 10^9 each.
    scm = confounded_model(**arguments)
    causal, mechanism, confounding = (arguments[k] for k in ("causal", "mechanism", "confounding"))
    confounded = confounding.n_classes > 1 and arguments["n_hidden"] > 1
    assert causal_partition(scm) == causal
    assert observational_partition(scm) == (mechanism.meet(confounding) if confounded else causal)
    assert observational_partition(scm).refines(causal_partition(scm))


@given(prescriptions())
@settings(max_examples=20, deadline=None)
def test_random_models_tell_what_they_promise_of_their_tables(arguments: dict[str, Any]) -> None:
    scm = confounded_model(**arguments)
    assert scm.exact
    assert all((table.probabilities > 0).all() for table in scm.mechanisms.values())
    rows = scm.mechanisms["T"].probabilities
    of_hidden = scm.conditional("H", given="I")
    for i, j in pairs_of(arguments["mechanism"]):
        assert (rows[i] == rows[j]).all()
    for i, j in pairs_of(arguments["confounding"]):
        assert (of_hidden[i] == of_hidden[j]).all()


def test_the_default_prescription_reads_the_causal_class_alone_and_confounds_every_image() -> None:
    causal = Partition([0, 0, 1, 1])
    scm = confounded_model(causal, seed=3)
    explicit = {"mechanism": causal, "confounding": Partition.finest(4)}
    same = confounded_model(causal, **explicit, seed=3)
    for name in "HIT":
        ours, theirs = (model.mechanisms[name].probabilities for model in (scm, same))
        assert (ours == theirs).all()
    other = confounded_model(causal, seed=4).mechanisms["H"].probabilities
    assert (scm.mechanisms["H"].probabilities != other).all()


def test_three_hundred_models_refine_and_none_of_the_check_is_trivial() -> None:
    checks = coarsening_checks(300, seed=0)
    assert len(checks) == 300
    assert checks["as_prescribed"].all()
    assert checks["refines"].all()
    assert (checks["causal_classes"] > 1).all()
    assert (checks["causal_classes"] < checks["images"]).all()
    # Neither partition follows from the other, and the observational one is not just singletons.
    finer, coarse = checks["strictly_finer"], checks["observational_classes"] < checks["images"]
    for kind in (finer & coarse, finer & ~coarse, ~finer & coarse):
        assert kind.sum() >= 15
    assert coarsening_checks(5, seed=0).equals(checks.head(5))


# -- and its exception ----------------------------------------------------------------------------


def test_cancelled_effects_break_the_refinement() -> None:
    scm = cancelling_model()
    assert causal_partition(scm) == Partition.finest(2)
    assert observational_partition(scm) == Partition.trivial(2)
    assert not observational_partition(scm).refines(causal_partition(scm))


nudges = st.fractions(Fraction(-2, 5), Fraction(3, 5)).filter(lambda nudge: nudge != 0)


@given(nudges)
@settings(deadline=None)
def test_every_nudge_restores_it(nudge: Fraction) -> None:
    scm = cancelling_model(nudge)
    assert scm.conditional("T", given="I")[1, 1] == HALF + Fraction(3, 4) * nudge
    assert observational_partition(scm).refines(causal_partition(scm))


def test_at_one_nudge_effects_are_equal_and_seeing_is_strictly_finer() -> None:
    scm = cancelling_model(Fraction(-1, 5))
    assert causal_partition(scm) == Partition.trivial(2)
    assert observational_partition(scm) == Partition.finest(2)


@given(prescriptions())
@settings(max_examples=40, deadline=None)
def test_every_confounded_model_is_next_to_an_exception(arguments: dict[str, Any]) -> None:
    # Let image 1 do, whatever H, what is seen with image 0: they then look alike, and what image 0
    # does is something else wherever it is confounded.
    arguments |= {"causal": Partition.finest(2), "mechanism": None, "n_hidden": 3}
    arguments["confounding"] = Partition.finest(2)
    scm = confounded_model(**arguments)
    rows = scm.mechanisms["T"].probabilities.copy()
    rows[1] = scm.conditional("T", given="I")[0]
    spoiled = scm.do(T=Table(("I", "H"), rows))
    assert observational_partition(spoiled) == Partition.trivial(2)
    assert causal_partition(spoiled) == Partition.finest(2)


# -- refusals -------------------------------------------------------------------------------------


def test_floats_are_refused() -> None:
    scm = FiniteSCM({"I": [0.5, 0.5], "T": Table(("I",), [[0.1, 0.9], [0.9, 0.1]])})
    for partition in (observational_partition, causal_partition):
        with pytest.raises(InputError, match=r"tables are in floats.*fractions\.Fraction"):
            partition(scm)


def test_an_image_never_seen_has_an_effect_but_no_observational_class() -> None:
    scm = FiniteSCM(
        {"I": exact([1, 0]), "T": Table(("I",), exact([["1/2", "1/2"], ["1/3", "2/3"]]))}
    )
    assert causal_partition(scm) == Partition.finest(2)
    with pytest.raises(InputError, match="I = 1 has probability 0"):
        observational_partition(scm)


def test_an_unknown_variable_is_named() -> None:
    for partition in (observational_partition, causal_partition):
        with pytest.raises(InputError, match="'Image'"):
            partition(cancelling_model(), image="Image")
        with pytest.raises(InputError, match="'Target'"):
            partition(cancelling_model(), target="Target")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mechanism": Partition([0, 0, 0])}, "not a refinement: samples 0 and 2"),
        ({"mechanism": Partition([0, 0])}, "3"),
        ({"confounding": Partition([0, 0])}, "partition of 2 images and causal of 3"),
        ({"n_hidden": 0}, "n_hidden must be at least 1, got 0"),
        ({"n_targets": 1}, "n_targets must be at least 2, got 1"),
    ],
)
def test_impossible_prescriptions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        confounded_model(Partition([0, 0, 1]), **change, seed=0)


def test_no_models_are_refused() -> None:
    with pytest.raises(InputError, match="n_models must be at least 1, got 0"):
        coarsening_checks(0, seed=0)


def test_a_nudge_that_leaves_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match="negative"):
        cancelling_model(Fraction(2, 3))
