"""The learned bilinear similarity: nothing takes phi(u, v) for phi(v, u)."""

import pytest
import torch
from torch import Tensor, nn

from causal_ssl.errors import InputError
from causal_ssl.objectives import Bilinear, InfoNCE, Objective, ReLIC, chunks

W = torch.tensor([[1.0, 2.0, 0.0], [-1.0, 0.5, 3.0], [0.3, 0.0, -1.0]], dtype=torch.float64)
LABELS = torch.tensor([4, -2, 4, 9, 9, 4, 7])
POSITIVES = ["instance", "group_mass", "group_mean_log"]


def learned() -> Bilinear:
    similarity = Bilinear(3).double()
    similarity.load_state_dict({"weight": W})
    return similarity


def outputs(n_views: int, *shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(n_views, *shape, generator=generator, dtype=torch.float64)
    return [view.clone().requires_grad_() for view in drawn]


def log_softmaxes(w: Tensor, online: list[Tensor], target: list[Tensor]) -> tuple[Tensor, Tensor]:
    logits = (online[0] @ w @ target[1].T, online[1] @ w @ target[0].T)
    return (logits[0] / 0.7).log_softmax(1), (logits[1] / 0.7).log_softmax(1)


def contrast(log_p: Tensor, positives: str) -> Tensor:
    if positives == "instance":
        return -log_p.diagonal().mean()
    member = LABELS[:, None] == LABELS
    if positives == "group_mass":
        return -(log_p.exp() * member).sum(1).log().mean()
    return -((log_p * member).sum(1) / member.sum(1)).mean()


def divergence(log_p: Tensor, log_q: Tensor, positives: str, name: str) -> Tensor:
    p, q = log_p.exp(), log_q.exp()
    if positives == "group_mass":
        member = (LABELS[:, None] == LABELS.unique()).double()
        p, q = p @ member, q @ member
    if name == "kl":
        return ((p - q) * (p / q).log()).sum(1).mean() / 2
    return (p - q).square().sum(1).mean()


def agree(loss: Tensor, expected: Tensor, leaves: list[Tensor], ours: Tensor, w: Tensor) -> None:
    assert torch.allclose(loss, expected, rtol=1e-11)
    gradients = torch.autograd.grad(loss, [*leaves, ours])
    for one, other in zip(gradients, torch.autograd.grad(expected, [*leaves, w]), strict=True):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-12)


@pytest.fixture(params=[10**9, 0], ids=["kept", "recomputed"])
def _both_ways_of_memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "KEPT", {"cpu": request.param, "cuda": request.param})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 20, "cuda": 20})


@pytest.mark.usefixtures("_both_ways_of_memory")
@pytest.mark.parametrize("positives", POSITIVES)
@pytest.mark.parametrize("with_target", [False, True])
def test_infonce_equals_its_transcription(positives: str, with_target: bool) -> None:
    leaves, similarity, w = outputs(4 if with_target else 2, 7, 3), learned(), W.clone()
    online, target = leaves[:2], leaves[-2:]
    groups = None if positives == "instance" else LABELS
    objective = InfoNCE(similarity, tau=0.7, symmetric=True, positives=positives)
    loss = objective(online, target if with_target else None, groups=groups)["loss"]
    both = log_softmaxes(w.requires_grad_(), online, target)
    expected = sum(contrast(log_p, positives) for log_p in both) / 2
    agree(loss, expected, leaves, similarity.weight, w)


@pytest.mark.usefixtures("_both_ways_of_memory")
@pytest.mark.parametrize("positives", POSITIVES)
@pytest.mark.parametrize("with_target", [False, True])
@pytest.mark.parametrize("name", ["kl", "l2"])
def test_relic_equals_its_transcription(positives: str, with_target: bool, name: str) -> None:
    leaves, similarity, w = outputs(4 if with_target else 2, 7, 3), learned(), W.clone()
    online, target = leaves[:2], leaves[-2:]
    groups = None if positives == "instance" else LABELS
    objective = ReLIC(similarity, tau=0.7, positives=positives, divergence=name, alpha=0.3)
    loss = objective(online, target if with_target else None, groups=groups)["loss"]
    both = log_softmaxes(w.requires_grad_(), online, target)
    expected = sum(contrast(log_p, positives) for log_p in both) / 2
    expected = expected + 0.3 * divergence(*both, positives, name)
    agree(loss, expected, leaves, similarity.weight, w)


def test_the_order_of_its_arguments_matters_and_paired_is_the_diagonal() -> None:
    u, v = outputs(2, 7, 3)
    forth, back = learned().pairwise(u, v), learned().pairwise(v, u)
    assert torch.allclose(forth.diagonal(), learned().paired(u, v))
    assert not torch.allclose(forth, back.T, rtol=0.1)


@pytest.mark.parametrize("kind", [InfoNCE, ReLIC])
def test_w_is_a_parameter_that_starts_as_the_inner_product(kind: type[Objective]) -> None:
    views, objective = outputs(2, 7, 3), kind(Bilinear(3).double())
    assert [parameter.shape for parameter in objective.parameters()] == [(3, 3)]
    assert torch.allclose(objective(views)["loss"], kind("inner")(views)["loss"])


def test_other_sizes_and_other_learned_similarities_are_refused() -> None:
    with pytest.raises(InputError, match=r"2 coordinates, Bilinear 3: make it Bilinear\(2\)"):
        InfoNCE(Bilinear(3))([torch.ones(4, 2)] * 2)
    with pytest.raises(InputError, match="d must be at least 1, got 0"):
        Bilinear(0)
    with pytest.raises(InputError, match="Linear has parameters: only Bilinear's"):
        ReLIC(nn.Linear(3, 3))
