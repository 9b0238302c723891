"""A device by its name is that device, and "auto" is CUDA where there is any."""

import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.training.device import device_of


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_what_a_name_means(
    monkeypatch: pytest.MonkeyPatch, name: str, there: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device_of(name) == expected


def test_cuda_is_not_replaced_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device: choose cpu or auto"):
        device_of("cuda")


def test_another_name_is_refused() -> None:
    with pytest.raises(InputError, match="unknown device 'gpu'"):
        device_of("gpu")
