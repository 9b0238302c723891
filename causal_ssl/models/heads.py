"""Heads: the critic that objectives compare through, and the predictor of bootstrap methods.

critic = Head(hidden=(2048,), batch_norm=True).make(2048, 128)      # (n, 2048) -> (n, 128)
"""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from causal_ssl.errors import in_range


@dataclass(frozen=True)
class Head:
    """A fully connected network as one value: Linear, [batch norm], (Leaky)ReLU ... Linear, [...].

    Args:
        hidden: widths of the hidden layers; none: one affine map.
        batch_norm: between each hidden layer and its activation.
        last_batch_norm: after the last layer.
        bias: hidden and last layers have one; batch norm has its own in any case.
        slope: of the activation for negative values; 0: ReLU.

    Raises:
        InputError: a width below 1, or a slope outside [0, 1].

    Examples:
        >>> Head(hidden=(100,), slope=0.01).make(512, 8)
        Sequential(
          (0): Linear(in_features=512, out_features=100, bias=True)
          (1): LeakyReLU(negative_slope=0.01)
          (2): Linear(in_features=100, out_features=8, bias=True)
        )
        >>> Head().make(512, 8)
        Linear(in_features=512, out_features=8, bias=True)
    """

    hidden: tuple[int, ...] = ()
    batch_norm: bool = False
    last_batch_norm: bool = False
    bias: bool = True
    slope: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for width in self.hidden:
            in_range("width of a hidden layer", width, at_least=1)
        in_range("slope", self.slope, at_least=0, at_most=1)

    def widths(self, outputs: int | str) -> str:
        """The widths of its layers as one word, the last that of its outputs.

        Args:
            outputs: how many, or a word for their number.

        Examples:
            >>> Head((2048,)).widths(128)
            '2048-128'
        """
        return "-".join(map(str, (*self.hidden, outputs)))

    def make(self, d_in: int, d_out: int) -> nn.Module:
        """The network (n, d_in) -> (n, d_out); torch's initial weights, from its global state."""
        widths = (d_in, *self.hidden, d_out)
        layers: list[nn.Module] = []
        for left, right in pairwise(widths[:-1]):
            layers += [nn.Linear(left, right, bias=self.bias), *_norm(self.batch_norm, right)]
            layers.append(nn.LeakyReLU(self.slope) if self.slope else nn.ReLU())
        layers += [nn.Linear(widths[-2], d_out, bias=self.bias)]
        layers += _norm(self.last_batch_norm, d_out)
        return layers[0] if len(layers) == 1 else nn.Sequential(*layers)


def _norm(wanted: bool, width: int) -> list[nn.Module]:
    return [nn.BatchNorm1d(width)] if wanted else []
