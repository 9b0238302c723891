"""A queue that holds labels: members of the anchor's group in it are positives, against loops."""

import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.objectives import Bilinear, InfoNCE, ReLIC, chunks

LABELS = torch.tensor([4, -2, 4, 9, 1, 4, 7])
QUEUE = torch.tensor([4, 9, 9, 5, 4, -2, 9, 4, 0, 3])  # of 4, -2 and 9; none of 1 and 7
MARGIN = {"rtol": 1e-11, "atol": 1e-14}
GROUPED = ["group_mass", "group_mean_log"]


def outputs(*shapes: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in shapes
    ]


def make(similarity: str, **options: object) -> InfoNCE:
    phi = Bilinear(3).double() if similarity == "bilinear" else similarity
    if similarity == "bilinear":
        with torch.no_grad():
            phi.weight += torch.arange(9.0).view(3, 3) / 10
    return InfoNCE(phi, tau=0.5, negatives="separate", **options)


def by_loops(objective: InfoNCE, u: Tensor, v: Tensor, w: Tensor) -> Tensor:
    total = torch.zeros((), dtype=u.dtype)
    for i, label in enumerate(LABELS.tolist()):
        candidates = torch.cat([v[i : i + 1], w])
        logits = objective.similarity.pairwise(u[i : i + 1], candidates)[0] / objective.tau
        members = [0] + [1 + k for k, other in enumerate(QUEUE.tolist()) if other == label]
        log_q = logits.log_softmax(0)[members]
        mass = objective.positives == "group_mass"
        total = total - (log_q.logsumexp(0) if mass else log_q.mean())
    return total / len(LABELS)


@pytest.mark.parametrize("positives", GROUPED)
@pytest.mark.parametrize("similarity", ["cosine", "inner", "neg_squared_l2", "neg_l1", "bilinear"])
def test_it_equals_its_transcription_with_gradients(similarity: str, positives: str) -> None:
    objective = make(similarity, positives=positives)
    leaves = outputs((7, 3), (7, 3), (10, 3))
    u, v, w = leaves
    learned = [*objective.parameters()]
    loss = objective([u, v], negatives=w, groups=LABELS, negative_groups=QUEUE)["loss"]
    expected = by_loops(objective, u, v, w)
    assert torch.allclose(loss, expected, **MARGIN)
    for one, other in zip(
        torch.autograd.grad(loss, leaves + learned),
        torch.autograd.grad(expected, leaves + learned),
        strict=True,
    ):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("positives", GROUPED)
@pytest.mark.parametrize("similarity", ["cosine", "neg_l1"])
def test_blocks_and_replicas_give_what_one_piece_gives(
    similarity: str, positives: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective, leaves = (
        make(similarity, positives=positives),
        outputs((2, 37, 3), (2, 37, 3), (2, 23, 3)),
    )
    generator = torch.Generator().manual_seed(0)
    labels, queue = (torch.randint(5, (2, n), generator=generator) for n in (37, 23))

    def results() -> list[Tensor]:
        loss = objective(leaves[:2], None, leaves[2], labels, queue)["loss"]
        return [loss, *torch.autograd.grad(loss[0] + 2 * loss[1], leaves)]

    whole = results()
    alone = objective([leaves[0][1], leaves[1][1]], None, leaves[2][1], labels[1], queue[1])
    assert torch.allclose(alone["loss"], whole[0][1], **MARGIN)
    monkeypatch.setattr(chunks, "KEPT", {"cpu": 0, "cuda": 0})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 500, "cuda": 500})
    for one, other in zip(results(), whole, strict=True):
        assert torch.allclose(one, other, **MARGIN)


@pytest.mark.parametrize("positives", GROUPED)
def test_gradients_match_finite_differences(positives: str) -> None:
    objective = make("cosine", positives=positives)
    call = {"groups": LABELS, "negative_groups": QUEUE}
    assert torch.autograd.gradcheck(
        lambda u, v, w: objective([u, v], negatives=w, **call)["loss"],
        outputs((7, 3), (7, 3), (10, 3)),
        nondet_tol=1e-12,
    )


