"""Save and load what a structural causal model is made of: the tensors of its noise and modules.

A model's functions are code and are not saved: build the model by the same code, then load.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from causal_ssl import files
from causal_ssl.errors import InputError
from causal_ssl.scm.equations import Equation, Mechanism
from causal_ssl.scm.laws import law_tensors, with_tensors


def equations_state(equations: Mapping[str, Equation]) -> dict[str, Tensor]:
    """Tensors of noise laws ("noise.variable.name") and modules ("mechanism.variable.name")."""
    state: dict[str, Tensor] = {}
    for variable, mechanism in _mechanisms(equations).items():
        if isinstance(mechanism.function, nn.Module):
            for name, tensor in mechanism.function.state_dict().items():
                state[f"mechanism.{variable}.{name}"] = tensor
        for key, law in mechanism.noise.items():
            tensors = law_tensors(law)
            state |= {f"noise.{key}.{name}": tensors[name] for name in mechanism.law_names}
    # Parameters are often broadcast views of one number: save what is seen.
    return {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}


def equations_with_state(
    equations: Mapping[str, Equation], state: Mapping[str, Tensor]
) -> dict[str, Equation]:
    """The same equations with other tensors, on the device and in the precision they had.

    Raises:
        InputError: entries missing, unknown or of another shape.
    """
    _check_match(equations_state(equations), state)
    return {
        variable: _with_state(mechanism, state)
        for variable, mechanism in _mechanisms(equations).items()
    }


def _with_state(mechanism: Mechanism, state: Mapping[str, Tensor]) -> Mechanism:
    variable, function = mechanism.variable, mechanism.function
    if isinstance(function, nn.Module):
        prefix = f"mechanism.{variable}."
        function = deepcopy(function)
        function.load_state_dict(
            {k.removeprefix(prefix): tensor for k, tensor in state.items() if k.startswith(prefix)}
        )

    def loaded(name: str, now: Tensor) -> Tensor | None:
        return state[f"noise.{variable}.{name}"].to(now) if name in mechanism.law_names else None

    noise = {key: with_tensors(law, loaded) for key, law in mechanism.noise.items()}
    return replace(mechanism, function=function, noise=noise)


def _mechanisms(equations: Mapping[str, Equation]) -> dict[str, Mechanism]:
    mechanisms: dict[str, Mechanism] = {}
    for variable, equation in equations.items():
        if not isinstance(equation, Mechanism):
            raise InputError(
                f"{variable!r} is intervened on: save and load the model itself, then call do()"
            )
        mechanisms[variable] = equation
    return mechanisms


def _check_match(expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    missing, unknown = sorted(expected.keys() - state), sorted(state.keys() - expected)
    if missing or unknown:
        raise InputError(
            "the saved parameters are of another model: "
            + "; ".join(
                f"{what} {', '.join(names)}"
                for what, names in [("missing", missing), ("not in this model", unknown)]
                if names
            )
        )
    for name, tensor in expected.items():
        if state[name].shape != tensor.shape:
            raise InputError(
                f"the saved parameters are of another model: {name} has shape "
                f"{tuple(state[name].shape)}, here it is {tuple(tensor.shape)}"
            )


def write_state(state: Mapping[str, Any], path: str | PathLike[str]) -> None:
    """Write tensors, numbers and names to a file that is either complete or not there.

    Raises:
        InputError: the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"cannot save to {str(path)!r}: there is no folder {str(path.parent)!r}")
    files.save_tensors(path, state)


def read_state(path: str | PathLike[str]) -> dict[str, Any]:
    """Read what `write_state` wrote, onto the CPU; nothing in the file is executed.

    Raises:
        InputError: no such file, or not one of these.
    """
    remedy = "give a file that `save` wrote"
    return files.load_tensors(Path(path), what="a saved state", remedy=remedy)
