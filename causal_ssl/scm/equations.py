"""Structural equations: what one variable is computed from, untouched or under an intervention."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor, nn

from causal_ssl.errors import InputError
from causal_ssl.scm.laws import law_tensors

NOISE = "noise"
FACTUAL = "factual"

Laws = Mapping[str, TorchDistributionMixin]
Tensors = Mapping[str, Tensor]


def argument_names(function: Callable[..., Tensor], owner: str) -> tuple[str, ...]:
    """Names of the arguments that must be given to `function`, read off its signature.

    Arguments with a default are constants of the function (`lambda content, B=B: ...`).

    Raises:
        InputError: `function` cannot be called by argument names; `owner` says whose it is.

    Examples:
        >>> argument_names(lambda content, noise, scale=2.0: scale * content + noise, "mechanism")
        ('content', 'noise')
    """
    if not callable(function):
        raise InputError(f"{owner} is {function!r}: expected a function of named arguments")
    # A module's __call__ takes anything: what it reads is said by its forward, or by itself.
    plain_module = isinstance(function, nn.Module) and not hasattr(function, "__signature__")
    target = getattr(function, "forward", function) if plain_module else function
    parameters = inspect.signature(target).parameters.values()
    required = [p for p in parameters if p.default is inspect.Parameter.empty]
    for parameter in required:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InputError(
                f"{owner} takes {str(parameter)!r}, which names no variable: "
                "write out each parent as an argument of its own"
            )
    return tuple(parameter.name for parameter in required)


class Equation(Protocol):
    """How one variable follows from its parents and its noise."""

    @property
    def parents(self) -> tuple[str, ...]:
        """Variables that the equation reads."""

    @property
    def noise(self) -> Laws:
        """Exogenous noise that belongs to the variable: key -> law."""

    def solve(
        self, values: Tensors, noise: Tensors, batch: torch.Size, factual: Tensor | None
    ) -> Tensor:
        """The variable's value (*batch, *event); `factual` is given in counterfactuals only."""


@dataclass(frozen=True, eq=False)
class Mechanism:
    """The model's own equation: value = function(parents, noise)."""

    variable: str
    function: Callable[..., Tensor]
    parents: tuple[str, ...]
    noise: Laws
    law_names: tuple[str, ...] = field(init=False)
    """Tensors of the noise law, taken down now: distributions cache derived ones when used."""

    def __post_init__(self) -> None:
        names = tuple(name for law in self.noise.values() for name in law_tensors(law))
        object.__setattr__(self, "law_names", names)

    def solve(
        self, values: Tensors, noise: Tensors, batch: torch.Size, factual: Tensor | None
    ) -> Tensor:
        arguments = {parent: values[parent] for parent in self.parents}
        if self.noise:
            arguments[NOISE] = noise[self.variable]
        return self.function(**arguments)


@dataclass(frozen=True, eq=False)
class Fixed:
    """A hard intervention: value = constant, (*event) or per sample (n, *event).

    The variable keeps its exogenous noise, unused, so that every other variable meets the noise
    that it would have met without the intervention.
    """

    variable: str
    value: Tensor
    event_dim: int
    noise: Laws
    parents: tuple[str, ...] = ()

    def solve(
        self, values: Tensors, noise: Tensors, batch: torch.Size, factual: Tensor | None
    ) -> Tensor:
        per_sample = self.value.dim() > self.event_dim
        if per_sample and batch[-1:] != self.value.shape[:1]:
            raise InputError(
                f"do({self.variable}=...) gives {len(self.value)} values, one a sample, to "
                f"{batch[-1] if batch else 'a single'} sample(s): draw {len(self.value)} samples"
            )
        event = self.value.shape[1:] if per_sample else self.value.shape
        return self.value.expand(*batch, *event)


@dataclass(frozen=True, eq=False)
class Softened:
    """A soft intervention: value = function(variables, factual, fresh noise).

    Attributes:
        base: the equation that it replaces.
        reads: variables among the function's arguments.
        fresh: argument -> key of its fresh noise.
        laws: key of fresh noise -> law.
    """

    base: Equation
    function: Callable[..., Tensor]
    reads: tuple[str, ...]
    reads_factual: bool
    fresh: Mapping[str, str]
    laws: Laws

    @property
    def parents(self) -> tuple[str, ...]:
        through_factual = self.base.parents if self.reads_factual else ()
        return tuple(dict.fromkeys((*self.reads, *through_factual)))

    @property
    def noise(self) -> Laws:
        return {**self.base.noise, **self.laws}

    def solve(
        self, values: Tensors, noise: Tensors, batch: torch.Size, factual: Tensor | None
    ) -> Tensor:
        arguments = {name: values[name] for name in self.reads}
        arguments |= {argument: noise[key] for argument, key in self.fresh.items()}
        if self.reads_factual:
            natural = self.base.solve(values, noise, batch, None) if factual is None else factual
            arguments[FACTUAL] = natural
        return self.function(**arguments)
