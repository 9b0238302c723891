"""Groups as positives: both losses against loops, their bounds, and instances as groups of one."""

from itertools import combinations
from math import exp, log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from causal_ssl.divergences import DIVERGENCES, F_DIVERGENCES, get
from causal_ssl.errors import InputError
from causal_ssl.objectives import InfoNCE, Inner, Objective, ReLIC, VICReg, chunks
from causal_ssl.objectives.groups import Groups
from causal_ssl.objectives.objective import Terms
from causal_ssl.objectives.proxy_pair import Comparison, group_proxy_terms

SIMILARITIES = ["cosine", "inner", "neg_squared_l2", "neg_l1", "neg_l3"]
GROUPED = ["group_mass", "group_mean_log"]
LABELS = torch.tensor([4, -2, 4, 9, 9, 4, 7])  # groups of three, one, two and one
OBJECTIVES = {
    "infonce": lambda positives: InfoNCE("neg_squared_l2", tau=0.7, positives=positives),
    "infonce_l3": lambda positives: InfoNCE("neg_l3", symmetric=True, positives=positives),
    "relic": lambda positives: ReLIC("neg_squared_l2", tau=0.7, alpha=0.5, positives=positives),
    "relic_js": lambda positives: ReLIC("cosine", tau=0.2, divergence="js", positives=positives),
}
every_objective = pytest.mark.parametrize("make", OBJECTIVES.values(), ids=OBJECTIVES)
both_losses = pytest.mark.parametrize("positives", GROUPED)


def outputs(n_views: int, *shape: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(n_views)]


def terms_of_logits(first: Tensor, second: Tensor, groups: Tensor | None, **options) -> Terms:
    """ReLIC's terms where p12 has the logits `first` and p21 the logits `second`."""
    eye = torch.eye(len(first), dtype=first.dtype)
    return ReLIC("inner", **options)([first, second], target=[eye, eye], groups=groups)


def probabilities(logits: Tensor) -> list[list[float]]:
    weights = [[exp(logit) for logit in row] for row in logits.tolist()]
    return [[weight / sum(row) for weight in row] for row in weights]


def contrastive_by_loops(positives: str, logits: Tensor, labels: list[int]) -> float:
    total = 0.0
    for i, q in enumerate(probabilities(logits)):
        members = [j for j, label in enumerate(labels) if label == labels[i]]
        if positives == "group_mass":
            total -= log(sum(q[j] for j in members))
        else:
            total -= sum(log(q[j]) for j in members) / len(members)
    return total / len(labels)


def logits_of(similarity: str, u: Tensor, v: Tensor) -> Tensor:
    if similarity == "inner":
        return u @ v.T
    if similarity == "cosine":
        return torch.cosine_similarity(u[:, None], v[None], dim=-1)
    power = {"neg_l1": 1, "neg_squared_l2": 2, "neg_l3": 3}[similarity]
    return -((u[:, None] - v[None]).abs() ** power).sum(-1)


@both_losses
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_infonce_equals_its_transcription(similarity: str, positives: str) -> None:
    u, v = outputs(2, 7, 3)
    one, other = (
        contrastive_by_loops(positives, logits_of(similarity, *pair) / 0.7, LABELS.tolist())
        for pair in ((u, v), (v, u))
    )
    for symmetric, expected in ((False, one), (True, (one + other) / 2)):
        objective = InfoNCE(similarity, tau=0.7, symmetric=symmetric, positives=positives)
        value = objective([u, v], groups=LABELS)["loss"].item()
        assert value == pytest.approx(expected, rel=1e-11)


@both_losses
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_relic_equals_its_transcription_with_a_target(similarity: str, positives: str) -> None:
    o1, o2, t1, t2 = outputs(4, 7, 3)
    first, second = (logits_of(similarity, *pair) / 0.5 for pair in ((o1, t2), (o2, t1)))
    labels = LABELS.tolist()
    contrastive = sum(contrastive_by_loops(positives, x, labels) for x in (first, second)) / 2
    cells = labels if positives == "group_mass" else list(range(7))
    invariance = 0.0
    for p, q in zip(probabilities(first), probabilities(second), strict=True):
        for cell in set(cells):
            a, b = (sum(x for x, c in zip(r, cells, strict=True) if c == cell) for r in (p, q))
            invariance += (a - b) * log(a / b) / (2 * 7)
    objective = ReLIC(similarity, tau=0.5, alpha=0.3, positives=positives)
    terms = objective([o1, o2], target=[t1, t2], groups=LABELS)
    assert terms["contrastive"].item() == pytest.approx(contrastive, rel=1e-11)
    assert terms["invariance"].item() == pytest.approx(invariance, rel=1e-11)
    assert terms["loss"].item() == pytest.approx(contrastive + 0.3 * invariance, rel=1e-11)


