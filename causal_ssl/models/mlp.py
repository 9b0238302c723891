"""Fully connected encoders, several independent ones trained as one batched network."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.models._affine import affine, convolution_pays

Output = Literal["linear", "sigmoid"]


class ReplicatedMLP(nn.Module):
    """R encoders of one shape with weights of their own, evaluated together.

    Layers are affine maps with LeakyReLU between them; `output="sigmoid"` squashes the last one to
    (0, 1), as alignment with maximum entropy needs. Weights start as `torch.nn.Linear`'s do, drawn
    per replica from its own generator, so a replica starts the same whatever it is grouped with.

    Replicas go through `baddbmm`. Wide layers on many rows on a CPU are the exception: there one
    replica runs after another, through a kernel that has no batched form and is twice as fast.

    Args:
        widths: layer widths from input to output, at least two.
        replicas: number R of independent networks.
        slope: LeakyReLU's slope for negative inputs.
        output: "linear" or "sigmoid".
        generators: one CPU generator per replica (default: seeds 0 .. R - 1).

    Raises:
        InputError: fewer than two widths, a width or `replicas` below 1, an unknown `output`, or
            another number of generators than replicas.

    Examples:
        >>> encoder = ReplicatedMLP([10, 32, 5], replicas=3)
        >>> encoder(torch.zeros(3, 7, 10)).shape
        torch.Size([3, 7, 5])
        >>> encoder.replica(2)(torch.zeros(7, 10)).shape
        torch.Size([7, 5])
        >>> encoder.n_parameters
        517
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        replicas: int,
        slope: float = 0.01,
        output: Output = "linear",
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        if generators is None:
            generators = [torch.Generator().manual_seed(r) for r in range(replicas)]
        _check(widths, replicas, output, generators)
        self.widths = tuple(widths)
        self.replicas = replicas
        self.slope = slope
        self.output = output
        # (R, d_out, d_in) and (R, d_out): torch.nn.Linear's layout behind the replica dimension.
        self.weights = nn.ParameterList(
            torch.empty(replicas, d_out, d_in) for d_in, d_out in pairwise(widths)
        )
        self.biases = nn.ParameterList(torch.empty(replicas, d_out) for d_out in widths[1:])
        self._initialise(generators)

    @torch.no_grad()
    def _initialise(self, generators: Sequence[torch.Generator]) -> None:
        for r, generator in enumerate(generators):
            for weight, bias in zip(self.weights, self.biases, strict=True):
                nn.init.kaiming_uniform_(weight[r], a=math.sqrt(5), generator=generator)
                bound = 1 / math.sqrt(weight.shape[-1])
                nn.init.uniform_(bias[r], -bound, bound, generator=generator)

    @property
    def n_parameters(self) -> int:
        """Parameters of one replica."""
        return sum(p[0].numel() for p in self.parameters())

    def forward(self, x: Tensor) -> Tensor:
        """Representations (R, n, d_out) of inputs (R, n, d_in); replica r sees x[r] alone."""
        expected = (self.replicas, self.widths[0])
        if x.ndim != 3 or (x.shape[0], x.shape[2]) != expected:
            raise InputError(
                f"inputs of shape {tuple(x.shape)}: expected (replicas, n, inputs) = "
                f"({expected[0]}, n, {expected[1]})"
            )
        one_by_one = any(convolution_pays(x, *layer) for layer in pairwise(self.widths))
        x = self._one_by_one(x) if one_by_one else self._batched(x)
        return torch.sigmoid(x) if self.output == "sigmoid" else x

    def _batched(self, x: Tensor) -> Tensor:
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
            if layer < last:
                x = F.leaky_relu_(x, self.slope)
        return x

    def _one_by_one(self, x: Tensor) -> Tensor:
        weights = zip(*map(_replicas_of, self.weights), strict=True)
        biases = zip(*map(_replicas_of, self.biases), strict=True)
        return torch.stack(
            [self._single(*arguments) for arguments in zip(x, weights, biases, strict=True)]
        )

    def _single(self, x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        last = len(weights) - 1
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            x = affine(x, weight, bias, slope=self.slope if layer < last else 1.0)
        return x

    def replica(self, r: int) -> nn.Sequential:
        """Replica r as a plain network of its own (a copy): (..., d_in) -> (..., d_out)."""
        if not 0 <= r < self.replicas:
            raise InputError(f"replica {r}: there are {self.replicas}, counted from 0")
        layers: list[nn.Module] = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            linear = nn.utils.skip_init(
                nn.Linear, weight.shape[2], weight.shape[1], device=weight.device
            )
            with torch.no_grad():
                linear.weight.copy_(weight[r])
                linear.bias.copy_(bias[r])
            layers += [linear, nn.LeakyReLU(self.slope)]
        layers.pop()
        if self.output == "sigmoid":
            layers.append(nn.Sigmoid())
        return nn.Sequential(*layers)

    def extra_repr(self) -> str:
        return (
            f"widths={self.widths}, replicas={self.replicas}, slope={self.slope}, "
            f"output={self.output!r}"
        )


def _replicas_of(parameter: Tensor) -> Sequence[Tensor]:
    # A view of one replica costs nothing; unbind's backward stacks the gradients of several once.
    return [parameter.squeeze(0)] if len(parameter) == 1 else parameter.unbind()


def _check(
    widths: Sequence[int], replicas: int, output: str, generators: Sequence[torch.Generator]
) -> None:
    if len(widths) < 2 or min(widths) < 1:
        raise InputError(
            f"widths {list(widths)}: name at least an input and an output width, each >= 1"
        )
    in_range("replicas", replicas, at_least=1)
    one_of("output", output, get_args(Output))
    if len(generators) != replicas:
        raise InputError(f"{len(generators)} generators for {replicas} replicas: give one each")