@pytest.mark.parametrize("positives", GROUPED)
def test_a_queue_without_members_leaves_instance_discrimination(positives: str) -> None:
    u, v, w = outputs((7, 3), (7, 3), (10, 3))
    grouped = make("cosine", positives=positives)(
        [u, v], negatives=w, groups=LABELS, negative_groups=torch.full((10,), 100)
    )
    assert torch.allclose(grouped["loss"], make("cosine")([u, v], negatives=w)["loss"], **MARGIN)


def test_a_queue_of_members_alone_is_certain_and_teaches_nothing() -> None:
    leaves = outputs((7, 3), (7, 3), (10, 3))
    loss = make("cosine", positives="group_mass")(
        leaves[:2],
        negatives=leaves[2],
        groups=torch.zeros(7, dtype=torch.int32),
        negative_groups=torch.zeros(10, dtype=torch.int64),
    )["loss"]
    assert loss.item() == 0
    assert all((gradient == 0).all() for gradient in torch.autograd.grad(loss, leaves))


@pytest.mark.parametrize("positives", GROUPED)
def test_chance_can_be_taken_off(positives: str) -> None:
    objective = make("cosine", positives=positives, subtract_log_candidates=True)
    ones = [torch.ones(n, 3) for n in (7, 7, 10)]
    terms = objective(ones[:2], negatives=ones[2], groups=LABELS, negative_groups=QUEUE)
    assert terms["loss"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("positives", GROUPED)
def test_logits_far_apart_are_finite(positives: str) -> None:
    objective = InfoNCE("inner", negatives="separate", positives=positives)
    leaves = [(100 * x.detach().float()).requires_grad_() for x in outputs((7, 3), (7, 3), (10, 3))]
    loss = objective(leaves[:2], None, leaves[2], LABELS, QUEUE)["loss"]
    assert loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, leaves))


@pytest.mark.parametrize("positives", GROUPED)
def test_neither_the_order_of_the_batch_nor_that_of_the_queue_matters(positives: str) -> None:
    (u, v, w), objective = outputs((7, 3), (7, 3), (10, 3)), make("inner", positives=positives)
    before = objective([u, v], None, w, LABELS, QUEUE)["loss"]
    after = objective([u.flip(0), v.flip(0)], None, w.flip(0), LABELS.flip(0), QUEUE.flip(0))
    assert torch.allclose(after["loss"], before, **MARGIN)
    mislabelled = objective([u, v], None, w, LABELS, QUEUE.flip(0))["loss"]
    assert not torch.allclose(mislabelled, before, rtol=1e-3)


W10 = torch.ones(10, 3)


@pytest.mark.parametrize(
    ("objective", "call", "message"),
    [
        (
            make("cosine", positives="group_mass"),
            {"negatives": W10, "groups": LABELS},
            "no negative_groups",
        ),
        (
            make("cosine", positives="group_mass"),
            {"negatives": W10, "groups": LABELS, "negative_groups": QUEUE[:9]},
            r"negative_groups have shape \(9,\), the negatives \(10, 3\)",
        ),
        (
            make("cosine", positives="group_mass"),
            {"negatives": W10, "groups": LABELS, "negative_groups": QUEUE.double()},
            "negative_groups are torch.float64",
        ),
        (make("cosine"), {"negatives": W10, "negative_groups": QUEUE}, "leave negative_groups out"),
        (ReLIC(), {"negative_groups": QUEUE}, "leave negative_groups out"),
        (
            ReLIC(positives="group_mass"),
            {"groups": LABELS, "negative_groups": QUEUE},
            "leave negative_groups out",
        ),
    ],
)
def test_bad_calls_are_named(objective: InfoNCE, call: dict, message: str) -> None:
    u, v, _ = outputs((7, 3), (7, 3), (10, 3))
    with pytest.raises(InputError, match=message):
        objective([u, v], **call)