@both_losses
@every_objective
def test_gradients_match_finite_differences(make, positives: str) -> None:
    objective = make(positives)
    groups = torch.stack([LABELS, LABELS.flip(0) % 2])  # replicas of different numbers of groups
    views = [view.requires_grad_() for view in outputs(4, 2, 7, 3)]

    def terms(o1: Tensor, o2: Tensor, t1: Tensor, t2: Tensor) -> tuple[Tensor, ...]:
        return tuple(objective([o1, o2], [t1, t2], groups=groups).values())

    # A second backward pass recomputes what the first one had kept: equal up to rounding.
    assert torch.autograd.gradcheck(terms, views, nondet_tol=1e-12)


def values_and_gradients(
    objective: Objective, views: list[Tensor], groups: Tensor | None
) -> list[Tensor]:
    views = [view.clone().requires_grad_() for view in views]
    terms = objective(views, groups=groups)
    return [*terms.values(), *torch.autograd.grad(terms["loss"].sum(), views)]


@both_losses
@every_objective
def test_groups_of_one_are_instance_discrimination(make, positives: str) -> None:
    views = outputs(2, 2, 9, 3)
    groups = torch.stack(
        [torch.randperm(9, generator=torch.Generator().manual_seed(k)) for k in (0, 1)]
    )
    instances = values_and_gradients(make("instance"), views, None)
    for ours, expected in zip(
        values_and_gradients(make(positives), views, groups), instances, strict=True
    ):
        assert torch.allclose(ours, expected, rtol=1e-10, atol=1e-14)


@both_losses
@every_objective
def test_neither_the_order_of_the_batch_nor_the_names_of_the_groups_matter(
    make, positives: str
) -> None:
    objective, views = make(positives), outputs(2, 7, 3)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(1))
    before = objective(views, groups=LABELS)
    shuffled = objective([view[order] for view in views], groups=LABELS[order])
    renamed = objective(views, groups=10**12 - LABELS)
    for name in before:
        assert torch.allclose(shuffled[name], before[name], rtol=1e-11)
        assert torch.allclose(renamed[name], before[name], rtol=1e-11)
    mismatched = objective(views, groups=LABELS[order])
    assert not torch.allclose(mismatched["loss"], before["loss"], rtol=1e-3)


@both_losses
@every_objective
def test_replicas_get_the_terms_and_gradients_that_they_get_alone(make, positives: str) -> None:
    views = outputs(2, 2, 3, 7, 3)
    groups = torch.randint(5, (2, 3, 7), generator=torch.Generator().manual_seed(0))
    together = values_and_gradients(make(positives), views, groups)
    for r in ((0, 1), (1, 2)):
        alone = values_and_gradients(make(positives), [view[r] for view in views], groups[r])
        for one, all_of_them in zip(alone, together, strict=True):
            assert torch.allclose(one, all_of_them[r], rtol=1e-9, atol=1e-14)


