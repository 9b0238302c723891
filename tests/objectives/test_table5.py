"""Table 5 of the ReLIC paper: the family set to each row equals that row written out densely.

Every transcription is its own: logits as a matrix, a log-softmax, sums. Value and gradient (for the
outputs and for what is learned), without and with a target network where the row allows it.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.objectives import Bilinear, Bootstrap, Family, InfoNCE, ReLIC
from causal_ssl.objectives.objective import Terms

N, D = 9, 5
TAU = 0.2
W = torch.randn(D, D, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
Views = list[Tensor]


def views(n_views: int = 4) -> Views:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(n_views, N, D, generator=generator, dtype=torch.float64)
    return [view.clone().requires_grad_() for view in drawn]


def cpc_family() -> Family:
    similarity = Bilinear(D).double()
    similarity.load_state_dict({"weight": W})
    return Family(similarity, tau=TAU, contrast="second_view", regulariser="none")


def unit(view: Tensor) -> Tensor:
    return view / view.square().sum(-1, keepdim=True).sqrt()


def minus_log_diagonal(logits: Tensor) -> Tensor:
    return -(logits - logits.exp().sum(1, keepdim=True).log()).diagonal().mean()


def cpc(o: Views, t: Views, w: Tensor) -> Tensor:
    first, second = o[0] @ w @ t[1].T / TAU, o[1] @ w @ t[0].T / TAU
    return (minus_log_diagonal(first) + minus_log_diagonal(second)) / 2


def amdim(o: Views, t: Views) -> Tensor:
    first, second = o[0] @ t[1].T / TAU, o[1] @ t[0].T / TAU
    return (minus_log_diagonal(first) + minus_log_diagonal(second)) / 2


def simclr(o: Views, t: Views) -> Tensor:
    first, second = unit(o[0]) @ unit(t[1]).T / TAU, unit(o[1]) @ unit(t[0]).T / TAU
    return (minus_log_diagonal(first) + minus_log_diagonal(second)) / 2


def byol(o: Views, t: Views) -> Tensor:
    one = (unit(o[0]) - unit(t[1])).square().sum(1)
    other = (unit(o[1]) - unit(t[0])).square().sum(1)
    return (one + other).mean()


def relic(o: Views, t: Views) -> Tensor:
    p = (unit(o[0]) @ unit(t[1]).T / TAU).softmax(1)
    q = (unit(o[1]) @ unit(t[0]).T / TAU).softmax(1)
    contrast = -(p.diagonal().log() + q.diagonal().log()).mean() / 2
    divergence = (p * (p / q).log()).sum(1) + (q * (q / p).log()).sum(1)
    return contrast + 0.7 * divergence.mean() / 2


ROWS: dict[str, tuple[Callable[[], Family], Callable[..., Tensor]]] = {
    "cpc": (cpc_family, cpc),
    "amdim": (lambda: Family("inner", tau=TAU, regulariser="none"), amdim),
    "simclr": (lambda: Family("cosine", tau=TAU, regulariser="none"), simclr),
    "byol": (lambda: Family(contrast="none", regulariser="alignment"), byol),
    "relic": (lambda: Family("cosine", tau=TAU, regulariser="proxy", alpha=0.7), relic),
}


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("with_target", [False, True])
def test_the_family_is_each_row_of_the_table(row: str, with_target: bool) -> None:
    make, transcription = ROWS[row]
    family, drawn = make(), views()
    if family.needs_target and not with_target:
        with pytest.raises(InputError, match="no target"):
            family(drawn[:2])
        return
    online, target = drawn[:2], drawn[2:] if with_target else drawn[:2]
    learned = [*family.parameters()]
    assert len(learned) == (row == "cpc")
    ours = family(online, target if with_target else None)["loss"]
    w = W.clone().requires_grad_()
    expected = transcription(online, target, *([w] if learned else []))
    assert abs(ours.item() - expected.item()) <= 1e-6 * abs(expected.item())
    leaves = online + (target if with_target else [])
    ours_gradients = torch.autograd.grad(ours, leaves + learned)
    expected_gradients = torch.autograd.grad(expected, leaves + ([w] if learned else []))
    for one, other in zip(ours_gradients, expected_gradients, strict=True):
        assert (one - other).abs().max() <= 1e-6 * other.abs().max()


def test_the_rows_are_five_different_objectives() -> None:
    losses = [make()(views()[:2], views()[2:])["loss"].item() for make, _ in ROWS.values()]
    assert len({round(loss, 3) for loss in losses}) == 5


@pytest.mark.parametrize("contrast", ["second_view", "both_views", "separate", "none"])
@pytest.mark.parametrize("regulariser", ["none", "proxy", "alignment"])
@pytest.mark.parametrize("positives", ["instance", "group_mass", "group_mean_log"])
def test_every_combination_is_the_sum_of_its_parts(
    contrast: str, regulariser: str, positives: str
) -> None:
    options = {"tau": TAU, "positives": positives}
    looks_at_groups = contrast != "none" or regulariser == "proxy"
    if (contrast, regulariser) == ("none", "none") or not (
        positives == "instance" or looks_at_groups
    ):
        with pytest.raises(InputError, match="leave"):
            Family(contrast=contrast, regulariser=regulariser, **options)
        return
    drawn, labels = views(5), torch.arange(N) % 4
    groups = None if positives == "instance" else labels
    queue = drawn[4] if contrast == "separate" else None
    queue_groups = None if queue is None or groups is None else (labels + 1) % 6
    family = Family(contrast=contrast, regulariser=regulariser, alpha=0.3, **options)
    assert family.takes_negatives == (contrast == "separate")
    assert family.takes_groups == (positives != "instance")
    terms = family(drawn[:2], drawn[2:4], queue, groups, queue_groups)
    expected: Terms = {}
    if contrast != "none":
        infonce = InfoNCE(negatives=contrast, symmetric=True, **options)
        call = (drawn[:2], drawn[2:4], queue, groups, queue_groups)
        expected["contrastive"] = infonce(*call)["loss"]
    if regulariser == "proxy":
        relic_terms = ReLIC(**options)(drawn[:2], drawn[2:4], groups=groups)
        expected["invariance"] = relic_terms["invariance"]
    if regulariser == "alignment":
        expected["alignment"] = Bootstrap()(drawn[:2], drawn[2:4])["loss"]
    loss = sum((1 if name == "contrastive" else 0.3) * term for name, term in expected.items())
    assert set(terms) == {"loss", *expected}
    assert all(torch.allclose(terms[name], expected[name], rtol=1e-12) for name in expected)
    assert torch.allclose(terms["loss"], loss, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contrast": "other_view"}, "unknown contrast 'other_view'"),
        ({"regulariser": "proxi"}, "unknown regulariser 'proxi': did you mean 'proxy'"),
        ({"alpha": -1.0}, "alpha must be at least 0, got -1.0"),
        ({"tau": 0.0, "contrast": "none"}, "tau must be above 0, got 0.0"),
        ({"divergence": "kll", "regulariser": "none"}, "unknown divergence 'kll'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Family(**arguments)
