"""The per-unit proxy gap: exact values, the trap of one style, the critic, groups, memory."""

import numpy as np
import pytest
import torch

from causal_ssl.analysis import proxy_invariance
from causal_ssl.analysis.proxy_invariance import proxy_gap_matrix
from causal_ssl.errors import InputError
from causal_ssl.objectives import ReLIC

STYLES = (-1.0, 0.0, 2.0)


def units(n=60, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def with_style(content, style):
    """f = (c, s)."""
    return np.concatenate([content, np.broadcast_to(style, content.shape)], axis=1)


@pytest.mark.parametrize("similarity", ["inner", "neg_squared_l2"])
def test_a_bank_of_one_style_hides_a_representation_that_keeps_style(similarity):
    c = units()
    anchors = [with_style(c, s) for s in STYLES]
    one_style = with_style(c, 0.7)
    varied = with_style(c, units(seed=1))
    assert proxy_gap_matrix(anchors, one_style, similarity=similarity).gaps.max() < 1e-12
    found = proxy_gap_matrix(anchors, varied, similarity=similarity).gaps
    assert found[~np.eye(3, dtype=bool)].min() > 0.5


def test_the_hiding_is_of_inner_products_and_squares_alone():
    c = units()
    anchors = [with_style(c, s) for s in STYLES]
    # Normalised, style's size changes every cosine: a bank of one style does not hide it.
    found = proxy_gap_matrix(anchors, with_style(c, 0.7), similarity="cosine", tau=0.1)
    assert found.gaps[0, 2] > 0.1


def test_a_critic_may_drop_what_the_representation_keeps():
    c = units()
    anchors = [with_style(c, s) for s in STYLES]
    bank = with_style(c, units(seed=1))

    def critic(f):
        return np.tanh(f[:, :3])

    dropped = proxy_gap_matrix([critic(f) for f in anchors], critic(bank))
    assert dropped.gaps.max() == 0.0
    assert dropped.standard_errors.max() == 0.0
    assert proxy_gap_matrix(anchors, bank).gaps[0, 2] > 0.01


@pytest.mark.parametrize("divergence", ["kl", "js", "tv", "hellinger2"])
def test_equals_the_written_out_mean_over_units(divergence):
    f, bank = [units(20, seed=k) for k in range(3)], units(15, seed=9)
    found = proxy_gap_matrix(f, bank, similarity="inner", tau=0.5, divergence=divergence)
    p = [np.exp(each @ bank.T / 0.5) for each in f]
    p = [each / each.sum(1, keepdims=True) for each in p]
    for i in range(3):
        for j in range(3):
            m = (p[i] + p[j]) / 2
            values = {
                "kl": p[i] * np.log(p[i] / p[j]),
                "js": (p[i] * np.log(p[i] / m) + p[j] * np.log(p[j] / m)) / 2,
                "tv": np.abs(p[i] - p[j]) / 2,
                "hellinger2": (np.sqrt(p[i]) - np.sqrt(p[j])) ** 2 / 2,
            }[divergence].sum(1)
            assert found.gaps[i, j] == pytest.approx(values.mean(), abs=1e-12)
            error = values.std(ddof=1) / 20**0.5
            assert found.standard_errors[i, j] == pytest.approx(error, abs=1e-9)


def test_equals_relics_penalty_where_the_bank_is_the_other_view():
    u, v, t = (torch.from_numpy(units(12, seed=k)) for k in range(3))
    # ReLIC compares o_1 against t_2 with o_2 against t_1: one bank for both is t_1 = t_2.
    penalty = ReLIC("inner", direction="forward")(online=[u, v], target=[t, t])["invariance"]
    assert proxy_gap_matrix([u, v], t, similarity="inner").gaps[0, 1] == pytest.approx(
        penalty.item()
    )


def test_groups_add_up_and_never_tell_more():
    f, bank = [units(30, seed=k) for k in range(2)], units(12, seed=9)
    groups = np.arange(12) % 3
    instances = proxy_gap_matrix(f, bank, similarity="inner")
    grouped = proxy_gap_matrix(f, bank, similarity="inner", groups=groups)
    assert 0 < grouped.gaps[0, 1] <= instances.gaps[0, 1]  # data processing
    alone = proxy_gap_matrix(f, bank, similarity="inner", groups=np.arange(12) + 5)
    assert np.allclose(alone.gaps, instances.gaps, atol=1e-12)
    p = [np.exp(each @ bank.T) @ np.eye(3)[groups] for each in f]
    p = [each / each.sum(1, keepdims=True) for each in p]
    assert grouped.gaps[0, 1] == pytest.approx((p[0] * np.log(p[0] / p[1])).sum(1).mean())
    assert proxy_gap_matrix(f, bank, groups=["all"] * 12).gaps.max() < 1e-15


def test_a_group_that_is_all_but_impossible_keeps_its_logarithm():
    # Logits 0, 0 and -1000 for one unit, 0, 0, -2000 for the other: group 1 has p = e^-1000 / 2.
    log_p = torch.tensor([[0.0, 0.0, -1000.0]], dtype=torch.float64).log_softmax(-1)
    summed = proxy_invariance._summed(log_p, torch.tensor([0, 0, 1]))
    assert torch.allclose(summed, torch.tensor([[0.0, -1000 - np.log(2)]], dtype=torch.float64))


@pytest.mark.parametrize("similarity", ["cosine", "neg_l1"])
def test_blocks_of_rows_change_nothing(similarity, monkeypatch):
    f, bank = [units(50, seed=k) for k in range(2)], units(40, seed=9)
    whole = proxy_gap_matrix(f, bank, similarity=similarity)
    monkeypatch.setattr(proxy_invariance, "BLOCK_BYTES", 8 * 2 * 40 * 7)
    blocks = proxy_gap_matrix(f, bank, similarity=similarity)
    assert np.allclose(whole.gaps, blocks.gaps, atol=1e-14)
    assert np.allclose(whole.standard_errors, blocks.standard_errors, atol=1e-14)


def test_the_table_has_a_row_each_ordered_pair():
    f = [units(seed=k) for k in range(3)]
    found = proxy_gap_matrix(f, units(seed=9), interventions=["crop", "blur", "grey"])
    table = found.table(level=0.5).set_index(["environment", "against"])
    assert len(table) == 6
    row = table.loc[("blur", "crop")]
    assert row["value"] == found.gaps[1, 0] != found.gaps[0, 1]
    assert row["high"] - row["value"] == pytest.approx(
        0.6745 * found.standard_errors[1, 0], rel=1e-4
    )
    assert table["low"].min() >= 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"anchors": [units()]}, "1 anchors are given"),
        ({"anchors": [units(), units(59)]}, r"anchors\[1\] has shape \(59, 3\)"),
        ({"anchors": [units(), units() * np.nan]}, r"anchors\[1\] contains NaN"),
        ({"anchors": [units(1), units(1)]}, "the anchors are 1 unit"),
        ({"bank": units(d=4)}, "the bank has 4 columns and the anchors 3"),
        ({"groups": np.zeros(59)}, "groups has 59 labels for 60"),
        ({"interventions": ["a"]}, "1 interventions are named and 2 given"),
        ({"tau": 0.0}, "tau must be above 0"),
        ({"similarity": "cosin"}, "did you mean 'cosine'"),
        ({"divergence": "lk"}, "unknown divergence 'lk'"),
    ],
)
def test_bad_input_is_named(change, said):
    arguments = {"anchors": [units(), units(seed=1)], "bank": units(seed=2), **change}
    with pytest.raises(InputError, match=said):
        proxy_gap_matrix(arguments.pop("anchors"), arguments.pop("bank"), **arguments)
