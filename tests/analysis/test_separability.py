"""F_LDA: against the double sum, its symmetries and lack of one, degenerate classes, refusals."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from scipy.stats import ortho_group

from causal_ssl.analysis import separability as module
from causal_ssl.analysis.plots import png
from causal_ssl.analysis.separability import FORMS, separability
from causal_ssl.analysis.separability_plot import f_lda_distributions
from causal_ssl.errors import InputError

SIZES = (2, 3, 7, 20)


def sample(seed=0, sizes=SIZES, d=5):
    """Classes about different means with different spreads, in shuffled order."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    means = random.normal(size=(len(sizes), d))
    spreads = random.uniform(0.5, 2.0, size=len(sizes))
    return means[labels] + spreads[labels, None] * random.normal(size=(len(labels), d)), labels


def double_sum(x, labels, form):
    """F_LDA from its definition, a loop over pairs."""
    classes = np.unique(labels)
    values = np.full((len(classes), len(classes)), np.nan)
    for a, k in enumerate(classes):
        own = x[labels == k].astype(np.float64)
        pairs = [
            ((u - v) ** 2).sum() for i, u in enumerate(own) for j, v in enumerate(own) if i != j
        ]
        spread = np.sum(pairs) if form == "paper" else np.mean(pairs)
        for b, other in enumerate(classes):
            if a != b:
                difference = own.mean(0) - x[labels == other].astype(np.float64).mean(0)
                values[a, b] = (difference**2).sum() / spread
    return values


