"""Save and load what a structural causal model is made of: its noise laws' and modules' tensors.

A model's functions are code and are not saved. Build the model by the same code, then load.
"""

import os
import pickle
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from causal_ssl.errors import InputError


def write_state(state: Mapping[str, Any], path: str | PathLike[str]) -> None:
    """Write tensors, numbers and names to a file that is either complete or not there.

    Raises:
        InputError: the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"cannot save to {str(path)!r}: there is no folder {str(path.parent)!r}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_state(path: str | PathLike[str]) -> dict[str, Any]:
    """Read what `write_state` wrote, onto the CPU; nothing in the file is executed.

    Raises:
        InputError: no such file, or not one of these.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"cannot load {str(path)!r}: there is no such file") from None
    except (RuntimeError, pickle.UnpicklingError, EOFError, OSError) as error:
        raise InputError(f"cannot load {str(path)!r}: not a saved state ({error})") from error
    if not isinstance(state, dict):
        raise InputError(
            f"cannot load {str(path)!r}: it holds a {type(state).__name__}, not a state"
        )
    return state