@both_losses
@every_objective
@pytest.mark.parametrize("shape", [(37, 3), (3, 37, 3)])
def test_blocks_give_what_one_piece_gives(
    make, positives: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # 37 rows in blocks of 8 or more leave an incomplete last one.
    views = outputs(2, *shape)
    groups = torch.randint(6, shape[:-1], generator=torch.Generator().manual_seed(0))
    whole = values_and_gradients(make(positives), views, groups)
    monkeypatch.setattr(chunks, "KEPT", {"cpu": 0, "cuda": 0})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 1000, "cuda": 1000})
    for one, other in zip(values_and_gradients(make(positives), views, groups), whole, strict=True):
        assert torch.allclose(one, other, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("kind", [InfoNCE, ReLIC])
def test_at_chance_the_mass_costs_the_entropy_of_the_groups_and_the_mean_log_n(kind: type) -> None:
    views = [torch.ones(7, 3)] * 2
    shares = torch.tensor([3, 1, 2, 1]) / 7
    entropy = -(shares * shares.log()).sum().item()
    for positives, chance in (("group_mass", entropy), ("group_mean_log", log(7))):
        plain = kind(positives=positives)(views, groups=LABELS)
        assert plain["contrastive"].item() == pytest.approx(chance, rel=1e-6)
        less = kind(positives=positives, subtract_log_candidates=True)(views, groups=LABELS)
        assert less["contrastive"].item() == pytest.approx(0, abs=1e-6)
        assert less["contrastive"].dtype == torch.float32


@every_objective
def test_one_group_for_all_is_certain_and_teaches_nothing(make) -> None:
    for result in values_and_gradients(
        make("group_mass"), outputs(2, 7, 3), torch.zeros(7, dtype=torch.int64)
    ):
        assert result.abs().max().item() == pytest.approx(0, abs=1e-12)


@st.composite
def batches(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
    """Two matrices of logits and the groups of the samples; some probabilities are tiny."""
    n = draw(st.integers(2, 7))
    spread = draw(st.sampled_from([0.1, 3.0, 30.0]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    logits = spread * torch.randn(2, n, n, generator=generator, dtype=torch.float64)
    labels = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    return logits[0], logits[1], torch.tensor(labels)


@pytest.mark.parametrize("divergence", F_DIVERGENCES)
@given(batch=batches())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_distance_over_groups_never_exceeds_that_over_instances(
    divergence: str, batch: tuple[Tensor, Tensor, Tensor]
) -> None:
    first, second, labels = batch
    options = {"divergence": divergence, "direction": "forward"}
    instances = terms_of_logits(first, second, None, **options)["invariance"].item()
    groups = terms_of_logits(first, second, labels, positives="group_mass", **options)
    # Sums of at most 7 terms: rounding of log-probabilities up to 200 in size.
    assert groups["invariance"].item() <= instances * (1 + 1e-12) + 1e-12


def test_the_squared_euclidean_distance_is_no_f_divergence_and_may_exceed_it() -> None:
    first = torch.tensor([[8, 8, 1, 1]] * 4, dtype=torch.float64).log()
    second = torch.tensor([[1, 1, 8, 8]] * 4, dtype=torch.float64).log()
    labels = torch.tensor([0, 0, 1, 1])
    instances = terms_of_logits(first, second, None, divergence="l2")["invariance"].item()
    groups = terms_of_logits(first, second, labels, positives="group_mass", divergence="l2")
    # Differences of 7/18 in four samples, of 14/18 in two groups.
    assert instances == pytest.approx(4 * (7 / 18) ** 2)
    assert groups["invariance"].item() == pytest.approx(2 * (14 / 18) ** 2)


@pytest.mark.parametrize("divergence", F_DIVERGENCES)
def test_the_distances_agree_iff_members_share_the_mass_of_their_group_alike(
    divergence: str,
) -> None:
    groups = Groups.of(LABELS)
    by_group = torch.stack(outputs(2, 7, groups.count))
    (shares,) = outputs(1, 7, 7, seed=1)
    first, second = by_group[..., groups.index] + shares
    options = {"divergence": divergence, "direction": "forward"}

    def both(first: Tensor, second: Tensor) -> tuple[float, float]:
        instances = terms_of_logits(first, second, None, **options)
        whole = terms_of_logits(first, second, LABELS, positives="group_mass", **options)
        return instances["invariance"].item(), whole["invariance"].item()

    over_instances, over_groups = both(first, second)
    assert over_groups == pytest.approx(over_instances, rel=1e-10)
    moved = second + torch.tensor([0.5, 0, 0, 0, 0, 0, 0])  # a member of the group of three
    over_instances, over_groups = both(first, moved)
    assert over_groups < over_instances * (1 - 1e-3)


@given(batch=batches())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_mean_log_exceeds_the_mass_by_the_log_of_the_sizes_unless_shares_are_equal(
    batch: tuple[Tensor, Tensor, Tensor],
) -> None:
    logits, _, labels = batch
    eye = torch.eye(len(logits), dtype=torch.float64)
    groups = Groups.of(labels)

    def losses(logits: Tensor) -> list[float]:
        return [
            InfoNCE("inner", positives=positives)([logits, eye], groups=labels)["loss"].item()
            for positives in GROUPED
        ]

    sizes = groups.sizes.log().mean().item()
    mass, mean_log = losses(logits)
    assert mean_log >= mass + sizes - 1e-6
    # Logits that are constant within each group, of each anchor.
    mass, mean_log = losses(logits[:, groups.index])
    assert mean_log == pytest.approx(mass + sizes, rel=1e-6, abs=1e-6)


def test_a_group_far_from_the_nearest_keeps_its_mass_and_gradient() -> None:
    # Logits 0 and -500: exp(-500) is 0 in float32, the loss is 500 all the same.
    u = torch.zeros(4, 1, requires_grad=True)
    v = torch.tensor([[0.0], [0.0], [500**0.5], [500**0.5]])
    labels = torch.tensor([0, 1, 2, 2])
    loss = InfoNCE("neg_squared_l2", positives="group_mass")([u, v], groups=labels)["loss"]
    # Anchors 0 and 1: one of two equal groups. 2 and 3: two members out of two times exp(500).
    assert loss.item() == pytest.approx((log(2) + 500) / 2, rel=1e-5)
    loss.backward()
    assert torch.allclose(u.grad, torch.tensor([[0.0], [0.0], [-1.0], [-1.0]]) * 500**0.5 / 2)


def test_groups_without_members_change_nothing() -> None:
    """On a GPU there are as many groups as samples, whatever the labels."""
    groups = Groups.of(LABELS)
    views = [view.requires_grad_() for view in outputs(4, 7, 3)]
    results = []
    for padded in (groups, Groups(groups.index, count=7)):
        for divergence in DIVERGENCES:
            rows = group_proxy_terms(
                (views[0], views[1]),
                (views[2], views[3]),
                padded,
                similarity=Inner(),
                tau=0.5,
                comparison=Comparison(get(divergence)),
            )
            results.append([rows, *torch.autograd.grad(rows.sum(), views)])
    half = len(results) // 2
    for one, other in zip(results[:half], results[half:], strict=True):
        for expected, found in zip(one, other, strict=True):
            assert torch.allclose(found, expected, rtol=1e-11, atol=1e-14)


@both_losses
def test_three_views_average_over_their_pairs(positives: str) -> None:
    views = outputs(3, 7, 3)
    for kind in (InfoNCE, ReLIC):
        objective = kind("neg_squared_l2", positives=positives)
        whole = objective(views, groups=LABELS)
        pairs = [objective(pair, groups=LABELS) for pair in combinations(views, 2)]
        for name in whole:
            assert torch.allclose(whole[name], sum(pair[name] for pair in pairs) / 3, rtol=1e-11)


def test_the_constrained_form_takes_groups() -> None:
    objective = ReLIC("inner", rho=0.1, positives="group_mass")
    terms = objective(outputs(2, 3, 7, 3), groups=LABELS.expand(3, 7))
    excess = terms["invariance"] - 0.1
    assert torch.allclose(terms["loss"], terms["contrastive"] + excess)
    assert objective.multiplier.shape == (3,)


def test_who_takes_groups_says_so() -> None:
    assert not InfoNCE().takes_groups
    assert not ReLIC().takes_groups
    assert not VICReg().takes_groups
    for positives in GROUPED:
        assert InfoNCE(positives=positives).takes_groups
        assert ReLIC(positives=positives).takes_groups


@pytest.mark.parametrize(
    ("objective", "groups", "message"),
    [
        (InfoNCE(positives="group_mass"), None, "no groups: InfoNCE with groups as positives"),
        (ReLIC(positives="group_mean_log"), None, "no groups: ReLIC"),
        (InfoNCE(), LABELS, "InfoNCE without groups as positives"),
        (VICReg(), LABELS, "VICReg without groups as positives"),
        (InfoNCE(positives="group_mass"), LABELS[:6], r"groups have shape \(6,\), .*\(7, 3\)"),
        (ReLIC(positives="group_mass"), LABELS[None], r"\(1, 7\).*one label a sample, \(7,\)"),
        (ReLIC(positives="group_mass"), LABELS.float(), "torch.float32: labels .* integers"),
    ],
)
def test_groups_that_do_not_fit_are_named(
    objective: Objective, groups: Tensor | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        objective(outputs(2, 7, 3), groups=groups)


def test_unknown_positives_are_refused() -> None:
    for kind in (InfoNCE, ReLIC):
        with pytest.raises(InputError, match="'group_mas': did you mean 'group_mass'"):
            kind(positives="group_mas")
