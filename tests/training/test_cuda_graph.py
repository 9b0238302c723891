"""Warming up for a recording leaves no trace, and no tensor at another address."""

import torch
from torch import Tensor

from causal_ssl import methods
from causal_ssl.models.mlp import ReplicatedMLP
from causal_ssl.training.cuda_graph import undone
from causal_ssl.training.step import TrainingStep

B = 16


def constrained() -> TrainingStep:
    encoder = ReplicatedMLP([6, 8, 3], replicas=2)
    objective = methods.get("relic_t").objective(rho=0.01, dual_rate=0.5)
    return TrainingStep(encoder, objective, batch_size=B, target=True)


def views(step: int) -> Tensor:
    return torch.randn(2, 2 * B, 6, generator=torch.Generator().manual_seed(step))


def test_steps_before_a_recording_change_nothing_that_follows() -> None:
    warm, fresh = constrained(), constrained()
    for start in (0, 3):  # before the first step, and in the middle of a run
        with undone(warm):
            for k in range(2):
                warm(views(100 + k), learning_rate=1e-2, decay=0.5)
        for k in range(start, start + 3):
            ours = warm(views(k), learning_rate=1e-2, decay=0.9)
            assert torch.equal(ours, fresh(views(k), learning_rate=1e-2, decay=0.9))


def test_the_multiplier_stays_at_its_address_from_the_first_step_on() -> None:
    step = constrained()
    with undone(step):
        step(views(0), learning_rate=1e-2)
    multiplier = step.objective.multiplier
    assert torch.equal(multiplier, torch.ones(2)), "as it starts, for each replica"
    step(views(1), learning_rate=1e-2)
    assert step.objective.multiplier is multiplier
    assert not torch.equal(multiplier, torch.ones(2))
