"""Gaps on samples: exact truth, the bound, the brackets, the controls, units and refusals."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from causal_ssl.analysis._invariance_gap import pointwise_held_out, pointwise_plug_in
from causal_ssl.analysis._invariance_samples import deal
from causal_ssl.analysis.invariance import CrossFit, cross_fit, invariance, pairwise_gaps
from causal_ssl.analysis.probes import PROBES
from causal_ssl.errors import InputError
from causal_ssl.scm.finite import FiniteSCM
from causal_ssl.scm.finite_invariance import invariance_gap
from causal_ssl.scm.tables import Table

LOG_2 = np.log(2)


def noisy_xor(n, seed=0, flips=0.1):
    """Y = C with `flips`, f = C xor S, hard do(S = 0) and do(S = 1): I(Y; E | f) is known."""
    random = np.random.default_rng(seed)
    c, s = random.integers(2, size=n), np.arange(n) % 2
    y = c ^ (random.random(n) < flips)
    return {"representation": (c ^ s)[:, None].astype(float), "y": y, "environment": s}


def soft_world(n, seed=0, *, means=(-1.5, 0.0, 1.5), n_content=3):
    """Content N(0, I), style N(mean_e, 1), a class for each orthant of content; the controls."""
    random = np.random.default_rng(seed)
    e = np.repeat(np.arange(len(means)), n)
    c, s = random.normal(size=(len(e), n_content)), random.normal(size=(len(e), 2))
    s[:, 0] += np.array(means)[e]
    mixing = np.random.default_rng(1).normal(size=(n_content + 2,) * 2)
    representations = {
        "oracle": c,
        "style_only": s,
        "separate": np.c_[c, s],
        "entangled": c * np.sign(s[:, :1]),
        "identity": np.tanh(0.3 * np.c_[c, s] @ mixing),
    }
    return representations, (c > 0) @ 2 ** np.arange(n_content), e


def random_fit(seed, *, n=30, n_environments=3, n_classes=6):
    """Any predictions at all, rather than those of a probe."""
    random = np.random.default_rng(seed)
    within = random.dirichlet(np.full(n_classes, 0.3), size=(n, n_environments)) + 1e-9
    return CrossFit(
        probe="logistic",
        labels=random.integers(n_classes, size=n),
        classes=tuple(range(n_classes)),
        environment=np.arange(n) % n_environments,
        environments=tuple(range(n_environments)),
        unit=np.arange(n),
        within=within / within.sum(axis=2, keepdims=True),
        posterior=random.dirichlet(np.ones(n_environments), size=n),
    )


# -- truth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", ["empirical", "logistic"])
def test_a_gap_known_exactly_lies_in_the_bracket(probe):
    # Given f and e, Y is a bit of entropy h(.1); given f alone a fair one.
    truth = LOG_2 + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
    gap = invariance(**noisy_xor(4000), probe=probe).finest.gap
    # The log ratio is log 1.8 or log .2: deviation .66, so .0104 on the mean of 4000.
    assert gap.standard_error == pytest.approx(0.0104, rel=0.1)
    assert gap.low < truth < gap.high
    # Biases are 2 parameters' worth, 2 / 8000, and the smoothing's.
    assert gap.plug_in == pytest.approx(truth, abs=4 * 0.0104)
    assert gap.held_out == pytest.approx(truth, abs=4 * 0.0104)


def test_without_noise_the_gap_is_log_2_short_of_the_smoothing():
    gap = invariance(**noisy_xor(4000, flips=0.0), probe="empirical").finest.gap
    # 3200 fit points, a quarter of them in each cell of (f, e).
    assert LOG_2 - np.log(800) / 800 < gap.plug_in <= gap.limit
    assert LOG_2 - 1 / 800 < gap.held_out < LOG_2
    assert gap.limit == pytest.approx(LOG_2)


def test_an_additive_term_for_the_environment_would_see_nothing_of_it():
    # log-odds = a + b f + c e fits best with b = c = 0 here; fits per environment see all of it.
    data = noisy_xor(4000, flips=0.0)
    both = np.c_[data["representation"], data["environment"]]
    additive = cross_fit(both, data["y"], np.zeros(4000))
    # Held-out gain over chance: 3 parameters on 4000 points, about -3 / 8000 of noise.
    gain = np.log(additive.own[np.arange(4000), additive.labels]).mean() + LOG_2
    assert abs(gain) < 0.003
    assert invariance(**data).finest.gap.held_out > 0.65


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_random_finite_model_is_measured_as_it_is(strength):
    random = np.random.default_rng(3)
    base, own = random.normal(size=(5, 4)), random.normal(size=(3, 5, 4))
    odds = np.exp(base + strength * own)
    label = odds / odds.sum(-1, keepdims=True)
    scm = FiniteSCM({"S": [1 / 3] * 3, "F": random.dirichlet(np.full(5, 2.0))})
    scm = scm.extend(Y=Table(("S", "F"), label))
    environments = [{"S": s} for s in range(3)]
    exact = invariance_gap(scm, environments, y="Y", f="F")
    drawn = [scm.do(S=s).sample(1500, seed=s) for s in range(3)]
    f, y = (np.concatenate([each[name] for each in drawn]) for name in "FY")
    found = invariance(f[:, None], y, np.repeat(np.arange(3), 1500), probe="empirical").finest
    gap = found.gap
    assert gap.low <= exact.information <= gap.high
    # 3 x 5 x 3 free probabilities against 5 x 3, each worth 1 / (2 n): .0033 of bias either way.
    assert gap.plug_in - gap.held_out == pytest.approx(2 * 30 / (2 * 4500 * 0.8), abs=0.01)
    assert abs(gap.plug_in - exact.information) < 0.0042 + 4 * gap.standard_error
    # Accuracies: deviation at most .5 / sqrt(n).
    assert found.accuracy == pytest.approx(exact.pooled_accuracy, abs=4 * 0.5 / 4500**0.5)
    within = list(found.accuracy_within.values())
    assert np.allclose(within, exact.accuracy, atol=4 * 0.5 / 1500**0.5)


def test_held_out_minus_log_losses_is_nothing():
    found = invariance(**noisy_xor(400)).finest
    assert found.log_loss - found.log_loss_within == pytest.approx(found.gap.held_out, abs=1e-12)


# -- the bound -------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), n_coarse=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_a_coarser_task_never_has_the_larger_plug_in_gap(seed, n_coarse):
    fitted = random_fit(seed)
    mapping = np.random.default_rng(seed).integers(n_coarse, size=6)
    coarse = fitted.coarsened(mapping)
    excess = pointwise_plug_in(coarse) - pointwise_plug_in(fitted)
    assert excess.max() <= 1e-12
    sums = [fitted.pooled[:, mapping == name].sum(axis=1) for name in coarse.classes]
    assert np.allclose(coarse.pooled, np.stack(sums, axis=1), atol=1e-12)


@pytest.mark.parametrize("probe", ["logistic", "knn"])
def test_the_ladder_obeys_the_bound_and_fresh_probes_are_another_column(probe):
    representations, y, e = soft_world(400)
    found = invariance(
        representations["entangled"],
        y,
        e,
        probe=probe,
        coarsenings={
            "four": lambda c: c % 4,
            "two": np.arange(8) % 2,
            "one": dict.fromkeys(range(8), 0),
        },
        fresh=True,
    )
    gaps = [task.gap.plug_in for task in found.tasks.values()]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 0.0
    assert [task.n_classes for task in found.tasks.values()] == [8, 4, 2, 1]
    assert found.finest.fresh_gap is None
    table = found.table().set_index(["metric", "variable"])["value"]
    assert table["gap_fresh", "two"] != table["gap", "two"]
    assert ("gap_fresh", "finest") not in table.index


def test_the_finest_probes_fit_the_finest_task_alone():
    # Coarse predictions are sums, whatever the names and the order of the coarse classes.
    representations, y, e = soft_world(200)
    one = invariance(representations["oracle"], y, e, coarsenings={"t": lambda c: c > 3})
    other = invariance(representations["oracle"], y, e, coarsenings={"t": lambda c: f"not {c > 3}"})
    assert one.tasks["t"].gap == other.tasks["t"].gap


# -- controls --------------------------------------------------------------------------------


def test_controls_are_what_they_are():
    representations, y, e = soft_world(1500)
    found = {
        name: invariance(f, y, e, coarsenings={"two": lambda c: c % 2})
        for name, f in representations.items()
    }
    two = {name: each.tasks["two"] for name, each in found.items()}
    # P(s > 0) = .067, .5, .933 in turn: I(Y; E | f) = log 2 - (h(.067) + log 2 + h(.067)) / 3.
    truth = 2 / 3 * (LOG_2 + 0.0668 * np.log(0.0668) + 0.9332 * np.log(0.9332))
    # p(y | f, e) steps at f = 0: trees can follow, a logistic function sees two thirds of the gap.
    assert 0.5 * truth < two["entangled"].gap.low < two["entangled"].gap.high < truth
    trees = invariance(representations["entangled"], y % 2, e, probe="boosted_trees").finest.gap
    assert 0.5 * truth < trees.low < truth < trees.high < 1.5 * truth
    for name in ("oracle", "style_only", "separate"):
        # (E - 1) (d + 1) parameters too many, each worth 1 / (2 n): below .003; and its like.
        assert two[name].gap.plug_in < 0.01
        assert two[name].gap.low == 0.0
    assert two["oracle"].accuracy > 0.97
    # 4500 points: .5 within 4 deviations of .0075.
    assert abs(two["style_only"].accuracy - 0.5) < 0.03
    assert two["entangled"].accuracy < 0.6
    assert two["entangled"].accuracy_within[0] > 0.9
    # Overlap of N(-1.5, 1) and N(1.5, 1) is 2 Phi(-1.5) = .134; content has none to lose.
    assert found["separate"].overlap.pairwise[0, 2] == pytest.approx(0.134, abs=0.03)
    assert found["oracle"].overlap.smallest > 0.93
    assert found["entangled"].overlap.smallest > 0.93


def test_the_pairwise_matrix_names_the_intervention_that_breaks_invariance():
    representations, y, e = soft_world(600, means=(2.5, 2.5, -2.5))
    found = invariance(representations["entangled"], y % 2, e)
    table = pairwise_gaps(found.fitted)
    gap = table[table.metric == "gap"].set_index(["environment", "against"])
    assert gap.index.tolist() == [(0, 1), (0, 2), (1, 2)]
    assert gap.loc[(0, 1), "low"] == 0.0
    assert gap.loc[(0, 1), "value"] < 0.02
    assert gap.loc[[(0, 2), (1, 2)], "low"].min() > 0.4
    # Two environments alone: what a fit to these two would have given, up to their folds.
    two = e != 1
    alone = invariance(representations["entangled"][two], y[two] % 2, e[two]).finest.gap
    assert alone.plug_in == pytest.approx(gap.loc[(0, 2), "value"], abs=0.03)


# -- degenerate but legal ------------------------------------------------------------------------


@pytest.mark.parametrize("probe", ["logistic", "knn", "empirical"])
def test_one_environment_or_one_class_has_gap_0_exactly(probe):
    data = noisy_xor(100)
    for change in ({"environment": ["e"] * 100}, {"y": ["cat"] * 100}):
        found = invariance(**{**data, **change}, probe=probe)
        gap = found.finest.gap
        assert (gap.plug_in, gap.held_out, gap.low, gap.high) == (0.0, 0.0, 0.0, 0.0)
    assert found.finest.accuracy == 1.0
    alone = invariance(**{**data, "environment": [0] * 100}, probe=probe).overlap
    assert (alone.mean, alone.smallest, alone.information) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("probe", PROBES)
def test_a_collapsed_representation_overlaps_wholly_and_is_useless(probe):
    data = noisy_xor(400)
    found = invariance(np.ones((400, 3)), data["y"], data["environment"], probe=probe)
    # Two frequencies of a fair bit, each from 160 points, kNN's from 13: 1 / (8 m) on average.
    assert found.finest.gap.plug_in < 0.05
    assert found.finest.gap.low == 0.0
    # A coin's deviation is .025; which class a fold's fits prefer adds to it.
    assert abs(found.finest.accuracy - 0.5) < 0.15
    assert found.overlap.smallest > 0.7


def test_a_class_that_an_environment_lacks_is_reported():
    representations, y, e = soft_world(200)
    y = np.array(["a", "b", "c", "d", "e", "f", "g", "h"])[y]
    kept = ~((e == 1) & (y == "c"))
    found = invariance(representations["oracle"][kept], y[kept], e[kept])
    assert found.finest.missing_classes == {0: (), 1: ("c",), 2: ()}
    missing = found.table().query("metric == 'missing_classes' and variable == 'finest'")
    assert missing.set_index("environment")["value"].to_dict() == {0: 0.0, 1: 1.0, 2: 0.0}
    assert np.isfinite(found.finest.log_loss_within)


def test_labels_may_be_anything_and_rows_in_any_order():
    data = noisy_xor(300)
    named = invariance(
        torch.from_numpy(data["representation"]),
        pd.Series(data["y"]).map({0: "no", 1: "yes"}),
        np.array(["dark", "light"])[data["environment"]],
    )
    assert named.finest.gap == invariance(**data).finest.gap
    assert named.fitted.environments == ("dark", "light")
    assert named.fitted.classes == ("no", "yes")
    # Another order deals other folds: equal up to what the folds change.
    order = np.random.default_rng(0).permutation(300)
    shuffled = invariance(**{name: values[order] for name, values in data.items()})
    assert shuffled.finest.gap.plug_in == pytest.approx(named.finest.gap.plug_in, abs=0.02)


# -- units and folds -----------------------------------------------------------------------------


def test_views_of_one_unit_share_a_fold_and_count_once():
    data = noisy_xor(600)
    twice = {name: np.repeat(values, 2, axis=0) for name, values in data.items()}
    unit = np.repeat(np.arange(600), 2)
    once, doubled = invariance(**data).finest.gap, invariance(**twice, unit=unit).finest.gap
    naive = invariance(**twice).finest.gap
    # Copies bring nothing: the same error as without them; without units it is sqrt(2) too small.
    assert doubled.standard_error == pytest.approx(once.standard_error, rel=0.05)
    assert naive.standard_error == pytest.approx(once.standard_error / 2**0.5, rel=0.05)


def test_a_probe_never_sees_another_view_of_what_it_predicts():
    # Each unit has a label of its own making and a place of its own, seen in both environments:
    # whoever looks up the other view knows the label, and nobody else does.
    random = np.random.default_rng(0)
    place, label = random.normal(size=(300, 2)), random.integers(2, size=300)
    f, y = np.tile(place, (2, 1)), np.tile(label, 2)
    e, unit = np.repeat([0, 1], 300), np.tile(np.arange(300), 2)
    knowing = cross_fit(f, y, e, probe="boosted_trees")
    honest = cross_fit(f, y, e, probe="boosted_trees", unit=unit)
    other = (np.arange(600), 1 - e)
    peeked = (knowing.within[other].argmax(1) == y).mean()
    blind = (honest.within[other].argmax(1) == y).mean()
    assert peeked > 0.65
    # 300 units: 1/2 within 4 deviations of .029.
    assert abs(blind - 0.5) < 0.12


@given(
    seed=st.integers(0, 1000),
    folds=st.integers(2, 6),
    sizes=st.lists(st.integers(6, 40), min_size=1, max_size=4),
)
@settings(max_examples=50, deadline=None)
def test_folds_are_alike(seed, folds, sizes):
    e = np.repeat(np.arange(len(sizes)), sizes)
    y = np.random.default_rng(seed).integers(3, size=len(e))
    fold = deal(np.arange(len(e)), e, y, folds, seed)
    assert np.ptp(np.bincount(fold, minlength=folds)) <= 1
    for k in range(len(sizes)):
        for label in range(3):
            counts = np.bincount(fold[(e == k) & (y == label)], minlength=folds)
            assert np.ptp(counts) <= 1
    assert np.array_equal(fold, deal(np.arange(len(e)), e, y, folds, seed))


# -- tables and refusals -------------------------------------------------------------------------


def test_the_table_is_tidy():
    found = invariance(**noisy_xor(200), coarsenings={"one": [0, 0]})
    table = found.table()
    keys = ["metric", "variable", "environment", "against"]
    assert table.columns.tolist() == [*keys, "value", "low", "high", "probe"]
    assert not table.duplicated(keys).any()
    assert table["value"].notna().all()
    gap = table.set_index(keys).loc[("gap", "finest", "all", "all")]
    assert (gap["value"], gap["low"]) == (found.finest.gap.plug_in, found.finest.gap.low)
    assert set(table["variable"]) == {"finest", "one", "representation"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"probe": "logistics"}, "did you mean 'logistic'"),
        ({"representation": np.full((20, 1), np.nan)}, "representation contains NaN .* 20 of 20"),
        ({"y": np.zeros(19)}, "y has 19 labels and the representation 20 rows"),
        ({"environment": [0.0, np.nan] * 10}, "environment: sample 1 has the label nan"),
        ({"unit": np.zeros((20, 2))}, r"unit: labels have shape \(20, 2\)"),
        ({"unit": np.arange(20) // 5}, "environment 0 has 4 units and 5 folds"),
        ({"environment": [0] * 18 + [1] * 2}, "environment 1 has 2 samples and 5 folds"),
        ({"folds": 1}, "folds must be at least 2, got 1"),
        ({"level": 95}, "level is 95: expected a probability"),
        ({"coarsenings": {"finest": [0, 0]}}, "a coarsening is named 'finest'"),
        ({"coarsenings": {"t": {0: "a"}}}, "class 1"),
        ({"probe": "empirical", "representation": np.arange(20.0)}, "20 distinct values"),
    ],
)
def test_bad_input_is_named(change, said):
    with pytest.raises(InputError, match=said):
        invariance(**{**noisy_xor(20), **change})


def test_at_most_64_classes():
    f = np.random.default_rng(0).normal(size=(130, 2))
    with pytest.raises(InputError, match="y has 65 classes: the finest task on samples has at"):
        invariance(f, np.arange(130) % 65, np.arange(130) // 65)


def test_an_environment_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"environment 7 is none of \[0, 1\]"):
        cross_fit(**noisy_xor(40)).restricted([0, 7])


def test_units_that_leave_a_fold_without_an_environment_are_refused():
    # "b" has many views of two units, both also in "a", whose four units are dealt to two folds.
    unit = np.r_[np.arange(4), np.repeat([0, 1], 10)]
    environment = np.repeat(["a", "b"], [4, 20])
    data = {"representation": np.arange(24.0) % 5, "y": np.arange(24) % 2, "unit": unit}

    def outcome(seed):
        try:
            return cross_fit(**data, environment=environment, folds=2, seed=seed).within.shape
        except InputError as error:
            return str(error).split(" of 2")[0]

    # Units 0 and 2, of label 0, are dealt first, then 1 and 3: 0 and 1 share a fold half the time.
    lacking = {f"environment 'b' has no sample in fold {fold}" for fold in (0, 1)}
    found = {outcome(seed) for seed in range(20)}
    assert (24, 2, 2) in found
    assert lacking & found
    assert found <= {(24, 2, 2)} | lacking


def test_held_out_and_plug_in_are_what_they_say():
    fitted = random_fit(0, n=4)
    for i in range(4):
        q, w = fitted.within[i], fitted.posterior[i]
        pooled = w @ q
        plug_in = sum(w[e] * (q[e] * np.log(q[e] / pooled)).sum() for e in range(3))
        held_out = np.log(q[fitted.environment[i], fitted.labels[i]] / pooled[fitted.labels[i]])
        assert pointwise_plug_in(fitted)[i] == pytest.approx(plug_in)
        assert pointwise_held_out(fitted)[i] == pytest.approx(held_out)
