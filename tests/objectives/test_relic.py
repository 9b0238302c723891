"""ReLIC: a case by hand, loops over samples, and what its invariance term sees and does not see."""

from math import exp, log

import numpy as np
import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.objectives import InfoNCE, ReLIC

EYE = torch.eye(3, dtype=torch.float64)


def outputs(n_views: int, *shape: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(n_views)]


def terms_of_logits(first: Tensor, second: Tensor, **options: object) -> dict[str, Tensor]:
    """ReLIC's terms where p12 has the logits `first` and p21 the logits `second`."""
    return ReLIC("inner", **options)(online=[first, second], target=[EYE, EYE])


def kl_by_loops(p: np.ndarray, q: np.ndarray) -> float:
    return sum(a * log(a / b) for a, b in zip(p, q, strict=True))


def softmax_by_loops(logits: Tensor) -> np.ndarray:
    weights = [[exp(logit) for logit in row] for row in logits.tolist()]
    return np.array([[weight / sum(row) for weight in row] for row in weights])


def test_three_samples_by_hand() -> None:
    # Weights exp(logit) chosen so that the probabilities are round numbers.
    #   p12 = 1/2 1/4 1/4      p21 = 1/4 1/2 1/4
    #         1/5 3/5 1/5            1/5 3/5 1/5
    #         1/4 1/4 1/2            1/3 1/3 1/3
    first = torch.tensor([[2, 1, 1], [1, 3, 1], [1, 1, 2]], dtype=torch.float64).log()
    second = torch.tensor([[1, 2, 1], [1, 3, 1], [1, 1, 1]], dtype=torch.float64).log()
    # -log of the diagonals 1/2, 3/5, 1/2 and 1/4, 3/5, 1/3: mean of the six.
    contrastive = (log(2) + log(5 / 3) + log(2) + log(4) + log(5 / 3) + log(3)) / 6
    # Row 1: KL(p12 || p21) = 1/2 log 2 - 1/4 log 2 = log(2) / 4 = KL(p21 || p12). Row 2: 0.
    # Row 3: KL(p12 || p21) = 1/2 log(3/4) + 1/2 log(3/2),
    #        KL(p21 || p12) = 2/3 log(4/3) + 1/3 log(2/3).
    forward = (log(2) / 4 + log(3 / 4) / 2 + log(3 / 2) / 2) / 3
    reverse = (log(2) / 4 + 2 * log(4 / 3) / 3 + log(2 / 3) / 3) / 3
    assert forward == pytest.approx(0.0773928, abs=1e-7)
    assert reverse == pytest.approx(0.0766399, abs=1e-7)

    terms = terms_of_logits(first, second, alpha=2.0)
    assert terms["contrastive"].item() == pytest.approx(contrastive)
    assert terms["invariance"].item() == pytest.approx((forward + reverse) / 2)
    assert terms["loss"].item() == pytest.approx(contrastive + forward + reverse)
    assert terms_of_logits(first, second, alpha=2.0, direction="both") == terms
    one_way = terms_of_logits(first, second, direction="forward")
    other_way = terms_of_logits(first, second, direction="reverse")
    assert one_way["invariance"].item() == pytest.approx(forward)
    assert other_way["invariance"].item() == pytest.approx(reverse)


@pytest.mark.parametrize("similarity", ["inner", "neg_squared_l2", "cosine", "neg_l3"])
def test_the_terms_equal_their_transcription_with_a_target(similarity: str) -> None:
    o1, o2, t1, t2 = outputs(4, 5, 3)

    def logits(u: Tensor, v: Tensor) -> Tensor:
        if similarity == "inner":
            return u @ v.T / 0.5
        if similarity == "cosine":
            return torch.cosine_similarity(u[:, None], v[None], dim=-1) / 0.5
        power = 3 if similarity == "neg_l3" else 2
        return -((u[:, None] - v[None]).abs() ** power).sum(-1) / 0.5

    p12, p21 = softmax_by_loops(logits(o1, t2)), softmax_by_loops(logits(o2, t1))
    contrastive = -np.mean([log(p[i, i]) for p in (p12, p21) for i in range(5)])
    both = [(kl_by_loops(p, q) + kl_by_loops(q, p)) / 2 for p, q in zip(p12, p21, strict=True)]
    terms = ReLIC(similarity, tau=0.5, alpha=0.3)([o1, o2], target=[t1, t2])
    assert terms["contrastive"].item() == pytest.approx(contrastive, rel=1e-11)
    assert terms["invariance"].item() == pytest.approx(np.mean(both), rel=1e-11)
    assert terms["loss"].item() == pytest.approx(contrastive + 0.3 * np.mean(both), rel=1e-11)


