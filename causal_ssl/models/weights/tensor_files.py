"""Files of weights: their format, by their first bytes; torch's and safetensors' are read here."""

import re
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from causal_ssl import files
from causal_ssl.errors import InputError

Kind = Literal["run", "torch", "safetensors", "pickle"]

ZIP = b"PK\x03\x04"
TORCH_1_5 = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""How files begin that torch has saved since 1.6, and before: a pickle of a number of its own."""

PICKLE = b"\x80"

Standardisation = dict[Literal["mean", "std"], tuple[float, float, float]]


def kind_of(path: Path) -> Kind:
    """The format of a file of weights; a directory is a run.

    Raises:
        InputError: no such file, an empty one, or none of the formats.
    """
    if path.is_dir():
        return "run"
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise InputError(f"cannot load {path}: {error.strerror or error}") from error
    if not start:
        raise InputError(f"cannot load {path}: it is empty, get the file again")
    if start.startswith((ZIP, TORCH_1_5)):
        return "torch"
    if start[8:9] == b"{":
        return "safetensors"
    if start.startswith(PICKLE):
        return "pickle"
    raise InputError(
        f"cannot load {path}: neither of torch nor safetensors nor a pickle of Haiku's parameters; "
        f"it begins with {start[:8]!r}"
    )


def load_torch(path: Path) -> dict[str, Any]:
    """What `torch.save` wrote, onto the CPU: tensors and plain values; nothing else is read.

    Raises:
        InputError: the file is damaged, or asks for anything else, which is named.
    """
    remedy = "save the weights anew, or get the file again"
    try:
        return files.load_tensors(path, what="weights that torch has saved", remedy=remedy)
    except InputError as error:
        if (asked := re.search(r"GLOBAL (\S+)", str(error.__cause__))) is None:
            raise
        raise InputError(
            f"cannot load {path}: it asks for {asked[1]}, and only tensors and plain values are "
            "read, since loading all else can run any code. Where you trust it, save its "
            "state_dict alone"
        ) from error


def load_safetensors(path: Path) -> tuple[dict[str, Tensor], Standardisation]:
    """The tensors, onto the CPU, and the mean and std of the channels that `export_resnet` names.

    Raises:
        InputError: the file is damaged, or there is no safetensors.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise InputError(
            f"reading {path} needs safetensors: pip install 'causal-ssl[images]'"
        ) from error
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"cannot load {path}: damaged, or no safetensors ({error})") from error
    return tensors, _standardisation(metadata)


def _standardisation(metadata: dict[str, str]) -> Standardisation:
    found: Standardisation = {}
    for name in ("mean", "std"):
        if name in metadata:
            try:
                r, g, b = map(float, metadata[name].split())
            except ValueError as error:
                raise InputError(
                    f"{name} {metadata[name]!r} in its metadata: expected one number for each of "
                    "R, G and B"
                ) from error
            found[name] = (r, g, b)
    return found
