"""Checkpoints: written whole or not at all, loadable without running code, tied to their run."""

import dataclasses
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from causal_ssl import files
from causal_ssl.errors import InputError

Identity = dict[str, Any]
"""What a run is, in plain values: two runs may share a checkpoint iff these are equal."""


def save(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint: a rerun after a kill at any moment sees the old file or the new one.

    Args:
        path: the file; its folder is made if missing.
        state: tensors, numbers, strings, and lists and dicts of them.
    """
    files.sweep(path)  # one process writes a checkpoint: what is there is of a killed one
    files.save_tensors(path, state)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; nothing in it is executed.

    Raises:
        InputError: the file is damaged or no checkpoint.
    """
    remedy = "delete it to start this training afresh"
    return files.load_tensors(path, what="a checkpoint", remedy=remedy)


def check_same_run(saved: Identity, wanted: Identity, path: Path) -> None:
    """Refuse a checkpoint of another run.

    Raises:
        InputError: names everything that differs, with both values.
    """
    saved, wanted = _flat(saved), _flat(wanted)
    differences = [
        f"{name} is {saved.get(name, 'absent')} there, {wanted.get(name, 'absent')} here"
        for name in sorted(saved.keys() | wanted.keys())
        if saved.get(name) != wanted.get(name)
    ]
    if differences:
        raise InputError(
            f"{path} belongs to another training run: {'; '.join(differences)}. "
            "Continue with the same values, give another path, or delete the file"
        )


def describe(value: Any) -> Any:
    """A value as plain data for an `Identity`: what it is configured to, not where it is stored.

    Dataclasses and modules become dicts of their public fields (a module's parameters, buffers and
    mode are state and left out), tensors a hash of what they hold, functions their names.

    Examples:
        >>> describe(nn.LeakyReLU(0.2))
        {'type': 'LeakyReLU', 'negative_slope': 0.2, 'inplace': False}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        data = value.detach().cpu().flatten().view(torch.uint8).numpy().tobytes()
        return f"{value.dtype} {tuple(value.shape)} {sha256(data).hexdigest()[:16]}"
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): describe(item) for name, item in value.items()}
    if isinstance(value, Callable) and hasattr(value, "__qualname__"):  # type: ignore[arg-type]
        return value.__qualname__
    fields = {"type": type(value).__name__}
    if dataclasses.is_dataclass(value):
        fields |= {f.name: describe(getattr(value, f.name)) for f in dataclasses.fields(value)}
    elif isinstance(value, nn.Module):
        public = {name: item for name, item in vars(value).items() if not name.startswith("_")}
        fields |= {name: describe(item) for name, item in public.items() if name != "training"}
        fields |= {name: describe(child) for name, child in value.named_children()}
    return fields


def _flat(identity: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in identity.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
