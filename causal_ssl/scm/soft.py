"""Soft interventions: a variable's mechanism replaced by a function rather than by a value."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor

from causal_ssl.errors import InputError, unknown_name
from causal_ssl.scm.checks import check_noise
from causal_ssl.scm.equations import FACTUAL, NOISE, Equation, Softened, argument_names


@dataclass(frozen=True, eq=False)
class Soft:
    """A soft intervention, as `soft` makes it and `StructuralCausalModel.do` takes it.

    Attributes:
        function: the new mechanism.
        arguments: what it reads: variables, "factual" and fresh noise.
        noise: argument -> law of the fresh noise.
    """

    function: Callable[..., Tensor]
    arguments: tuple[str, ...]
    noise: Mapping[str, TorchDistributionMixin]


def soft(function: Callable[..., Tensor], /, **noise: TorchDistributionMixin) -> Soft:
    """A soft intervention: the variable becomes `function` of whatever its argument names say.

    Args:
        function: takes by name any of
            - variables of the model, (n, *event) each: the variable's new parents;
            - `factual`, (n, *event): its value without this intervention. In `counterfactual` that
              is the value in the given world; in `do` it is what the replaced mechanism gives for
              the parents as they are under all interventions;
            - fresh noise, independent of the world's: each name given in `noise`, and `noise`
              itself, which by default follows the law of the variable's own noise.
            Returns (n, *event). Arguments with a default value are constants.
        **noise: argument name -> Pyro distribution of that fresh noise; one event is one sample.

    Raises:
        InputError: fresh noise that the function does not read, or named `factual`.

    Examples:
        Shift a variable by a fresh step:

        >>> from pyro.distributions import Normal
        >>> jitter = soft(lambda factual, step: factual + step, step=Normal(0.0, 0.1))
        >>> jitter.arguments
        ('factual', 'step')
    """
    arguments = argument_names(function, "soft intervention")
    for name, law in noise.items():
        if name == FACTUAL:
            raise InputError("soft(..., factual=...): `factual` is not noise, choose another name")
        if name not in arguments:
            raise InputError(
                f"soft(..., {name}=...) gives fresh noise that the function does not read (its "
                f"arguments: {', '.join(arguments) or 'none'}): add the argument or drop the noise"
            )
        check_noise(name, law)
    return Soft(function, arguments, noise)


def softened(
    variable: str, base: Equation, intervention: Soft, variables: Collection[str]
) -> Softened:
    """The equation of `variable` under a soft intervention.

    Raises:
        InputError: an argument that is neither a variable nor noise, or both.
    """
    laws = dict(intervention.noise)
    if NOISE in intervention.arguments and NOISE not in laws:
        if variable not in base.noise:
            raise InputError(
                f"the soft intervention on {variable!r} reads `noise`, but {variable!r} has no "
                "noise of its own: give soft(..., noise=distribution)"
            )
        laws[NOISE] = base.noise[variable]
    for name in laws:
        if name in variables:
            raise InputError(
                f"the soft intervention on {variable!r} has fresh noise named like the variable "
                f"{name!r}: choose another name"
            )
    reads = tuple(a for a in intervention.arguments if a not in laws and a != FACTUAL)
    for name in reads:
        if name not in variables:
            raise unknown_name(
                f"argument of the soft intervention on {variable!r}", name, [*variables, FACTUAL]
            )
    keys = {argument: _new_key(f"{variable}.{argument}", base) for argument in laws}
    return Softened(
        base,
        intervention.function,
        reads,
        reads_factual=FACTUAL in intervention.arguments,
        fresh=keys,
        laws={keys[argument]: law for argument, law in laws.items()},
    )


def _new_key(key: str, base: Equation) -> str:
    """`key`, primed where an earlier soft intervention on the variable holds it already."""
    # "style.noise" is the Pyro site of the variable's own noise.
    while key in base.noise or key.endswith(".noise"):
        key += "'"
    return key
