"""Heads: which layers, on what, what they refuse."""

import pytest
import torch
from torch import nn

from causal_ssl.errors import InputError
from causal_ssl.models.heads import Head


def kinds(head: Head) -> list[str]:
    return [type(layer).__name__ for layer in head.make(6, 3).children()]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (Head((5,)), ["Linear", "ReLU", "Linear"]),
        (Head((5,), slope=0.1), ["Linear", "LeakyReLU", "Linear"]),
        (Head((5,), batch_norm=True), ["Linear", "BatchNorm1d", "ReLU", "Linear"]),
        (Head((5,), last_batch_norm=True), ["Linear", "ReLU", "Linear", "BatchNorm1d"]),
        (Head((5, 4)), ["Linear", "ReLU", "Linear", "ReLU", "Linear"]),
        (Head(last_batch_norm=True), ["Linear", "BatchNorm1d"]),
    ],
)
def test_layers(head: Head, expected: list[str]) -> None:
    assert kinds(head) == expected
    assert head.make(6, 3)(torch.randn(7, 6)).shape == (7, 3)


@pytest.mark.parametrize("bias", [True, False])
def test_widths_and_biases(bias: bool) -> None:
    linear = [m for m in Head((5, 4), bias=bias).make(6, 3) if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(6, 5), (5, 4), (4, 3)]
    assert [m.bias is not None for m in linear] == [bias] * 3


def test_the_value_is_that_of_the_formula() -> None:
    network = Head((5,), batch_norm=True, slope=0.2).make(6, 3)
    x = torch.randn(7, 6, generator=torch.Generator().manual_seed(0))
    first, last = network[0], network[3]
    h = x @ first.weight.T + first.bias
    h = (h - h.mean(0)) / (h.var(0, correction=0) + 1e-5).sqrt()
    expected = torch.where(h > 0, h, 0.2 * h) @ last.weight.T + last.bias
    torch.testing.assert_close(network(x), expected)


def test_without_hidden_layers_it_is_one_affine_map() -> None:
    assert isinstance(Head().make(6, 3), nn.Linear)


def test_widths_in_words() -> None:
    assert Head((5, 4)).widths(3) == "5-4-3"
    assert Head().widths("classes") == "classes"


def test_bad_heads() -> None:
    with pytest.raises(InputError, match="width of a hidden layer must be at least 1, got 0"):
        Head((5, 0))
    with pytest.raises(InputError, match="slope must be at least 0 and at most 1"):
        Head(slope=-0.1)
