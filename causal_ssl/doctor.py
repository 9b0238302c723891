"""Is this installation whole? Versions, devices, and the optional parts with how to get each."""

import importlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from causal_ssl.experiments import environment

Status = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's answer.

    Attributes:
        part: what was looked at.
        status: "missing" is an optional part that is not there, "broken" a core part that fails.
        detail: version, or what is wrong.
        remedy: the command that mends it; empty where there is nothing to mend.
    """

    part: str
    status: Status
    detail: str
    remedy: str = ""


CORE = ("numpy", "scipy", "pandas", "sklearn", "networkx", "matplotlib", "seaborn", "pyro", "rich")
OPTIONAL = {
    "causallearn": ("kernel test of conditional independence", "pip install 'causal-ssl[kci]'"),
    "lightning": ("training at image scale", "pip install 'lightning>=2.6.4'"),
    "timm": ("LARS, more encoders", "pip install timm"),
    "bpy": ("rendering images with Blender (one Python version a wheel)", "pip install bpy"),
    "moderngl": ("rendering images on a GPU", "pip install moderngl"),
    "tensorboard": ("loss curves in a browser", "pip install tensorboard"),
}
PAIR = "pip install --force-reinstall torch torchvision --constraint constraints.txt"


def examine() -> Iterator[Finding]:
    """Look at every part, one finding at a time; slow imports happen on the way."""
    yield Finding("python", "ok", platform.python_version())
    yield from (_imports(name) for name in CORE)
    yield _imports("torch", PAIR)
    yield _pair()
    yield from _devices()
    yield from (_optional(name, *about) for name, about in OPTIONAL.items())


def _imports(name: str, remedy: str = "pip install --editable .") -> Finding:
    try:
        module = importlib.import_module(name)
    except Exception as error:
        return Finding(name, "broken", f"{type(error).__name__}: {error}", remedy)
    return Finding(name, "ok", getattr(module, "__version__", "present"))


def _pair() -> Finding:
    """torchvision's compiled operators load only beside the torch they were built for."""
    try:
        import torch

        torchvision = importlib.import_module("torchvision")
        torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else ""
        detail = f"does not match torch ({type(error).__name__}: {first})"
        return Finding("torchvision", "broken", detail, PAIR)
    return Finding("torchvision", "ok", f"{torchvision.__version__}, matches torch")


def _devices() -> Iterator[Finding]:
    yield Finding("cpu", "ok", f"{environment.processor()}, {os.cpu_count()} cores")
    try:
        import torch
    except Exception:
        return
    yield Finding("threads", "ok", f"{torch.get_num_threads()} torch threads in one process")
    if not torch.cuda.is_available():
        remedy = "nothing to do without an NVIDIA GPU; --device cpu is the default then"
        yield Finding("cuda", "missing", "no usable CUDA device", remedy)
        return
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        memory = f"{found.total_memory / 2**30:.0f} GiB"
        yield Finding(f"cuda:{index}", "ok", f"{found.name}, {memory}, CUDA {torch.version.cuda}")


def _optional(name: str, purpose: str, remedy: str) -> Finding:
    if find_spec(name) is None:
        return Finding(name, "missing", purpose, remedy)
    return Finding(name, "ok", f"{environment.version(name) or 'present'}: {purpose}")
