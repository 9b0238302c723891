"""Structural causal models as Pyro programs: sample, intervene, ask what would have been.

scm = StructuralCausalModel(
    noise={"content": N(zeros(5), eye(5)), "style": N(zeros(5), eye(5))},
    mechanisms={
        "content": lambda noise: noise,
        "style": lambda content, noise: content @ B.T + noise,
    },
)
world = scm.sample(1000, generator=g)  # p(C, S)
scm.do(style=s).sample(1000, generator=g)  # p^do(S = s)(C, S)
scm.counterfactual(world, style=soft(resample), generator=g)  # the same samples, restyled
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from copy import copy
from functools import cached_property
from os import PathLike
from types import MappingProxyType

import networkx as nx
import pyro
import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from pyro.poutine import block
from torch import Tensor

from causal_ssl.errors import unknown_name
from causal_ssl.randomness import generator_for, global_randomness_from
from causal_ssl.scm import checks
from causal_ssl.scm.equations import (
    NOISE,
    Equation,
    Laws,
    Mechanism,
    Tensors,
    argument_names,
)
from causal_ssl.scm.graph import causal_graph, topological_order
from causal_ssl.scm.hard import fixed
from causal_ssl.scm.laws import law_tensors
from causal_ssl.scm.noise import batched, draw, in_drawing_order
from causal_ssl.scm.soft import Soft, softened
from causal_ssl.scm.state import equations_state, equations_with_state, read_state, write_state
from causal_ssl.scm.world import World

Intervention = Tensor | float | Soft


class StructuralCausalModel:
    """A structural causal model: exogenous noise, and one mechanism a variable.

    The model is a Pyro program (`model`): noise is `pyro.sample`d at sites "<variable>.noise", each
    variable is a `pyro.deterministic` site of its own name. `do` returns another model of the same
    kind, so interventions compose. Construct noise and mechanisms on the device you want.

    Args:
        noise: variable -> Pyro distribution of its exogenous noise; one event is one sample, so
            vector noise needs `.to_event(1)`.
        mechanisms: variable -> function. Its argument names are its parents; the argument `noise`
            is the variable's own exogenous noise; arguments with a default are constants. Values
            come as (n, *event) and the result must be (n, *event). A mechanism that is an
            `nn.Module` is saved with the model.

    Raises:
        InputError: a cycle, an unknown parent, missing or unread noise, noise without mechanism.

    Examples:
        >>> from pyro.distributions import Normal
        >>> scm = StructuralCausalModel(
        ...     noise={"cause": Normal(0.0, 1.0), "effect": Normal(0.0, 0.5)},
        ...     mechanisms={
        ...         "cause": lambda noise: noise,
        ...         "effect": lambda cause, noise: 2 * cause + noise,
        ...     },
        ... )
        >>> scm.variables, list(scm.graph.edges)
        (('cause', 'effect'), [('cause', 'effect')])
        >>> world = scm.sample(1000, generator=torch.Generator().manual_seed(0))
        >>> raised = scm.counterfactual(world, cause=world["cause"] + 1)
        >>> bool(torch.allclose(raised["effect"] - world["effect"], torch.tensor(2.0), atol=1e-5))
        True
    """

    graph: nx.DiGraph
    """Parents -> variables, as a `networkx.DiGraph`."""
    variables: tuple[str, ...]
    """All variables, parents first."""
    _expected: World | None = None
    """Samples of the model that this one was made from by `do`, whose shapes its variables keep."""

    def __init__(
        self,
        noise: Mapping[str, TorchDistributionMixin],
        mechanisms: Mapping[str, Callable[..., Tensor]],
    ) -> None:
        arguments = {v: argument_names(f, f"mechanism of {v!r}") for v, f in mechanisms.items()}
        checks.check_names(noise, arguments)
        for variable, law in noise.items():
            checks.check_noise(variable, law)
        self._set_equations(
            {
                variable: Mechanism(
                    variable,
                    function,
                    parents=tuple(name for name in arguments[variable] if name != NOISE),
                    noise={variable: noise[variable]} if variable in noise else {},
                )
                for variable, function in mechanisms.items()
            }
        )

    def _set_equations(self, equations: Mapping[str, Equation]) -> None:
        self.equations: Mapping[str, Equation] = MappingProxyType(dict(equations))
        self.graph = causal_graph({v: e.parents for v, e in equations.items()})
        self.variables = topological_order(self.graph)
        laws = {key: law for e in equations.values() for key, law in e.noise.items()}
        self.noise: Laws = MappingProxyType(in_drawing_order(laws))

    @property
    def device(self) -> torch.device:
        """Where noise is drawn."""
        tensors = (tensor for law in self.noise.values() for tensor in law_tensors(law).values())
        return next(tensors, torch.empty(0)).device

    # -- drawing ------------------------------------------------------------------------------

    def model(self, n: int | None = None) -> World:
        """The Pyro program, for `pyro.condition`, `pyro.do`, `poutine.trace` and inference.

        `pyro.do` on a variable reaches its descendants and the returned world; a trace under
        `pyro.do` shows, as everywhere in Pyro, the value that the variable would have had.

        Args:
            n: number of samples, in a `pyro.plate` named "samples"; None for a single draw or
                inside plates of your own, whose sizes are then the leading dimensions.

        Raises:
            InputError: conditioning on a variable, which would be an intervention in disguise:
                condition on noise sites.
        """
        checks.refuse_conditioning_on(self.variables)
        with pyro.plate("samples", n) if n is not None else nullcontext():
            batch, noise = batched(self.noise, draw(self.noise), n)
            values: dict[str, Tensor] = {}
            for variable in self.variables:
                value = self._solve(variable, values, noise, batch)
                seen = pyro.deterministic(variable, value, event_dim=value.dim() - len(batch))
                values[variable] = checks.as_given(variable, seen, value)
        return World(values, noise)

    def sample(self, n: int, *, generator: torch.Generator) -> World:
        """n independent samples: each variable (n, *event), and their exogenous noise.

        The result depends on the model, n and the generator's state and on nothing else; torch's
        global random state is left as it was. A model and its `do` draw the same noise from the
        same state, so what is not downstream of an intervention comes out the same.

        Args:
            n: number of samples, at least 1.
            generator: on the model's device; it advances by one draw.

        Raises:
            InputError: n < 1; a generator on another device; a mechanism that loses the leading
                dimension.
        """
        checks.check_sample_size(n)
        checks.check_generator(generator, self.device)
        with block(), global_randomness_from(generator):
            return self.model(n)

    # -- intervening --------------------------------------------------------------------------

    def do(self, /, **interventions: Intervention) -> "StructuralCausalModel":
        """The model under an intervention; its `sample` draws from p^do(variable = ...).

        Args:
            **interventions: variable -> a number, a tensor (*event), a tensor of one value a sample
                (n, *event), or `soft(...)`.

        Raises:
            InputError: an unknown variable; a value with NaN or of another shape; a soft
                intervention that reads an unknown variable or closes a cycle.

        Examples:
            >>> from pyro.distributions import Normal
            >>> scm = StructuralCausalModel({"x": Normal(0.0, 1.0)}, {"x": lambda noise: noise})
            >>> scm.do(x=3).sample(2, generator=torch.Generator())["x"]
            tensor([3., 3.])
        """
        for variable in interventions:
            if variable not in self.equations:
                raise unknown_name("variable in do()", variable, self.variables)
        twin = copy(self)
        twin._expected = self._examples
        twin._set_equations(
            {**self.equations, **{v: self._intervened(v, i) for v, i in interventions.items()}}
        )
        return twin

    def counterfactual(
        self,
        world: World,
        /,
        *,
        generator: torch.Generator | None = None,
        **interventions: Intervention,
    ) -> World:
        """What the very same samples would have been under an intervention.

        Abduction (the kept noise), action, prediction: the variables intervened on and their
        descendants are computed anew from `world.noise`; all others are the same tensors. A soft
        intervention sees the value in `world` as `factual`.

        Args:
            world: drawn from this model. Of a counterfactual world ask the model it belongs to,
                `do(...)`, or mechanisms upstream forget the earlier intervention.
            generator: on the model's device; needed where a soft intervention draws fresh noise.
            **interventions: as in `do`.

        Returns:
            The counterfactual world. Its noise is `world.noise` and, under "variable.argument", the
            fresh noise: the intervention's parameters are on record.

        Raises:
            InputError: as `do` and `sample`; a world that lacks a variable or its noise.
        """
        checks.check_world(world, self.variables, self.noise)
        twin = self.do(**interventions)
        noise = {**world.noise, **self._fresh_noise(twin, world.n, generator)}
        affected = set(interventions).union(*(nx.descendants(twin.graph, v) for v in interventions))
        values = {variable: world[variable] for variable in self.variables}
        for variable in (v for v in twin.variables if v in affected):
            factual = world[variable] if variable in interventions else None
            values[variable] = twin._solve(variable, values, noise, torch.Size([world.n]), factual)
        return World(values, noise)

    # -- keeping ------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the tensors of the noise and of mechanisms that are modules; functions are code.

        A crash leaves the old file or the new one.
        """
        write_state(equations_state(self.equations), path)

    def load(self, path: str | PathLike[str]) -> "StructuralCausalModel":
        """This model with the tensors that `save` wrote, on this model's device.

        Raises:
            InputError: no such file, not a saved state, or of a model made of other parts.
        """
        twin = copy(self)
        twin._set_equations(equations_with_state(self.equations, read_state(path)))
        return twin

    # -- inside -------------------------------------------------------------------------------

    @cached_property
    def _examples(self) -> World:
        """Two samples, for what they show: event shape and precision of every variable."""
        if self._expected is not None:
            return self._expected
        return self.sample(2, generator=generator_for("examples", device=self.device))

    def _intervened(self, variable: str, intervention: Intervention) -> Equation:
        base = self.equations[variable]
        if isinstance(intervention, Soft):
            return softened(variable, base, intervention, self.variables)
        return fixed(variable, base, intervention, like=self._examples[variable])

    def _fresh_noise(
        self, twin: "StructuralCausalModel", n: int, generator: torch.Generator | None
    ) -> Tensors:
        laws = {key: law for key, law in twin.noise.items() if key not in self.noise}
        if not laws:
            return {}
        checks.check_generator(generator, self.device)
        assert generator is not None
        with block(), global_randomness_from(generator), pyro.plate("samples", n):
            return draw(laws)

    def _solve(
        self,
        variable: str,
        values: Tensors,
        noise: Tensors,
        batch: torch.Size,
        factual: Tensor | None = None,
    ) -> Tensor:
        try:
            value = self.equations[variable].solve(values, noise, batch, factual)
        except Exception as error:
            error.add_note(f"while computing the variable {variable!r} for {tuple(batch)} samples")
            raise
        event = None if self._expected is None else self._expected[variable].shape[1:]
        checks.check_solution(variable, value, batch, event)
        return value