@pytest.mark.parametrize("divergence", ["kl", "js", "hellinger2", "tv", "l2"])
def test_the_penalty_is_zero_iff_the_two_distributions_are_equal(divergence: str) -> None:
    (logits,) = outputs(1, 3, 3)
    shifted = logits + torch.tensor([[1.0], [-2.0], [3.0]])  # a constant per row: equal softmaxes
    equal = terms_of_logits(logits, shifted, divergence=divergence)["invariance"]
    assert equal.item() == pytest.approx(0, abs=1e-15)
    for row in range(3):
        changed = logits.clone()
        changed[row, 0] += 0.5
        assert terms_of_logits(logits, changed, divergence=divergence)["invariance"] > 1e-4


def test_two_different_symmetric_matrices_are_punished_with_a_target_and_not_without() -> None:
    first, second = (logits + logits.T for logits in outputs(2, 3, 3))
    assert terms_of_logits(first, second)["invariance"] > 0.1
    # Without a target the logits of p21 are those of p12 transposed; u = a, v = a m with symmetric
    # m makes u v' = a m a' symmetric.
    a, m = outputs(2, 6, 6)
    assert ReLIC("inner")([a, a @ (m + m.T)])["invariance"].item() == pytest.approx(0, abs=1e-12)
    assert ReLIC("inner")([a, a @ m])["invariance"] > 0.1


def test_without_a_target_the_second_distribution_comes_from_the_transposed_logits() -> None:
    u, v = outputs(2, 4, 3)
    logits = u @ v.T
    p, q = softmax_by_loops(logits), softmax_by_loops(logits.T)
    expected = np.mean([kl_by_loops(a, b) for a, b in zip(p, q, strict=True)])
    value = ReLIC("inner", direction="forward")([u, v])["invariance"].item()
    assert value == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("similarity", ["cosine", "inner", "neg_squared_l2", "neg_l1"])
def test_alpha_zero_is_infonce_with_both_directions(similarity: str) -> None:
    u, v, a, b = outputs(4, 2, 9, 3)
    for target in (None, [a, b]):
        relic = ReLIC(similarity, tau=0.3, alpha=0.0)([u, v], target)["loss"]
        infonce = InfoNCE(similarity, tau=0.3, symmetric=True)([u, v], target)["loss"]
        assert torch.allclose(relic, infonce, rtol=1e-11)


@pytest.mark.parametrize("similarity", ["inner", "neg_squared_l2"])
def test_one_style_for_the_whole_batch_goes_unseen_and_one_per_sample_does_not(
    similarity: str,
) -> None:
    content, style1, style2 = outputs(3, 64, 4)
    common = [torch.cat([content, s[:1].expand(64, 4)], -1) for s in (style1, style2)]
    own = [torch.cat([content, s], -1) for s in (style1, style2)]
    objective = ReLIC(similarity)
    assert objective(common)["invariance"].item() == pytest.approx(0, abs=1e-10)
    assert objective(own)["invariance"] > 0.5


def test_gradients_reach_both_sides_unless_the_caller_detached_one() -> None:
    for detached in (False, True):
        o1, o2, t1, t2 = (view.requires_grad_() for view in outputs(4, 5, 3))
        target = [t1.detach(), t2.detach()] if detached else [t1, t2]
        ReLIC("inner")([o1, o2], target)["loss"].backward()
        assert all(view.grad is not None and view.grad.abs().sum() > 0 for view in (o1, o2))
        for view in (t1, t2):
            assert (view.grad is None) if detached else (view.grad.abs().sum() > 0)


