"""The target network follows the online one, and no gradient flows into it."""

import math

import pytest
import torch
from torch import nn

from causal_ssl.errors import InputError
from causal_ssl.models.ema import EMATarget, ema_decay


def test_decay_rises_from_its_start_to_one() -> None:
    decays = [ema_decay(k, total=50, start=0.9) for k in range(51)]
    assert decays[0] == pytest.approx(0.9)
    assert decays[25] == pytest.approx(0.95)
    assert decays[50] == 1.0
    assert decays == sorted(decays)


def test_update_is_the_weighted_mean_of_parameters_alone() -> None:
    online = nn.BatchNorm1d(3)
    target = EMATarget(online)
    with torch.no_grad():
        online.weight.fill_(3.0)
        online.running_mean.fill_(9.0)
    target.update(online, 0.75)
    assert torch.equal(target.network.weight, torch.full((3,), 1.5))
    assert torch.equal(target.network.running_mean, torch.zeros(3))


def test_copy_is_independent_and_carries_no_gradient() -> None:
    online = nn.Linear(4, 2)
    target = EMATarget(online)
    x = torch.linspace(-1, 1, 20).view(5, 4).requires_grad_()
    assert torch.equal(target(x), online(x))
    assert not target(x).requires_grad
    assert not any(p.requires_grad for p in target.parameters())
    with torch.no_grad():
        online.weight.add_(1.0)
    assert not torch.equal(target(x), online(x))


@pytest.mark.parametrize(("step", "start"), [(-1, 0.9), (11, 0.9), (0, 1.5), (0, math.nan)])
def test_values_out_of_range_are_refused(step: int, start: float) -> None:
    with pytest.raises(InputError):
        ema_decay(step, total=10, start=start)
