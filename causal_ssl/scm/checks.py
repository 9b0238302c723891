"""What a structural causal model refuses, in words that name the culprit and the remedy."""

from collections.abc import Iterable, Mapping

import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from pyro.poutine.condition_messenger import ConditionMessenger
from pyro.poutine.runtime import _PYRO_STACK
from torch import Tensor

from causal_ssl.errors import InputError, unknown_name
from causal_ssl.scm.equations import FACTUAL, NOISE
from causal_ssl.scm.world import World

RESERVED = (NOISE, FACTUAL, "generator")


def check_names(noise: Iterable[str], arguments: Mapping[str, tuple[str, ...]]) -> None:
    """Noise and parents must belong to the variables, and noise be given where it is read."""
    if not arguments:
        raise InputError("a structural causal model needs at least one mechanism: got none")
    for variable, names in arguments.items():
        if variable in RESERVED or not variable.isidentifier():
            raise InputError(
                f"{variable!r} cannot name a variable: use an identifier other than "
                + ", ".join(RESERVED)
            )
        for name in names:
            if name != NOISE and name not in arguments:
                raise unknown_name(f"parent of {variable!r}", name, arguments)
        if NOISE in names and variable not in noise:
            raise InputError(
                f"missing noise: the mechanism of {variable!r} reads `noise`, but noise has no "
                f"{variable!r}; give its distribution or drop the argument"
            )
        if NOISE not in names and variable in noise:
            raise InputError(
                f"noise for {variable!r} is given, but its mechanism has no argument `noise`: "
                "add the argument or drop the noise"
            )
    for variable in noise:
        if variable not in arguments:
            raise unknown_name("variable in noise (it has no mechanism)", variable, arguments)


def check_noise(name: str, law: object) -> None:
    """Noise must be a Pyro distribution one event of which is one sample."""
    if not isinstance(law, TorchDistributionMixin):
        raise InputError(
            f"noise for {name!r} is a {type(law).__name__}: expected a distribution of "
            "pyro.distributions"
        )
    if law.batch_shape:
        raise InputError(
            f"noise for {name!r} has batch shape {tuple(law.batch_shape)}, so that one draw is "
            f"several samples: add .to_event({len(law.batch_shape)})"
        )


def check_sample_size(n: int) -> None:
    """At least one sample."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise InputError(f"n must be an integer of at least 1, got {n!r}")


def check_generator(generator: torch.Generator | None, device: torch.device) -> None:
    """Noise is drawn on the model's device, so the generator must live there."""
    if not isinstance(generator, torch.Generator):
        raise InputError(
            f"generator is {generator!r}, but noise is to be drawn: give a torch.Generator, "
            "e.g. causal_ssl.randomness.generator_for(seed)"
        )
    if generator.device.type != device.type:
        raise InputError(
            f"the generator is on {generator.device}, the model's noise on {device}: "
            f"make the generator on {device}"
        )


def check_intervention(variable: str, value: Tensor, event: torch.Size) -> None:
    """A hard intervention must be finite enough to mean something, and of the variable's shape."""
    if value.is_floating_point() and bool(value.isnan().any()):
        raise InputError(
            f"do({variable}=...) has {int(value.isnan().sum())} NaN among {value.numel()} values: "
            "give a number for each"
        )
    one_event = value.dim() == 0 or value.shape == event
    if not one_event and not (value.dim() == len(event) + 1 and value.shape[1:] == event):
        raise InputError(
            f"do({variable}=...) has shape {tuple(value.shape)}: expected a number, "
            f"{tuple(event)}, or one value a sample, {('n', *event)}"
        )


def check_solution(
    variable: str, value: object, batch: torch.Size, event: torch.Size | None
) -> None:
    """A mechanism must return one event for each sample, of the same shape every time."""
    if not isinstance(value, Tensor):
        raise InputError(
            f"the mechanism of {variable!r} returned a {type(value).__name__}: expected a tensor"
        )
    shape = tuple(value.shape)
    if shape[: len(batch)] != tuple(batch):
        raise InputError(
            f"the mechanism of {variable!r} returned shape {shape} for {tuple(batch)} samples: "
            f"expected {(*batch, '...')}; it must keep the leading sample dimensions"
        )
    if event is not None and shape[len(batch) :] != tuple(event):
        raise InputError(
            f"the mechanism of {variable!r} returned shape {shape}: expected {(*batch, *event)}, "
            f"as {variable!r} has event shape {tuple(event)}"
        )


def as_given(variable: str, seen: Tensor, value: Tensor) -> Tensor:
    """What a variable's Pyro site returned: its value or, under `pyro.do`, whatever was given."""
    if seen is value:
        return value
    try:
        return seen.to(value).expand_as(value)
    except RuntimeError:
        raise InputError(
            f"pyro.do gives {variable!r} shape {tuple(seen.shape)}: expected a tensor that "
            f"broadcasts to {tuple(value.shape)}"
        ) from None


def check_world(world: World, variables: Iterable[str], noise: Iterable[str]) -> None:
    """A counterfactual needs every variable and all exogenous noise of the factual world."""
    for kind, needed, there in [
        ("variable", variables, world),
        ("exogenous noise of", noise, world.noise),
    ]:
        for name in needed:
            if name not in there:
                raise InputError(
                    f"the world lacks the {kind} {name!r}: give a world drawn from this model"
                )


def refuse_conditioning_on(variables: Iterable[str]) -> None:
    """`pyro.condition` on a deterministic site overwrites it: an intervention in disguise."""
    for handler in _PYRO_STACK:
        if isinstance(handler, ConditionMessenger):
            names = handler.data.nodes if hasattr(handler.data, "nodes") else handler.data
            for variable in sorted(set(variables).intersection(names)):
                raise InputError(
                    f"pyro.condition on {variable!r}, which is computed, not drawn, would act like "
                    f"do({variable}=...): condition on a noise site such as "
                    f"'{variable}.noise', or intervene with pyro.do"
                )
