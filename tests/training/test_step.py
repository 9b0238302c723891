"""One step trains each replica as it would be trained alone, with the method's second network."""

import copy

import pytest
import torch
from torch import Tensor, nn

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.models.mlp import ReplicatedMLP
from causal_ssl.objectives import InfoNCE, Objective
from causal_ssl.randomness import generator_for
from causal_ssl.training.step import TrainingStep, matmul_precision

B, WIDTHS = 32, [6, 16, 3]
CPU = torch.device("cpu")


def encoder(seeds: list[int], output: str = "linear") -> ReplicatedMLP:
    generators = [generator_for(seed, "encoder") for seed in seeds]
    return ReplicatedMLP(WIDTHS, replicas=len(seeds), generators=generators, output=output)


def views(replicas: int, batches: int = 2, step: int = 0) -> Tensor:
    return torch.randn(replicas, batches * B, 6, generator=generator_for(step, "test"))


def groups_for(objective: Objective, replicas: int, step: int = 0) -> Tensor | None:
    if not objective.takes_groups:
        return None
    return torch.randint(4, (replicas, B), generator=generator_for(step, "groups"))


@pytest.mark.parametrize("name", methods.names(takes_groups=None))
def test_replicas_train_as_they_would_alone(name: str) -> None:
    method = methods.get(name)

    def trained(replicas: list[int]) -> tuple[TrainingStep, Tensor]:
        step = TrainingStep(
            encoder(replicas, method.output),
            method.objective(),
            batch_size=B,
            target=method.target,
        )
        for k in range(3):
            # 2e-3: a replica alone and in a group differ in rounding, which Adam's first steps
            # (sign-like) and the following ones must not have time to blow up
            groups = groups_for(step.objective, 3, step=k)
            terms = step(
                views(3, step=k)[replicas],
                learning_rate=2e-3,
                decay=0.9,
                groups=None if groups is None else groups[replicas],
            )
        return step, terms

    together, terms = trained([0, 1, 2])
    assert terms.shape == (len(together.terms), 3)
    for r in range(3):
        alone, own_terms = trained([r])
        torch.testing.assert_close(terms[:, r], own_terms[:, 0], rtol=1e-3, atol=1e-4)
        for a, b in zip(together.encoder.parameters(), alone.encoder.parameters(), strict=True):
            torch.testing.assert_close(a[r], b[0], rtol=1e-3, atol=1e-4)


def test_is_adam_on_the_objective() -> None:
    ours = TrainingStep(encoder([0]), InfoNCE("neg_squared_l2"), batch_size=B)
    plain = ours.encoder.replica(0)
    adam = torch.optim.Adam(plain.parameters())
    for k, rate in enumerate((1e-3, 5e-3, 2e-3)):
        x = views(1, step=k)
        ours(x, learning_rate=rate)
        u, v = plain(x[0]).split(B)
        logits = -torch.cdist(u, v).square()
        loss = nn.functional.cross_entropy(logits, torch.arange(B))
        adam.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = rate
        adam.step()
    weights = zip(ours.encoder.replica(0).parameters(), plain.parameters(), strict=True)
    # Without the last bias: distances do not see it, and Adam blows its rounding noise up.
    for a, b in list(weights)[:-1]:
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_a_third_batch_serves_as_negatives() -> None:
    objective = InfoNCE("neg_squared_l2", negatives="separate")
    step = TrainingStep(encoder([0]), objective, batch_size=B)
    x = views(1, batches=3)
    u, v, w = step.encoder.replica(0)(x[0]).split(B)
    expected = objective([u, v], negatives=w)["loss"]
    torch.testing.assert_close(step.forward(x)["loss"][0], expected)


def test_groups_are_labels_of_the_samples_in_both_views() -> None:
    objective = InfoNCE("neg_squared_l2", positives="group_mass")
    step = TrainingStep(encoder([0, 1]), objective, batch_size=B)
    x, groups = views(2), groups_for(objective, 2)
    for r in (0, 1):
        u, v = step.encoder.replica(r)(x[r]).split(B)
        expected = objective([u, v], groups=groups[r])["loss"]
        torch.testing.assert_close(step.forward(x, groups)["loss"][r], expected)
    with pytest.raises(InputError, match="no groups"):
        step(x, learning_rate=1e-3)


def test_target_is_the_moving_average_after_each_step() -> None:
    method = methods.get("relic_t")
    step = TrainingStep(encoder([0]), method.objective(), batch_size=B, target=True)
    assert step.target is not None
    average = [p.detach().clone() for p in step.encoder.parameters()]
    for k, decay in enumerate((0.5, 0.9, 1.0)):
        step(views(1, step=k), learning_rate=1e-2, decay=decay)
        for a, p in zip(average, step.encoder.parameters(), strict=True):
            a.mul_(decay).add_(p.detach(), alpha=1 - decay)
    for a, p in zip(average, step.target.parameters(), strict=True):
        torch.testing.assert_close(a, p)
        assert p.grad is None


def test_the_callers_objective_keeps_its_state() -> None:
    objective = methods.get("relic").objective(rho=0.01, alpha=None)
    step = TrainingStep(encoder([0, 1]), objective, batch_size=B)
    step(views(2), learning_rate=1e-3)
    assert objective.multiplier.shape == ()
    assert step.objective.multiplier.shape == (2,)


def test_state_continues_exactly() -> None:
    method = methods.get("relic_t")

    def fresh() -> TrainingStep:
        objective = method.objective(rho=0.01, alpha=None)
        return TrainingStep(encoder([0, 1]), objective, batch_size=B, target=True)

    first, second = fresh(), fresh()
    for k in range(3):
        first(views(2, step=k), learning_rate=1e-2, decay=0.9)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for k in range(3, 6):
        ours = first(views(2, step=k), learning_rate=1e-2, decay=0.9)
        theirs = second(views(2, step=k), learning_rate=1e-2, decay=0.9)
        assert torch.equal(ours, theirs)


def test_bf16_stays_close_to_float32() -> None:
    losses = []
    for precision in ("float32", "bf16"):
        step = TrainingStep(
            encoder([0]), InfoNCE("neg_squared_l2"), batch_size=B, precision=precision
        )
        terms = step.forward(views(1))
        assert terms["loss"].dtype == torch.float32
        losses.append(terms["loss"].item())
    # bfloat16 keeps 8 bits: two layers of products are off by a few 2^-8
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_precision_is_checked_and_restored() -> None:
    before = torch.get_float32_matmul_precision()
    with matmul_precision("float32", CPU):
        pass
    with matmul_precision("tf32", torch.device("cuda")):
        assert torch.get_float32_matmul_precision() == "high"
    assert torch.get_float32_matmul_precision() == before
    for name, message in (("tf32", "exists on CUDA"), ("bf61", "did you mean 'bf16'")):
        with pytest.raises(InputError, match=message), matmul_precision(name, CPU):
            pass
