"""The learning rate is what its definition says, at the steps where libraries differ."""

import math

import pytest

from causal_ssl.errors import InputError
from causal_ssl.training.schedule import lr_at

TOTAL, WARMUP = 1000, 20


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 1e-4),
        (WARMUP - 1, 1e-4 + (1e-2 - 1e-4) * 19 / 20),
        (WARMUP, 1e-2),
        ((TOTAL + WARMUP) // 2, (1e-2 + 1e-5) / 2),
        (TOTAL - 1, 1e-5 + (1e-2 - 1e-5) * (1 + math.cos(math.pi * 979 / 980)) / 2),
    ],
)
def test_values(step: int, expected: float) -> None:
    value = lr_at(step, base=1e-2, total=TOTAL, warmup=WARMUP, start=1e-4, end=1e-5)
    assert value == pytest.approx(expected, rel=1e-12)


def test_rises_then_falls() -> None:
    rates = [lr_at(k, base=1.0, total=TOTAL, warmup=WARMUP) for k in range(TOTAL)]
    assert rates[: WARMUP + 1] == sorted(rates[: WARMUP + 1])
    assert rates[WARMUP:] == sorted(rates[WARMUP:], reverse=True)
    assert max(rates) == rates[WARMUP] == 1.0


def test_without_warmup_the_first_step_has_the_full_rate() -> None:
    assert lr_at(0, base=0.3, total=1) == 0.3


@pytest.mark.parametrize(
    "arguments", [{"step": -1}, {"step": 10}, {"step": 0, "warmup": 11}, {"step": 0, "warmup": -1}]
)
def test_steps_outside_the_run_are_refused(arguments: dict) -> None:
    with pytest.raises(InputError):
        lr_at(base=1.0, total=10, **arguments)