def test_without_a_target_the_gradient_is_that_of_both_roles() -> None:
    u, v = (view.requires_grad_() for view in outputs(2, 5, 3))
    ReLIC("inner")([u, v])["loss"].backward()
    o1, o2, t1, t2 = (view.detach().clone().requires_grad_() for view in (u, v, u, v))
    ReLIC("inner")([o1, o2], [t1, t2])["loss"].backward()
    assert torch.allclose(u.grad, o1.grad + t1.grad, rtol=1e-12)
    assert torch.allclose(v.grad, o2.grad + t2.grad, rtol=1e-12)


@pytest.mark.parametrize("similarity", ["cosine", "inner", "neg_squared_l2", "neg_l3"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"direction": "forward"},
        {"direction": "reverse"},
        {"divergence": "js"},
        {"divergence": "hellinger2"},
        {"divergence": "l2"},
    ],
    ids=str,
)
def test_every_term_has_the_gradient_of_finite_differences(similarity: str, options: dict) -> None:
    objective = ReLIC(similarity, tau=0.7, alpha=0.5, **options)
    views = [view.requires_grad_() for view in outputs(4, 2, 5, 3)]

    def terms(o1: Tensor, o2: Tensor, t1: Tensor, t2: Tensor) -> tuple[Tensor, ...]:
        return tuple(objective([o1, o2], [t1, t2]).values())

    # A second backward pass recomputes what the first one had kept: equal up to rounding.
    assert torch.autograd.gradcheck(terms, views, nondet_tol=1e-12)


@pytest.mark.parametrize("divergence", ["kl", "js"])
@pytest.mark.parametrize("direction", ["both", "forward"])
def test_stop_gradient_holds_one_argument_of_the_divergence_fixed(
    divergence: str, direction: str
) -> None:
    def gradients(stop_gradient: str) -> list[Tensor]:
        first, second = (view.requires_grad_() for view in outputs(2, 3, 3))
        terms = terms_of_logits(
            first,
            second,
            divergence=divergence,
            direction=direction,
            stop_gradient=stop_gradient,
        )
        terms["invariance"].backward()
        return [first.grad, second.grad]

    none, first, second = (gradients(name) for name in ("none", "first", "second"))
    for whole, part, rest in zip(none, first, second, strict=True):
        assert torch.allclose(whole, part + rest, rtol=1e-11, atol=1e-15)
    if direction == "forward":
        # D(p12 || p21): the first argument depends on the first view's logits alone.
        assert first[0].abs().max() == 0 < first[1].abs().max()
        assert second[1].abs().max() == 0 < second[0].abs().max()


def test_three_views_give_one_invariance_term_per_unordered_pair() -> None:
    views = outputs(3, 6, 3)
    whole = ReLIC("neg_squared_l2")(views)
    pairs = [ReLIC("neg_squared_l2")([views[k], views[j]]) for k, j in ((0, 1), (0, 2), (1, 2))]
    for name in ("loss", "contrastive", "invariance"):
        expected = sum(pair[name] for pair in pairs) / 3
        assert torch.allclose(whole[name], expected, rtol=1e-12)


def test_log_candidates_can_be_taken_off() -> None:
    views = outputs(2, 6, 3)
    plain, less = (ReLIC(subtract_log_candidates=subtract)(views) for subtract in (False, True))
    assert less["loss"].item() == pytest.approx(plain["loss"].item() - log(6))
    assert torch.equal(less["invariance"], plain["invariance"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tau": 0.0}, "tau must be above 0, got 0.0"),
        ({"alpha": -0.1}, "alpha must be at least 0, got -0.1"),
        ({"rho": -1.0}, "rho must be at least 0, got -1.0"),
        ({"alpha": 1.0, "rho": 0.1}, "alpha = 1.0 and rho = 0.1"),
        ({"dual_rate": 0.0}, "dual_rate must be above 0, got 0.0"),
        ({"divergence": "helinger2"}, "'hellinger2'"),
        ({"direction": "backward"}, "'backward'"),
        ({"stop_gradient": "target"}, "'target'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ReLIC(**arguments)


def test_a_batch_of_negatives_is_refused() -> None:
    with pytest.raises(InputError, match="no batch of negatives"):
        ReLIC()(outputs(2, 6, 3), negatives=torch.ones(6, 3))