def same(found, expected, rtol=1e-12):
    np.testing.assert_allclose(found, expected, rtol=rtol, equal_nan=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("block_bytes", [1, 200, 2**25], ids=["a row", "some rows", "all rows"])
def test_equals_the_double_sum_whatever_the_block(form, block_bytes, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    x, labels = sample()
    same(separability(x, labels).f_lda(form), double_sum(x, labels, form))


def test_the_two_forms_differ_by_the_number_of_ordered_pairs():
    found, sizes = separability(*sample()), np.array(SIZES)
    same(found.f_lda("size_normalised"), (sizes * (sizes - 1))[:, None] * found.f_lda("paper"))


def test_is_asymmetric():
    # Two classes of equal size, one three times as wide: its row is exactly 9 times smaller.
    base = np.random.default_rng(0).normal(size=(10, 3))
    x = np.concatenate([base, 3 * base + 5])
    labels = np.repeat(["narrow", "wide"], 10)
    for form in FORMS:
        values = separability(x, labels).f_lda(form)
        assert values[0, 1] == pytest.approx(9 * values[1, 0])


@pytest.mark.parametrize("copies", [2, 5])
def test_the_papers_form_scales_as_one_over_the_squared_size(copies):
    x, labels = sample()
    once = separability(x, labels)
    again = separability(np.tile(x, (copies, 1)), np.tile(labels, copies))
    same(again.f_lda("paper"), once.f_lda("paper") / copies**2)
    # Copies of a sample are pairs at distance 0: the mean over pairs sees them, by this much.
    n = np.array(SIZES)
    more = (copies * n - 1) / (copies * (n - 1))
    same(again.f_lda("size_normalised"), more[:, None] * once.f_lda("size_normalised"))


def test_the_size_normalised_form_has_a_chance_level_and_the_same_value_at_every_size():
    # Means of n and 4 n samples of one N(0, I_d), d = 400: the numerator is (1/n + 1/4n) chi2_d, of
    # relative deviation sqrt(2/d) = .07; the denominator's is sqrt(2/9d) = .024 or less. Four of
    # both together: .3.
    random = np.random.default_rng(0)
    for n in (10, 40, 160):
        x = random.normal(size=(5 * n, 400))
        values = separability(x, np.repeat([0, 1], [n, 4 * n])).f_lda("size_normalised")
        assert values[0, 1] == pytest.approx((1 / n + 1 / (4 * n)) / 2, rel=0.3)
    # Means 1 apart in each direction: (1 + 2/n) / 2, of deviation sqrt(8/nd) / 2 = .011 (numerator)
    # and sqrt(1/nd) / 2 = .004 (denominator) at n = 40, less above. Three of both: .04.
    for n in (40, 160, 640):
        x = random.normal(size=(2 * n, 400)) + np.repeat([0.0, 1.0], n)[:, None]
        values = separability(x, np.repeat([0, 1], n)).f_lda("size_normalised")
        assert values[0, 1] == pytest.approx((1 + 2 / n) / 2, abs=0.04)


@pytest.mark.parametrize("form", FORMS)
def test_translation_rotation_and_scale_change_nothing(form):
    x, labels = sample()
    rotation = ortho_group.rvs(x.shape[1], random_state=0)
    expected = separability(x, labels).f_lda(form)
    same(separability(-0.01 * (x @ rotation) + 3.0, labels).f_lda(form), expected, rtol=1e-10)


def test_names_of_classes_and_order_of_samples_change_nothing_but_their_place():
    x, labels = sample()
    order = np.random.default_rng(1).permutation(len(x))
    same(separability(x[order], labels[order]).f_lda(), separability(x, labels).f_lda())
    renamed = np.array(["d", "b", "a", "c"])[labels]
    found = separability(x, renamed)
    assert found.classes.tolist() == ["a", "b", "c", "d"]
    assert found.sizes.tolist() == [7, 3, 20, 2]
    place = [3, 1, 0, 2]  # of classes 0, 1, 2, 3 among the sorted names
    same(found.f_lda()[np.ix_(place, place)], separability(x, labels).f_lda())


@pytest.mark.parametrize("offset", [1e6, -1e6])
def test_a_large_offset_costs_no_digits(offset):
    # A grid of 2^-20 makes x + offset exact, so that any difference is the method's own rounding.
    x, labels = sample()
    x = np.round(x * 2**20) / 2**20
    for form in FORMS:
        same(separability(x + offset, labels).f_lda(form), separability(x, labels).f_lda(form))


def test_single_precision_is_accumulated_in_double():
    # 20,000 rows: float32 sums would lose about four digits of seven.
    random = np.random.default_rng(0)
    x = (random.normal(size=(20_000, 4)) + 100).astype(np.float32)
    labels = random.integers(3, size=len(x))
    expected = separability(x.astype(np.float64), labels).f_lda()
    same(separability(x, labels).f_lda(), expected)


@pytest.mark.parametrize(
    "convert",
    [
        torch.from_numpy,
        lambda x: torch.from_numpy(x).requires_grad_(),
        lambda x: x.tolist(),
        pd.DataFrame,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
    ],
    ids=["tensor", "with gradient", "lists", "table", "columns first", "strided"],
)
def test_takes_whatever_holds_a_matrix(convert):
    x, labels = sample()
    same(
        separability(convert(x), torch.from_numpy(labels)).f_lda(), separability(x, labels).f_lda()
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int32])
def test_takes_every_precision_at_its_own_values(dtype):
    x, labels = sample()
    tensor = (torch.from_numpy(x) * 8).to(dtype)
    expected = separability(tensor.double().numpy(), labels).f_lda()
    same(separability(tensor, labels).f_lda(), expected)


def test_does_not_write_to_what_it_is_given():
    x, labels = sample()
    x.flags.writeable = labels.flags.writeable = False
    assert np.isfinite(separability(x, labels).f_lda()[0, 1])


# -- degenerate classes ---------------------------------------------------------------------------


def test_a_class_of_one_sample_has_no_spread_to_divide_by_but_is_a_class_to_be_far_from():
    found = separability([[0.0], [1.0], [5.0]], ["pair", "pair", "single"])
    for form in FORMS:
        values = found.f_lda(form)
        assert np.isnan(values[1]).all()
        assert values[0, 1] == pytest.approx(4.5**2 / (2 if form == "paper" else 1))
    summary = found.summary().set_index(["metric", "variable"])["value"]
    assert summary["f_lda_paper", "pairs"] == 2
    assert summary["f_lda_paper", "undefined"] == 1
    assert summary["f_lda_paper", "q0.5"] == pytest.approx(4.5**2 / 2)


def test_a_class_of_equal_samples_is_infinitely_separable_even_where_its_mean_rounds():
    # Three times 0.1 sums to more than 0.3: a scatter about that mean would not be 0.
    found = separability([[0.1]] * 3 + [[2.0], [3.0]], [0, 0, 0, 1, 1])
    assert found.scatters[0] == 0
    for form in FORMS:
        assert found.f_lda(form)[0, 1] == np.inf
        assert np.isfinite(found.f_lda(form)[1, 0])
    summary = found.summary().set_index(["metric", "variable"])["value"]
    assert summary["f_lda_paper", "infinite"] == 1
    assert summary["f_lda_paper", "q0.95"] == np.inf


def test_equal_classes_without_spread_are_undefined():
    values = separability([[1.0]] * 4, [0, 0, 1, 1]).f_lda()
    assert np.isnan(values).all()


def test_one_class_has_an_empty_distribution():
    found = separability([[0.0], [1.0]], ["only", "only"])
    assert np.isnan(found.f_lda()).tolist() == [[True]]
    assert len(found.table()) == 0
    assert list(found.table()) == ["class", "other", "form", "value"]
    summary = found.summary().set_index(["metric", "variable"])["value"]
    assert summary["f_lda_size_normalised", "pairs"] == 0
    assert np.isnan(summary["f_lda_size_normalised", "q0.5"])


# -- tables and figure ----------------------------------------------------------------------------


def test_the_table_holds_every_ordered_pair_once_for_each_form():
    found = separability(*sample())
    table = found.table()
    assert len(table) == 2 * 4 * 3
    assert not table.duplicated(["class", "other", "form"]).any()
    for row in table.itertuples(index=False):
        assert row.value == found.f_lda(row.form)[row[0], row.other]


def test_the_summary_holds_observed_quantiles():
    found = separability(*sample(sizes=(5,) * 12))
    values = found.table(["paper"])["value"]
    summary = found.summary([0.0, 0.5, 1.0]).set_index(["metric", "variable"])["value"]
    assert summary["f_lda_paper", "q0"] == values.min()
    assert summary["f_lda_paper", "q1"] == values.max()
    assert (values <= summary["f_lda_paper", "q0.5"]).mean() == pytest.approx(0.5, abs=0.01)


REPRESENTATIONS = {"near": "Near", "far": "Far"}


def drawn(**tables) -> Figure:
    stacked = pd.concat([table.assign(representation=name) for name, table in tables.items()])
    return f_lda_distributions(stacked, representations=REPRESENTATIONS)


def test_quantiles_that_differ_late_are_rows_of_their_own():
    table = separability(np.arange(4.0)[:, None], [0, 0, 1, 1]).summary((0.1234567, 0.1234568))
    assert {"q0.1234567", "q0.1234568"} < set(table["variable"])


def test_the_figure_shows_each_representations_median_in_each_form_and_counts_what_it_omits():
    x, labels = sample(sizes=(5,) * 6)
    near, far = separability(x, labels), separability(x + 3 * labels[:, None], labels)
    collapsed = far.table()
    collapsed.loc[collapsed["class"] == 0, "value"] = np.inf
    figure = drawn(near=near.table(), far=collapsed)
    assert png(figure) == png(drawn(near=near.table(), far=collapsed))
    for axis, form in zip(figure.axes, FORMS, strict=True):
        medians = [float(line.get_xdata()[0]) for line in axis.lines if line.get_marker() == "o"]
        values = near.table([form])["value"]
        finite = collapsed.query("form == @form and value < inf")["value"]
        assert medians == pytest.approx([values.median(), finite.median()])
        assert axis.get_xscale() == "log"
    rows = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert rows == ["Near", "Far\n(5 pairs not shown)"]


def test_two_classes_and_one_form_are_enough_for_a_figure():
    table = separability(*sample(sizes=(5, 6))).table(["size_normalised"])
    assert len(drawn(near=table, far=table).axes) == 1


def test_a_large_distribution_is_thinned_without_moving_its_median():
    values = np.random.default_rng(0).lognormal(size=9001)
    table = pd.DataFrame({"form": "paper", "value": values})
    axis = drawn(near=table, far=table).axes[0]
    medians = [float(line.get_xdata()[0]) for line in axis.lines if line.get_marker() == "o"]
    assert medians == [np.median(values)] * 2


def test_a_figure_of_nothing_is_refused():
    table = separability(*sample()).table()
    with pytest.raises(InputError, match="'far' has 12 values of F_LDA, none of them positive"):
        drawn(near=table, far=table.assign(value=np.inf))
    with pytest.raises(InputError, match="no row of a form"):
        drawn(near=table.assign(form="other"), far=table.assign(form="other"))
    with pytest.raises(InputError, match="no column value"):
        drawn(near=table.drop(columns="value"), far=table.drop(columns="value"))


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("representation", "labels", "message"),
    [
        ([[0.0], [np.nan], [1.0]], [0, 0, 1], "NaN or infinity, first in row 1"),
        ([[0.0], [1.0], [-np.inf]], [0, 0, 1], "NaN or infinity, first in row 2"),
        ([0.0, 1.0], [0, 1], r"shape \(2,\)"),
        (np.empty((0, 3)), [], r"shape \(0, 3\)"),
        ([[1j], [0]], [0, 1], "complex128"),
        ([[0.0], [1.0, 2.0]], [0, 1], "no matrix: .*inhomogeneous"),
        ([["a"], ["b"]], [0, 1], "expected a non-empty real matrix"),
        ([[0.0], [1.0]], [0, 1, 1], r"shape \(3,\) and the representation 2 rows"),
        ([[0.0], [1.0]], [0.0, np.nan], "label of row 1 is missing"),
        ([[0.0], [1.0]], ["a", None], "label of row 1 is missing"),
    ],
)
def test_bad_input_is_named(representation, labels, message):
    with pytest.raises(InputError, match=message):
        separability(representation, labels)


def test_a_nan_is_found_in_whichever_block_it_is(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 8)
    x, labels = sample()
    x[17, 2] = np.nan
    with pytest.raises(InputError, match="first in row 17"):
        separability(torch.from_numpy(x), labels)


def test_an_unknown_form_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'paper'"):
        separability(*sample()).f_lda("papers")
